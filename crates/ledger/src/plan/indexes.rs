//! Indexes: which the contract needs, which stand, which are too many.

use mainstay_contract::{Index, IndexRows, Resource, SoftDelete};
use mainstay_record::{Kind, Role};
use mainstay_sql::{ConditionPart, Dialect, MAX_INDEXED_BYTES, OnlyRows, Probe, SchemaStep, row_condition};

use super::now::FieldNow;
use super::planner::{Planner, Standing, name_rows};
use super::{Change, PlanError, Safety, Step};
use crate::names::claim_table;
use crate::{ColumnId, FieldPath, IndexEntry, IndexPart, IndexedRows, IndexedSpan, ResourceEntry};

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
            schema.extend(index.create(entry, false));
            entry.indexes.push(index);
        }
        schema
    }

    /// The indexes of a standing table: made and dropped outside the transaction, the new ones first. What lets no rows
    /// overlap is made within it, after all that it names.
    pub(super) fn indexes_of(&mut self, known: &Standing<'a>, outside: &mut Vec<Step>) -> Result<(), PlanError> {
        let resource = known.resource;
        let needed = needed(resource, &known.fields);
        let mut drops = Vec::new();
        for index in known.entry.indexes.iter().filter(|was| needed.iter().all(|now| !now.index.is_same(was))) {
            let schema = vec![index.drop(&known.entry.table)];
            let change = Change::DropIndex { index: index.clone() };
            drops.push(index_step(resource, change, Safety::Safe, schema, &resource.place));
        }
        let mut steps = Vec::new();
        for Needed { mut index, natural, wanted } in needed {
            if known.entry.indexes.iter().any(|there| there.is_same(&index)) {
                continue;
            }
            let taken = if index.unique { self.unique_safety(known, &index, wanted)? } else { Safety::Safe };
            let safety = match self.length_safety(known, &index, wanted)? {
                Safety::Safe => taken,
                long => long,
            };
            index.name = self.index_name(resource, &known.entry, &index, &natural);
            let schema = index.create(&known.entry, true).into_iter().collect();
            steps.push(index_step(resource, Change::AddIndex { index }, safety, schema, &wanted.place));
        }
        steps.append(&mut drops);
        for step in steps {
            if step.is_outside() {
                outside.push(step);
            } else {
                self.ledger = self.ledger.after(&step);
                self.steps.push(step);
            }
        }
        Ok(())
    }

    /// An index's name is its own for ever: made again after it was dropped it has the same.
    pub(super) fn index_name(
        &mut self,
        resource: &Resource,
        entry: &ResourceEntry,
        index: &IndexEntry,
        natural: &str,
    ) -> String {
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
            match part.column_of(known.was) {
                Some(was) => columns.push(was),
                None if known.filled.contains(&part.column) || wanted.unset_conflicts => {}
                // A new column is unset in every row that stands, and unset never conflicts.
                None => return Ok(Safety::Safe),
            }
        }
        let table = known.was.table.clone();
        let was = |id: &ColumnId| known.was.columns.get(id).map(|column| column.name.clone());
        // Where nobody was ever deleted there is no such column yet.
        let only =
            index.rows.as_ref().and_then(|rows| Some(OnlyRows { column: was(&rows.column)?, set: rows.deleted }));
        let condition = index.condition.as_ref().and_then(|condition| condition.fill(|id| at_first(known, id)));
        let span = match index.span.as_ref().map(|span| span.columns_of(known.was)) {
            // No row has a time yet.
            Some(None) => return Ok(Safety::Safe),
            span => span.flatten(),
        };
        let answer = if columns.is_empty() && span.is_none() {
            let all = self.ask(&Probe::Rows { table })?;
            if all.count < 2 { crate::Answer::default() } else { all }
        } else {
            self.ask(&Probe::Duplicates { table, keys: known.key_names(), columns, only, condition, span })?
        };
        if index.span.is_some() && answer.count > 0 {
            return Ok(overlapping(known.resource, wanted, &answer));
        }
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

/// What a column has in the rows that stand: what is new is unset. Nothing where it is filled: all of them may be in then.
fn at_first(known: &Standing<'_>, id: &ColumnId) -> Option<ConditionPart<String>> {
    if let Some(was) = known.was.columns.get(id) {
        return Some(ConditionPart::Column(was.name.clone()));
    }
    let column = known.entry.columns.get(id).filter(|_| !known.filled.contains(id))?;
    // What may be bytes of either engine is in no condition.
    let zero = Dialect::Postgres.zero(column.ty).filter(|_| !column.nullable);
    Some(ConditionPart::Text(zero.unwrap_or("NULL").to_owned()))
}

fn overlapping(resource: &Resource, wanted: &Index, answer: &crate::Answer) -> Safety {
    let of =
        if wanted.fields.is_empty() { String::new() } else { format!(" of the same {}", wanted.fields.join(" and ")) };
    Safety::Refused {
        why: format!("the times{of} overlap in {}", name_rows(resource, answer)),
        remedy: "change the times of these rows, or leave the exclusion off".to_owned(),
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
pub(super) struct Needed<'r> {
    /// Without its name.
    pub index: IndexEntry,
    /// The name that the contract would give it.
    pub natural: String,
    /// The declaration that it serves.
    wanted: &'r Index,
}

/// The indexes that a resource needs, each once.
///
/// A unique index that leaves rows with a zero out cannot serve a filter on the column: an engine does not know that what
/// is looked for is no zero. It has a plain index beside it, unless another begins with the same columns.
pub(super) fn needed<'r>(resource: &'r Resource, fields: &[FieldNow<'_>]) -> Vec<Needed<'r>> {
    let mut needed: Vec<Needed<'r>> = Vec::new();
    for wanted in &resource.indexes {
        let index = identity(resource, wanted, fields);
        if needed.iter().all(|known| !known.index.is_same(&index)) {
            needed.push(Needed { index, natural: wanted.name.clone(), wanted });
        }
    }
    for wanted in &resource.indexes {
        let of_all =
            wanted.is_plain() && identity(resource, wanted, fields).columns.iter().any(|part| part.without_zero);
        let plain = identity(resource, &Index { unique: false, ..wanted.clone() }, fields);
        let own = &plain.columns[..wanted.columns.len().min(plain.columns.len())];
        if of_all && needed.iter().all(|known| !known.index.columns.starts_with(own)) {
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
        parts.push(IndexPart {
            column: id,
            descending: *descending,
            without_zero: index.unique && has_zero && optional && !index.unset_conflicts,
            folded: index.is_folded(&resource.layout, *position),
            with_unset: index.unset_conflicts && column.nullable,
        });
    }
    if !index.unique {
        let descending = parts.last().is_some_and(|part| part.descending);
        for key in (0..resource.layout.keys()).map(ColumnId::Key) {
            if parts.iter().all(|part| part.column != key) {
                let [without_zero, folded, with_unset] = [false; 3];
                parts.push(IndexPart { column: key, descending, without_zero, folded, with_unset });
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
    let id = |position: usize| resource.layout.columns.get(position).map(|column| ColumnId::of(column, position));
    let condition = index
        .condition
        .as_ref()
        .and_then(|rule| row_condition(&rule.program.root, &resource.layout).map(|position| id(*position)));
    let span = index.span.and_then(|span| Some(IndexedSpan { from: id(span.from)?, to: id(span.to)? }));
    IndexEntry { name: String::new(), columns: parts, unique: index.unique, rows, condition, span }
}

fn identity(resource: &Resource, index: &Index, fields: &[FieldNow<'_>]) -> IndexEntry {
    identity_of(resource, index, &|path| {
        // What is inside a message may be unset with it, required or not.
        path.0.len() == 1 && fields.iter().any(|field| field.path == *path && field.model.behaviors.required)
    })
}
