//! Indexes: which the contract needs, which stand, which are too many.

use mainstay_contract::{Index, IndexRows, Resource, SoftDelete};
use mainstay_record::{Kind, Role};
use mainstay_sql::{IndexColumn, MAX_INDEXED_BYTES, OnlyRows, Probe, SchemaStep};

use super::now::FieldNow;
use super::planner::{Planner, Standing, name_rows};
use super::{Change, PlanError, Safety, Step};
use crate::names::claim_table;
use crate::{ColumnId, FieldPath, IndexEntry, IndexPart, IndexedRows, ResourceEntry};

impl<'a> Planner<'a> {
    /// The indexes of a table that is made in the same plan, inside the transaction.
    pub(super) fn indexes_of_new(
        &mut self,
        resource: &Resource,
        entry: &mut ResourceEntry,
        fields: &[FieldNow<'_>],
    ) -> Vec<SchemaStep> {
        let mut schema = Vec::new();
        for Needed { mut index, natural, .. } in needed(resource, fields) {
            index.name = self.index_name(resource, entry, &index, &natural);
            schema.push(create(resource, entry, &index, false));
            entry.indexes.push(index);
        }
        schema
    }

    /// The indexes of a standing table: made and dropped outside the transaction, the new ones first.
    pub(super) fn indexes_of(&mut self, known: &Standing<'a>, outside: &mut Vec<Step>) -> Result<(), PlanError> {
        let resource = known.resource;
        let needed = needed(resource, &known.fields);
        let mut drops = Vec::new();
        for index in known.was.indexes.iter().filter(|was| needed.iter().all(|now| !now.index.is_same(was))) {
            let (name, table) = (index.name.clone(), known.entry.table.clone());
            let schema = vec![SchemaStep::DropIndex { name, table, concurrently: true }];
            let change = Change::DropIndex { index: index.clone() };
            drops.push(index_step(resource, change, Safety::Safe, schema, &resource.place));
        }
        for Needed { mut index, natural, wanted } in needed {
            if known.was.indexes.iter().any(|was| was.is_same(&index)) {
                continue;
            }
            let taken = if index.unique { self.unique_safety(known, &index, wanted)? } else { Safety::Safe };
            let safety = match self.length_safety(known, &index, wanted)? {
                Safety::Safe => taken,
                long => long,
            };
            index.name = self.index_name(resource, &known.entry, &index, &natural);
            let schema = vec![create(resource, &known.entry, &index, true)];
            outside.push(index_step(resource, Change::AddIndex { index }, safety, schema, &wanted.place));
        }
        outside.extend(drops);
        Ok(())
    }

    /// An index's name is its own for ever: made again after it was dropped it has the same.
    fn index_name(&mut self, resource: &Resource, entry: &ResourceEntry, index: &IndexEntry, natural: &str) -> String {
        let owner = index.owner(&resource.type_name);
        let natural = natural.replacen(&resource.table, &entry.table, 1);
        claim_table(&mut self.ledger.names, &natural, &owner)
    }

    /// What stands in a column may be longer than an index has room for: the engine would refuse it in the middle of building.
    fn length_safety(&self, known: &Standing<'a>, index: &IndexEntry, wanted: &Index) -> Result<Safety, PlanError> {
        // The key ends most indexes, and is short.
        let parts = index.columns.iter().filter(|part| !matches!(part.column, ColumnId::Key(_)));
        let texts = parts.filter_map(|part| known.was.columns.get(&part.column));
        let texts = texts.filter(|column| matches!(column.ty, Kind::Text | Kind::Bytes));
        let columns: Vec<String> = texts.map(|column| column.name.clone()).collect();
        if columns.is_empty() {
            return Ok(Safety::Safe);
        }
        let (table, bytes) = (known.was.table.clone(), MAX_INDEXED_BYTES);
        let answer = self.ask(&Probe::Longer { table, keys: known.key_names(), columns, bytes })?;
        if answer.count == 0 {
            return Ok(Safety::Safe);
        }
        let fields = wanted.fields.join(" and ");
        Ok(Safety::Refused {
            why: format!(
                "an index holds at most {MAX_INDEXED_BYTES} bytes of a row, and {fields} is longer in {}",
                name_rows(known.resource, &answer)
            ),
            remedy: format!("shorten {fields} in each of these rows, or leave the index off"),
        })
    }

    fn unique_safety(&self, known: &Standing<'a>, index: &IndexEntry, wanted: &Index) -> Result<Safety, PlanError> {
        let mut columns = Vec::new();
        for part in &index.columns {
            match known.was.columns.get(&part.column) {
                Some(was) => columns.push((was.name.clone(), part.without_zero.then_some(was.ty))),
                None if known.filled.contains(&part.column) => {}
                // A new column is unset in every row that stands, and unset never conflicts.
                None => return Ok(Safety::Safe),
            }
        }
        let table = known.was.table.clone();
        // Where nobody was ever deleted there is no such column yet.
        let without = index.rows.as_ref().and_then(|rows| Some(known.was.columns.get(&rows.column)?.name.clone()));
        let answer = if columns.is_empty() {
            let all = self.ask(&Probe::Rows { table })?;
            if all.count < 2 { crate::Answer::default() } else { all }
        } else {
            self.ask(&Probe::Duplicates { table, keys: known.key_names(), columns, without })?
        };
        if answer.count == 0 {
            return Ok(Safety::Safe);
        }
        let fields = wanted.fields.join(" and ");
        Ok(Safety::Refused {
            why: format!("the same {fields} stands in {}", name_rows(known.resource, &answer)),
            remedy: format!("give each of these rows its own {fields}, or leave unique off"),
        })
    }
}

fn index_step(
    resource: &Resource,
    change: Change,
    safety: Safety,
    schema: Vec<SchemaStep>,
    place: &mainstay_contract::Place,
) -> Step {
    Step {
        resource: resource.type_name.clone(),
        change,
        safety,
        schema,
        note: None,
        place: Some(place.clone()),
        path: None,
    }
}

/// An index that a resource needs.
struct Needed<'r> {
    /// Without its name.
    index: IndexEntry,
    /// The name that the contract would give it.
    natural: String,
    /// The declaration that it serves.
    wanted: &'r Index,
}

/// The indexes that a resource needs, each once.
///
/// A unique index that leaves rows with a zero out cannot serve a filter on the column: an engine does not know that what
/// is looked for is no zero. It has a plain index beside it, unless another begins with the same columns.
fn needed<'r>(resource: &'r Resource, fields: &[FieldNow<'_>]) -> Vec<Needed<'r>> {
    let mut needed: Vec<Needed<'r>> = Vec::new();
    for wanted in &resource.indexes {
        let index = identity(resource, wanted, fields);
        if needed.iter().all(|known| !known.index.is_same(&index)) {
            needed.push(Needed { index, natural: wanted.name.clone(), wanted });
        }
    }
    for wanted in &resource.indexes {
        let partial = identity(resource, wanted, fields).columns.iter().any(|part| part.without_zero);
        let plain = identity(resource, &Index { unique: false, ..wanted.clone() }, fields);
        let own = &plain.columns[..wanted.columns.len().min(plain.columns.len())];
        if partial && needed.iter().all(|known| !known.index.columns.starts_with(own)) {
            let natural = format!("{}_idx", wanted.name.strip_suffix("_key").unwrap_or(&wanted.name));
            needed.push(Needed { index: plain, natural, wanted });
        }
    }
    needed
}

/// What an index is, by identities. One that is not unique ends in the key, in the direction of its last column, as every
/// order does (see `mainstay_sql::order_columns`): so a page is read off the index without sorting.
pub(crate) fn identity_of(resource: &Resource, index: &Index, is_required: &dyn Fn(&FieldPath) -> bool) -> IndexEntry {
    let mut parts: Vec<IndexPart> = Vec::new();
    for (position, descending) in &index.columns {
        let Some(column) = resource.layout.columns.get(*position) else { continue };
        let id = ColumnId::of(column, *position);
        let optional = id.field().is_some_and(|path| !is_required(path));
        let has_zero = matches!(column.role, Role::Field) && !column.nullable;
        let without_zero = index.unique && has_zero && optional;
        parts.push(IndexPart { column: id, descending: *descending, without_zero });
    }
    if !index.unique {
        let descending = parts.last().is_some_and(|part| part.descending);
        for key in (0..resource.layout.keys()).map(ColumnId::Key) {
            if parts.iter().all(|part| part.column != key) {
                parts.push(IndexPart { column: key, descending, without_zero: false });
            }
        }
    }
    let deleted = match index.rows {
        IndexRows::All => None,
        IndexRows::Live => Some(false),
        IndexRows::Deleted => Some(true),
    };
    let rows = deleted.zip(resource.soft_delete).and_then(|(deleted, SoftDelete { delete_time, .. })| {
        let column = ColumnId::of(resource.layout.columns.get(delete_time)?, delete_time);
        Some(IndexedRows { column, deleted })
    });
    IndexEntry { name: String::new(), columns: parts, unique: index.unique, rows }
}

fn identity(resource: &Resource, index: &Index, fields: &[FieldNow<'_>]) -> IndexEntry {
    identity_of(resource, index, &|path| {
        // What is inside a message may be unset with it, required or not.
        path.0.len() == 1 && fields.iter().any(|field| field.path == *path && field.model.behaviors.required)
    })
}

fn create(resource: &Resource, entry: &ResourceEntry, index: &IndexEntry, concurrently: bool) -> SchemaStep {
    let columns = index.columns.iter().filter_map(|part| {
        let layout = resource.layout.columns.iter().enumerate();
        let (_, column) = layout.into_iter().find(|(i, column)| ColumnId::of(column, *i) == part.column)?;
        Some(IndexColumn {
            name: entry.columns.get(&part.column)?.name.clone(),
            descending: part.descending,
            nullable: column.nullable,
            unset_zero: part.without_zero.then_some(column.kind),
        })
    });
    SchemaStep::CreateIndex {
        name: index.name.clone(),
        table: entry.table.clone(),
        columns: columns.collect(),
        unique: index.unique,
        only: index.rows.as_ref().and_then(|rows| {
            Some(OnlyRows { column: entry.columns.get(&rows.column)?.name.clone(), set: rows.deleted })
        }),
        concurrently,
    }
}
