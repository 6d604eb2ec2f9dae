//! Rules that reach into JSON columns, with the keys of birth.
//!
//! A rule is compiled against today's names. Where a message inside a JSON column has a renamed field, the keys that the
//! compiled rule holds are replaced by those that are stored. A key of a map is data and never replaced.

use mainstay_expr::{Expr, Row};
use mainstay_record::{JsonShape, Value};

use crate::{JsonEntry, Label};

/// The keys inside one JSON column: today's names and those of birth.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    column: usize,
    label: Label,
    messages: Vec<Vec<Key>>,
}

#[derive(Debug, Clone)]
struct Key {
    natural: String,
    birth: String,
    label: Label,
    message: Option<usize>,
}

/// Where in a JSON column an expression points.
#[derive(Clone, Copy)]
struct Position<'k> {
    keys: &'k Keys,
    label: Label,
    message: Option<usize>,
}

impl Keys {
    /// Puts the keys of birth into a shape and tells both; nothing where no messages are inside.
    pub fn bind(column: usize, label: Label, entry: &JsonEntry, shape: &mut JsonShape) -> Option<Keys> {
        let mut keys = Keys { column, label, messages: vec![Vec::new(); shape.messages.len()] };
        let mut seen = vec![false; shape.messages.len()];
        let mut queue = vec![(0, 0)];
        while let Some((known, index)) = queue.pop() {
            let (Some(entry), Some(message)) = (entry.messages.get(known), shape.messages.get_mut(index)) else {
                continue;
            };
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            for field in &mut message.fields {
                let Some(known) = entry.fields.iter().find(|known| known.number == field.number) else { continue };
                let natural = std::mem::replace(&mut field.key, known.key.clone());
                let label = known.signature.label;
                keys.messages[index].push(Key { natural, birth: known.key.clone(), label, message: field.message });
                if let (Some(known), Some(inner)) = (known.message, field.message) {
                    queue.push((known, inner));
                }
            }
        }
        (!keys.messages.is_empty()).then_some(keys)
    }

    /// Says whether a key of birth is not today's name.
    pub fn differ(&self) -> bool {
        self.messages.iter().flatten().any(|key| key.natural != key.birth)
    }
}

/// The keys of a resource's own columns, and of those of all resources of the contract, by their numbers: a rule looks at
/// any of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Births<'k> {
    pub own: &'k [Keys],
    pub all: &'k [Vec<Keys>],
}

impl<'k> Births<'k> {
    /// Whether every key is today's name.
    pub fn is_empty(self) -> bool {
        self.own.is_empty() && self.all.iter().all(Vec::is_empty)
    }

    /// Replaces the keys in an expression.
    pub fn rewrite(self, expr: Expr) -> Expr {
        rewrite(self, expr, None)
    }

    fn of(self, row: &Row) -> &'k [Keys] {
        match row.table() {
            None => self.own,
            Some(table) => self.all.get(table).map_or(&[], Vec::as_slice),
        }
    }
}

fn rewrite(columns: Births<'_>, expr: Expr, element: Option<Position<'_>>) -> Expr {
    match expr {
        Expr::Any { of, predicate } => {
            let list = position(columns, &of, element);
            let inner = list.map(|list| Position { label: Label::Optional, ..list });
            let of = Box::new(rewrite(columns, *of, element));
            Expr::Any { of, predicate: Box::new(rewrite(columns, *predicate, inner)) }
        }
        Expr::Json { of, key, kind } => {
            let stored = position(columns, &of, element).and_then(|of| of.field(&key)).map(|field| field.birth.clone());
            let key = stored.map_or(key, |stored| Box::new(Expr::text(stored)));
            let key = Box::new(rewrite(columns, *key, element));
            Expr::Json { of: Box::new(rewrite(columns, *of, element)), key, kind }
        }
        other => other.map_children(&mut |child| rewrite(columns, child, element)),
    }
}

/// Where an expression points, if into a JSON column. It is asked of the expression as compiled, with today's names.
fn position<'k>(columns: Births<'k>, expr: &Expr, element: Option<Position<'k>>) -> Option<Position<'k>> {
    match expr {
        Expr::Column { row, index, .. } => {
            let keys = columns.of(row).iter().find(|keys| keys.column == *index)?;
            Some(Position { keys, label: keys.label, message: Some(0) })
        }
        Expr::Element { .. } => element,
        Expr::Json { of, key, .. } => {
            let of = position(columns, of, element)?;
            if of.label == Label::Map {
                return Some(Position { label: Label::Optional, ..of });
            }
            let field = of.field(key)?;
            Some(Position { keys: of.keys, label: field.label, message: field.message })
        }
        Expr::Look { then, .. } => position(columns, then, element),
        Expr::Coalesce(first, second) => {
            position(columns, first, element).or_else(|| position(columns, second, element))
        }
        Expr::If { then, otherwise, .. } => {
            position(columns, then, element).or_else(|| position(columns, otherwise, element))
        }
        _ => None,
    }
}

impl<'k> Position<'k> {
    /// The field that a constant key names here; nothing in a map or a list.
    fn field(&self, key: &Expr) -> Option<&'k Key> {
        let Expr::Literal(Value::Text(name)) = key else { return None };
        if matches!(self.label, Label::Map | Label::Repeated) {
            return None;
        }
        self.keys.messages.get(self.message?)?.iter().find(|known| known.natural == *name)
    }
}
