//! What goes with a row that is deleted: as the contract says (`on_delete`, `on_parent_delete`), which it does as itself and not
//! as the caller, and what lies below the row where the caller says so (`force`, AIP-135), as far as they may delete it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use mainstay_contract::OnDelete;
use mainstay_record::Value;

use super::context::Operation;
use super::draft::{Along, MAX_ALONG, Then};
use super::record::{deleted, revise};
use super::tx::Tx;
use crate::error::{Error, Result};
use crate::plans::{By, Dependent, ResourcePlan};

/// A resource, and the name of one of its rows.
type Named = (usize, String);

/// What is known of a deletion.
struct Walk<'o> {
    op: &'o Operation,
    force: bool,
    /// The rows that go, the one that was asked for first, each behind those by which it goes.
    gone: Vec<(usize, Vec<Value>)>,
    known: HashSet<Named>,
    /// The rows that lose a reference: as they are, and as they are to be.
    unset: BTreeMap<Named, (Vec<Value>, Vec<Value>)>,
    /// The rows that stay as they are, unless they go for another reason.
    staying: Vec<(usize, Vec<Value>)>,
}

/// Finds what goes with a row, in the order in which it is to be done. Fails where something stays.
pub async fn along(tx: &mut Tx<'_, '_>, op: &Operation, row: &[Value], force: bool) -> Result<Vec<Along>> {
    let mut walk =
        Walk { op, force, gone: Vec::new(), known: HashSet::new(), unset: BTreeMap::new(), staying: Vec::new() };
    walk.take(op.resource, row.to_vec())?;
    let mut next = 0;
    while let Some((resource, row)) = walk.gone.get(next).cloned() {
        next += 1;
        let on = walk.on(resource);
        for dependent in &on.plan().dependents {
            let key = &row[..on.plan().resource.layout.keys()];
            for found in tx.dependents(&on, dependent, key, MAX_ALONG + 1).await? {
                walk.decide(tx, (&on, key), dependent, found).await?;
            }
        }
    }
    walk.check_staying(tx).await?;
    Ok(walk.into_order())
}

impl Walk<'_> {
    fn on(&self, resource: usize) -> Operation {
        Operation { resource, ..self.op.clone() }
    }

    fn named(&self, resource: usize, row: &[Value]) -> Named {
        (resource, self.op.snapshot.resource(resource).name(row))
    }

    fn root(&self) -> String {
        self.gone.first().map_or_else(String::new, |(_, row)| self.op.plan().name(row))
    }

    /// Decides what becomes of a row that hangs on one of `on` that goes.
    async fn decide(
        &mut self,
        tx: &mut Tx<'_, '_>,
        (on, key): (&Operation, &[Value]),
        dependent: &Dependent,
        row: Vec<Value>,
    ) -> Result<()> {
        let resource = dependent.resource;
        let named = self.named(resource, &row);
        match (dependent.on_delete, dependent.by) {
            (OnDelete::Cascade, _) => self.take(resource, row),
            (OnDelete::SetNull, By::Reference { position, .. }) => self.unset(named, row, |plan, new| {
                let columns = &plan.resource.references[position].columns;
                columns.iter().for_each(|column| new[*column] = Value::Null);
            }),
            (OnDelete::SetNull, By::Link { position, .. }) => {
                let name = on.plan().name(key);
                self.unset(named, row, |plan, new| {
                    plan.links.without(new, |linked| linked.link == position && linked.name == name);
                })
            }
            (_, By::Parent { .. }) if self.force && !self.known.contains(&named) => {
                let below = self.on(resource);
                // What is to be kept could not be, below what is gone.
                let could = below.plan().resource.soft_delete.is_none() || on.plan().resource.soft_delete.is_some();
                if could && tx.may_delete(&below, &row).await? {
                    return self.take(resource, row);
                }
                self.staying.push((resource, row));
                Ok(())
            }
            _ => {
                self.staying.push((resource, row));
                Ok(())
            }
        }
    }

    fn take(&mut self, resource: usize, row: Vec<Value>) -> Result<()> {
        let named = self.named(resource, &row);
        if self.known.insert(named) {
            self.gone.push((resource, row));
        }
        self.check_count()
    }

    fn unset(&mut self, named: Named, row: Vec<Value>, change: impl FnOnce(&ResourcePlan, &mut [Value])) -> Result<()> {
        let on = self.on(named.0);
        let (_, new) = self.unset.entry(named).or_insert_with(|| {
            let mut new = row.clone();
            revise(&on, &row, &mut new);
            (row, new)
        });
        change(on.plan(), new);
        self.check_count()
    }

    fn check_count(&self) -> Result<()> {
        if self.gone.len() + self.unset.len() <= MAX_ALONG + 1 {
            return Ok(());
        }
        Err(Error::TooManyAlong { name: self.root(), most: MAX_ALONG })
    }

    /// Fails where a row stays that hangs on one that goes; names the first that the caller may read.
    async fn check_staying(&self, tx: &mut Tx<'_, '_>) -> Result<()> {
        let stays = |(resource, row): &&(usize, Vec<Value>)| !self.known.contains(&self.named(*resource, row));
        let mut staying = self.staying.iter().filter(stays).peekable();
        if staying.peek().is_none() {
            return Ok(());
        }
        let mut by = None;
        for (resource, row) in staying {
            if tx.may_see(&self.on(*resource), row).await? {
                by = Some(self.named(*resource, row).1);
                break;
            }
        }
        Err(Error::StillReferenced { name: self.root(), by: by.into() })
    }

    /// First what loses a reference, then what refers to others that go, then these, those first that hang on others.
    fn into_order(self) -> Vec<Along> {
        let known = &self.known;
        let changed = self.unset.iter().filter(|(named, _)| !known.contains(named));
        let changed = changed.map(|((resource, _), (old, new))| Along {
            resource: *resource,
            old: old.clone(),
            then: Then::Becomes(Some(Arc::from(new.as_slice()))),
        });
        let freed = self.gone.iter().filter_map(|(resource, row)| {
            let columns = self.among_gone(*resource, row);
            let frees = !columns.is_empty();
            frees.then(|| Along { resource: *resource, old: row.clone(), then: Then::Frees(columns) })
        });
        let goes = self.gone.iter().skip(1).rev().map(|(resource, row)| {
            let on = self.on(*resource);
            let new = on.plan().resource.soft_delete.map(|kept| deleted(&on, &kept, row));
            Along { resource: *resource, old: row.clone(), then: Then::Becomes(new) }
        });
        changed.chain(freed).chain(goes).collect()
    }

    /// The columns by which a row that is not kept refers to another that goes, too.
    fn among_gone(&self, resource: usize, row: &[Value]) -> Vec<usize> {
        let plan = self.op.snapshot.resource(resource);
        if plan.resource.soft_delete.is_some() {
            return Vec::new();
        }
        let own = self.named(resource, row);
        let goes = |reference: &&mainstay_contract::Reference| {
            let key: Vec<Value> = reference.key.iter().map(|column| row[*column].clone()).collect();
            let target = self.named(reference.resource, &key);
            target != own && self.known.contains(&target)
        };
        plan.resource.references.iter().filter(goes).flat_map(|reference| reference.columns.iter().copied()).collect()
    }
}
