//! From the paths of an `expand` to what is read for them, hop by hop.

use mainstay_expr::{LinkTo, RecordType, Storage, Type};
use mainstay_record::Value;
use mainstay_wire::MaskError;

use crate::domain::context::Operation;
use crate::error::{Error, Result};
use crate::plans::ResourcePlan;

/// The most paths of one request.
pub const MAX_PATHS: usize = 32;
/// How many references a path may go through.
pub const MAX_DEPTH: usize = 5;

/// How many bytes of a path a client is shown again.
const SHOWN: usize = 64;

/// What a request goes through: its edges, each of which stands behind the one that it goes on from.
#[derive(Debug, Default)]
pub struct Expansion {
    pub edges: Vec<Edge>,
    /// Those that begin at the rows of the answer.
    pub roots: Vec<usize>,
}

/// A reference that is gone through.
#[derive(Debug)]
pub struct Edge {
    from: From,
    /// Index into `Contract::resources`.
    pub target: usize,
    /// The fields that are wanted of what it leads to; all of them where it is whole.
    pub wanted: Vec<String>,
    pub whole: bool,
    /// Those that go on from there.
    pub below: Vec<usize>,
}

/// Where the name of the other row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    Columns(Vec<usize>),
    /// Inside a list: an index into `Resource::links`.
    Link(usize),
}

impl Expansion {
    /// Compiles paths. Fails on what is no reference, on a field that the caller never sees, and on what is too much.
    pub fn of(op: &Operation, paths: &[&str]) -> Result<Expansion> {
        if paths.len() > MAX_PATHS {
            return Err(refused("", format!("at most {MAX_PATHS} paths are gone along at once")));
        }
        let mut expansion = Expansion::default();
        for path in paths {
            Walk { op, path, expansion: &mut expansion, at: None, depth: 0 }.go()?;
        }
        expansion.check(op)?;
        Ok(expansion)
    }

    /// The keys of the rows that edges lead to from a row, as far as the caller sees where they are named.
    pub fn led_to(
        &self,
        plan: &ResourcePlan,
        edges: &[usize],
        row: &[Value],
        hidden: &[usize],
    ) -> Vec<(usize, Vec<Value>)> {
        let is_seen = |column: &usize| hidden.binary_search(column).is_err();
        let mut found = Vec::new();
        let linked = edges.iter().any(|edge| matches!(self.edges[*edge].from, From::Link(_)));
        let linked = if linked { plan.links.found(row) } else { Vec::new() };
        for edge in edges {
            match &self.edges[*edge].from {
                From::Columns(columns) => {
                    let key: Vec<Value> = columns.iter().map(|column| row[*column].clone()).collect();
                    if columns.iter().all(is_seen) && !key.iter().any(Value::is_null) {
                        found.push((*edge, key));
                    }
                }
                From::Link(link) => {
                    let reference = &plan.resource.links[*link];
                    let named = linked.iter().filter(|linked| linked.link == *link && is_seen(&reference.column));
                    let keys = named.filter_map(|linked| reference.template.parse(&linked.name));
                    let key = |parts: Vec<&str>| parts.into_iter().map(|part| Value::Text(part.to_owned())).collect();
                    found.extend(keys.map(|parts| (*edge, key(parts))));
                }
            }
        }
        found
    }

    /// The fields that are wanted of a row that these edges led to; nothing where it is wanted whole.
    pub fn wanted(&self, edges: impl Iterator<Item = usize>) -> Option<Vec<&str>> {
        let mut paths = Vec::new();
        for edge in edges {
            let edge = &self.edges[edge];
            if edge.whole {
                return None;
            }
            paths.extend(edge.wanted.iter().map(String::as_str));
        }
        Some(paths)
    }

    /// Checks what the walks could not see alone.
    fn check(&self, op: &Operation) -> Result<()> {
        let shape = |resource: usize| op.snapshot.resource(resource).resource.template.render(|_| "*");
        for (position, edge) in self.edges.iter().enumerate() {
            let other = self.edges[..position]
                .iter()
                .find(|other| other.target != edge.target && shape(other.target) == shape(edge.target));
            if let Some(other) = other {
                let [one, two] = [other, edge].map(|edge| op.snapshot.resource(edge.target).resource.type_name.clone());
                return Err(refused(
                    "",
                    format!("{one} and {two} have names of one form; go to one of them at a time"),
                ));
            }
            if !edge.whole {
                let paths: Vec<&str> = edge.wanted.iter().map(String::as_str).collect();
                let target = op.snapshot.resource(edge.target);
                let masked = |error| Error::Mask { field: "expand", error: target.classes.masked(error) };
                target.record.select(&paths).map_err(masked)?;
            }
        }
        Ok(())
    }
}

/// One path on its way.
struct Walk<'w> {
    op: &'w Operation,
    path: &'w str,
    expansion: &'w mut Expansion,
    /// The edge behind which it is; nothing at the rows of the answer.
    at: Option<usize>,
    depth: usize,
}

impl Walk<'_> {
    fn go(&mut self) -> Result<()> {
        let path = self.path;
        let mut names = path.split('.').peekable();
        while names.peek().is_some() {
            self.behind_one(&mut names)?;
        }
        if self.at.is_none() {
            return Err(
                self.refused("leads through no reference; fields of the resource itself are chosen by a read mask")
            );
        }
        Ok(())
    }

    fn resource(&self) -> usize {
        self.at.map_or(self.op.resource, |edge| self.expansion.edges[edge].target)
    }

    /// From a row to the next reference, or to the end.
    fn behind_one(&mut self, names: &mut std::iter::Peekable<std::str::Split<'_, char>>) -> Result<()> {
        let plan = self.op.snapshot.resource(self.resource()).clone();
        let mut record: &RecordType = &plan.resource.record;
        let (mut words, mut numbers) = (Vec::new(), Vec::new());
        while let Some(name) = names.next() {
            if name == "*" && names.peek().is_none() && words.is_empty() && self.at.is_some() {
                return self.whole();
            }
            let field = record
                .input_field(name)
                .ok_or_else(|| self.refused(&format!("there is no field `{}`", shown(name))))?;
            if words.is_empty()
                && let Some(unseen) = plan.rules.never_seen(&field.name, &self.op.caller)
            {
                return Err(Error::Unseen { field: "expand", name: unseen.name.clone() });
            }
            words.push(field.name.as_str());
            numbers.push(field.number);
            let link = || plan.resource.links.iter().position(|link| link.path.0 == numbers);
            let hop = match &field.storage {
                Storage::Template { target: Some(to), .. } => Some((From::Columns(to.key.clone()), to.table)),
                // A field of the row like others, behind which there is nothing.
                Storage::Account { .. }
                | Storage::Links { to: LinkTo { target: None, .. }, .. }
                | Storage::LinkInJson(LinkTo { target: None, .. }) => {
                    if self.at.is_none() || names.peek().is_some() {
                        return Err(self.refused(ACCOUNTS));
                    }
                    None
                }
                Storage::Links { to: LinkTo { target: Some(target), .. }, .. }
                | Storage::LinkInJson(LinkTo { target: Some(target), .. }) => {
                    let link = link().ok_or_else(|| {
                        self.refused("goes further into a message that contains itself than its fields can be named")
                    })?;
                    Some((From::Link(link), *target))
                }
                _ => None,
            };
            if let Some((from, target)) = hop {
                let field = words.join(".");
                self.hop(&field, from, target)?;
                return if names.peek().is_none() { self.whole() } else { Ok(()) };
            }
            match (inner(&field.ty), names.peek().is_some()) {
                (Some(inner), true) => record = inner,
                (None, true) => return Err(self.refused(&format!("`{name}` has no fields"))),
                (_, false) => self.want(&words.join(".")),
            }
        }
        Ok(())
    }

    fn hop(&mut self, field: &str, from: From, target: usize) -> Result<()> {
        self.want(field);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.refused(&format!("goes through more than {MAX_DEPTH} references")));
        }
        let edges = &mut self.expansion.edges;
        let siblings = match self.at {
            Some(at) => &edges[at].below,
            None => &self.expansion.roots,
        };
        if let Some(known) = siblings.iter().copied().find(|sibling| edges[*sibling].from == from) {
            self.at = Some(known);
            return Ok(());
        }
        let new = edges.len();
        // By its name a row is found in the answer.
        let named = self.op.snapshot.resource(target).resource.name_field.is_some();
        let wanted = named.then(|| "name".to_owned()).into_iter().collect();
        edges.push(Edge { from, target, wanted, whole: false, below: Vec::new() });
        match self.at {
            Some(at) => edges[at].below.push(new),
            None => self.expansion.roots.push(new),
        }
        self.at = Some(new);
        Ok(())
    }

    fn want(&mut self, field: &str) {
        if let Some(at) = self.at {
            self.expansion.edges[at].wanted.push(field.to_owned());
        }
    }

    fn whole(&mut self) -> Result<()> {
        if let Some(at) = self.at {
            self.expansion.edges[at].whole = true;
        }
        Ok(())
    }

    fn refused(&self, message: &str) -> Error {
        let error = MaskError { path: shown(self.path), message: message.to_owned() };
        Error::Mask { field: "expand", error: self.op.plan().classes.masked(error) }
    }
}

const ACCOUNTS: &str = "names an account, which another service keeps: it cannot be expanded";

fn inner(ty: &Type) -> Option<&RecordType> {
    match ty {
        Type::Message(record) => Some(record),
        Type::List(of) | Type::Map(of) | Type::MapOther { value: of, .. } => inner(of),
        _ => None,
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn refused(path: &str, message: String) -> Error {
    Error::Mask { field: "expand", error: MaskError { path: shown(path), message } }
}
