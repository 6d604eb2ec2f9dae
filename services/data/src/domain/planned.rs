//! Rows as the writes of a request are going to leave them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use mainstay_record::Value;

use super::context::Operation;
use super::draft::Draft;

/// What becomes of the rows that a request writes, before any of it is stored: the rules of a write see what those before
/// it make.
#[derive(Debug, Default)]
pub struct Planned(HashMap<(usize, String), Made>);

/// What a write makes of a row: nothing where it goes.
#[derive(Debug)]
struct Made {
    write: usize,
    key: Vec<Value>,
    row: Option<Arc<[Value]>>,
}

/// A resource, the key of a row of it, and what is made of that.
type MadeOf = (usize, Vec<Value>, Option<Arc<[Value]>>);

/// What the writes before one of them make.
#[derive(Debug, Clone, Copy)]
pub struct Earlier<'p> {
    planned: &'p Planned,
    write: usize,
}

impl Planned {
    /// Notes what a write makes of its row: nothing where the row goes. Of two that are about one row the first counts; the
    /// second is refused in its turn.
    pub fn put(&mut self, write: usize, op: &Operation, old: Option<&[Value]>, new: Option<&Arc<[Value]>>) {
        let Some(row) = new.map(|new| &**new).or(old) else { return };
        let key = row[..op.plan().resource.layout.keys()].to_vec();
        let name = op.plan().name(&key);
        self.0.entry((op.resource, name)).or_insert_with(|| Made { write, key, row: new.cloned() });
    }

    /// Notes what a checked write makes of its row.
    pub fn put_draft(&mut self, write: usize, op: &Operation, draft: &Draft) {
        self.put(write, op, draft.old.as_deref(), draft.new.as_ref());
    }

    /// What the writes before this one make.
    pub fn before(&self, write: usize) -> Earlier<'_> {
        Earlier { planned: self, write }
    }
}

impl<'p> Earlier<'p> {
    /// Says whether there is anything to see.
    pub fn is_empty(self) -> bool {
        self.planned.0.is_empty()
    }

    /// What is made of the rows of these resources: the resource, the key, and the row unless it goes.
    pub fn rows(self, resources: &BTreeSet<usize>) -> Vec<MadeOf> {
        let earlier = self.planned.0.iter().filter(|(_, made)| made.write < self.write);
        let among = earlier.filter(|((resource, _), _)| resources.contains(resource));
        let mut rows: Vec<_> =
            among.map(|((resource, _), made)| (*resource, made.key.clone(), made.row.clone())).collect();
        rows.sort_by(|a, b| (a.0, format!("{:?}", a.1)).cmp(&(b.0, format!("{:?}", b.1))));
        rows
    }

    /// What is made of a row; nothing where the store knows it best, and nothing inside where it goes.
    pub fn row(self, op: &Operation, resource: usize, key: &[Value]) -> Option<Option<&'p [Value]>> {
        if self.is_empty() {
            return None;
        }
        let made = self.planned.0.get(&(resource, op.snapshot.resource(resource).name(key)))?;
        (made.write < self.write).then_some(made.row.as_deref())
    }
}
