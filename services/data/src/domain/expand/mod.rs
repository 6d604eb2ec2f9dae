//! What references lead to, answered with the rows that hold them: a mask that goes through references (`expand`). Each hop is
//! under the read rule of what it leads to, and under the rules of its fields: what the caller may not read is as if it were not
//! there. All of one hop's rows of a resource are read by one statement.

mod paths;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use mainstay_contract::{Request, Role};
use mainstay_db::{Conn, Sink};
use mainstay_record::{Row, Value, Violation};
use mainstay_wire::{EncodeError, frame};

pub use self::paths::{Expansion, MAX_DEPTH, MAX_PATHS};
use super::answer::MAX_ANSWER_BYTES;
use super::context::{Context, Operation};
use super::record_size::{self, MAX_FOUND_BYTES};
use crate::error::{Error, Result};
use crate::plans::{Hidden, Readable, ResourcePlan, Sight, lane_for};

/// How many rows a request may go to beside those that it asks for.
pub const MAX_EXPANDED: usize = 2_000;

/// More ways than these, of all paths to all of the rows, are not remembered.
const MAX_ITEMS: usize = MAX_EXPANDED * MAX_PATHS;

/// The type of what is packed into an `Any`.
const TYPE_URL: &str = "type.googleapis.com/";

/// Compiles what a request goes through; nothing where it says nothing of that.
pub fn of<B: AsRef<[u8]>>(op: &Operation, asked: &Request<B>) -> Result<Option<Roots>> {
    let Some(paths) = asked.mask(Role::Expand)?.filter(|paths| !paths.is_empty()) else { return Ok(None) };
    let expansion = Arc::new(Expansion::of(op, &paths)?);
    Ok(Some(Roots {
        expansion,
        plan: Arc::clone(op.plan()),
        sight: op.plan().rules.sight(&op.caller),
        found: Items::new(),
    }))
}

/// An edge, and the row that it led to: its ids, and its key.
type Items = BTreeMap<(usize, String), Vec<Value>>;

/// What the rows of an answer lead to.
#[derive(Debug)]
pub struct Roots {
    expansion: Arc<Expansion>,
    plan: Arc<ResourcePlan>,
    sight: Sight,
    found: Items,
}

impl Roots {
    /// Takes in a row of the answer.
    pub fn row(&mut self, row: &impl Row) {
        let hidden = self.plan.hidden(&self.sight, row);
        let row = self.plan.row(row);
        self.values(&row, &hidden);
    }

    /// The same of a row that is in memory, of which this is not seen.
    pub fn values(&mut self, row: &[Value], hidden: &[usize]) {
        // What is more than may be gone to is refused in the end.
        if self.found.len() > MAX_ITEMS {
            return;
        }
        for (edge, key) in self.expansion.led_to(&self.plan, &self.expansion.roots, row, hidden) {
            self.found.insert((edge, ids(&key)), key);
        }
    }

    /// Forgets the rows: the answer is put together again.
    pub fn clear(&mut self) {
        self.found.clear();
    }
}

/// What a row is told by among others of its resource.
fn ids(key: &[Value]) -> String {
    let ids: Vec<&str> = key.iter().map(|id| if let Value::Text(id) = id { id.as_str() } else { "" }).collect();
    ids.join("/")
}

/// Reads what an answer leads to, and writes it behind the answer, in the field of this number.
pub async fn put(cx: &Context, op: &Operation, roots: Roots, number: u32, out: &mut Vec<u8>) -> Result<()> {
    if roots.found.is_empty() {
        return Ok(());
    }
    let lane = lane_for(roots.found.len());
    let asked = Arc::new((op.clone(), roots));
    let read = cx.db.read(lane, move |conn| {
        let asked = Arc::clone(&asked);
        Box::pin(async move { expanded(conn, &asked.0, &asked.1, number).await })
    });
    append(&read.await?, out)
}

/// The same where the rows of the answer were read by this connection.
pub async fn put_in(conn: &mut Conn<'_>, op: &Operation, roots: &Roots, number: u32, out: &mut Vec<u8>) -> Result<()> {
    append(&expanded(conn, op, roots, number).await?, out)
}

fn append(expanded: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if out.len() + expanded.len() > MAX_ANSWER_BYTES {
        return Err(too_much(&format!("would be answered with more than {MAX_ANSWER_BYTES} bytes")));
    }
    out.extend_from_slice(expanded);
    Ok(())
}

fn too_much(description: &str) -> Error {
    Error::Violations(vec![Violation {
        field: "expand".to_owned(),
        description: format!("{description}; ask for fewer rows, or go through fewer references"),
    }])
}

/// A row that was gone to.
struct Reached {
    row: Vec<Value>,
    hidden: Hidden,
    edges: BTreeSet<usize>,
}

async fn expanded(conn: &mut Conn<'_>, op: &Operation, roots: &Roots, number: u32) -> Result<Vec<u8>> {
    let expansion = &*roots.expansion;
    if roots.found.len() > MAX_ITEMS {
        return Err(too_much(&format!("leads to more than {MAX_EXPANDED} resources")));
    }
    // By resource and ids; nothing inside where it is not there for the caller.
    let mut rows: BTreeMap<(usize, String), Option<Reached>> = BTreeMap::new();
    let (mut items, mut bytes) = (roots.found.clone(), 0);
    while !items.is_empty() {
        let mut unknown: BTreeMap<usize, Vec<&[Value]>> = BTreeMap::new();
        for ((edge, ids), key) in &items {
            let place = (expansion.edges[*edge].target, ids.clone());
            if let Entry::Vacant(free) = rows.entry(place) {
                unknown.entry(free.key().0).or_default().push(key);
                free.insert(None);
            }
        }
        if rows.len() > MAX_EXPANDED {
            return Err(too_much(&format!("leads to more than {MAX_EXPANDED} resources")));
        }
        for (resource, keys) in unknown {
            for row in read(conn, &Operation { resource, ..op.clone() }, &keys, &mut bytes).await? {
                rows.insert((resource, ids(&row.0)), Some(row.1));
            }
        }
        let mut next = Items::new();
        for (edge, of) in items.into_keys() {
            let target = expansion.edges[edge].target;
            let Some(Some(reached)) = rows.get_mut(&(target, of)) else { continue };
            if reached.edges.insert(edge) {
                let plan = op.snapshot.resource(target);
                let led = expansion.led_to(plan, &expansion.edges[edge].below, &reached.row, &reached.hidden);
                next.extend(led.into_iter().map(|(edge, key)| ((edge, ids(&key)), key)));
            }
        }
        items = next;
    }
    let mut out = Vec::new();
    for ((resource, _), reached) in &rows {
        if let Some(reached) = reached {
            entry(op, expansion, (*resource, reached), number, &mut out)?;
        }
    }
    Ok(out)
}

/// Reads rows of one resource by their keys, those that the caller may read.
async fn read(
    conn: &mut Conn<'_>,
    op: &Operation,
    keys: &[&[Value]],
    bytes: &mut usize,
) -> Result<Vec<(Vec<Value>, Reached)>> {
    let plan = op.plan();
    let Readable::By { statement, .. } = plan.get_many(&op.caller) else { return Ok(Vec::new()) };
    let binds = statement.values(&op.caller, &[plan.many_keys(keys)]);
    let mut found = Found { plan, sight: plan.rules.sight(&op.caller), rows: Vec::new(), bytes: *bytes };
    conn.fetch(&statement.statement, &binds, &mut found).await?;
    *bytes = found.bytes;
    if found.bytes > MAX_FOUND_BYTES {
        return Err(Error::TooMuch);
    }
    let reached = |(row, hidden): (Vec<Value>, Hidden)| {
        (row[..plan.resource.layout.keys()].to_vec(), Reached { row, hidden, edges: BTreeSet::new() })
    };
    Ok(found.rows.into_iter().map(reached).collect())
}

/// Takes rows, as long as there is room.
struct Found<'p> {
    plan: &'p ResourcePlan,
    sight: Sight,
    rows: Vec<(Vec<Value>, Hidden)>,
    bytes: usize,
}

impl Sink for Found<'_> {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        let hidden = self.plan.hidden(&self.sight, row);
        let row = self.plan.row(row);
        self.bytes += record_size::in_memory(&row);
        self.rows.push((row, hidden));
        if self.bytes > MAX_FOUND_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Writes a row as an entry of a map: its name, and an `Any`.
fn entry(
    op: &Operation,
    expansion: &Expansion,
    (resource, reached): (usize, &Reached),
    number: u32,
    out: &mut Vec<u8>,
) -> Result<()> {
    let plan = op.snapshot.resource(resource);
    let wanted = expansion.wanted(reached.edges.iter().copied());
    let selection = wanted.map(|paths| plan.record.select(&paths)).transpose();
    let selection = selection.map_err(|error| Error::Mask { field: "expand", error })?;
    let mut message = Vec::with_capacity(256);
    let encoded: std::result::Result<(), EncodeError> =
        plan.encode_without(&reached.hidden, &reached.row, selection.as_ref(), &mut message);
    encoded.map_err(Error::Damaged)?;
    let mut any = Vec::with_capacity(message.len() + 64);
    frame::put_message(1, format!("{TYPE_URL}{}", plan.resource.message).as_bytes(), &mut any);
    frame::put_message(2, &message, &mut any);
    let mut entry = Vec::with_capacity(any.len() + 64);
    frame::put_message(1, plan.name(&reached.row).as_bytes(), &mut entry);
    frame::put_message(2, &any, &mut entry);
    frame::put_message(number, &entry, out);
    Ok(())
}
