//! Fields whose values become something else: the column is made anew, with the indexes that it is in.

use mainstay_sql::{ColumnSpec, Conversion, RowCondition, SchemaStep};

use super::indexes::needed;
use super::now::FieldNow;
use super::planner::{Planner, Standing};
use super::{Change, PlanError, Safety, Step};
use crate::{ColumnId, FieldEntry, IndexEntry};

impl<'a> Planner<'a> {
    /// Makes the field's column anew.
    pub(super) fn convert_field(
        &mut self,
        known: &mut Standing<'a>,
        field: &FieldNow<'a>,
        was: &FieldEntry,
        how: Conversion,
    ) -> Result<(), PlanError> {
        let mut schema = Vec::new();
        let index = field.model.columns.first().copied();
        let column = index.and_then(|index| Some((index, known.resource.layout.columns.get(index)?)));
        if let Some((index, column)) = column
            && let Some(entry) = known.entry.columns.get_mut(&ColumnId::of(column, index))
        {
            let from = entry.ty;
            (entry.ty, entry.nullable) = (column.kind, column.nullable);
            let spec = ColumnSpec { name: entry.name.clone(), ty: entry.ty, nullable: entry.nullable };
            schema.push(SchemaStep::ConvertColumn { table: known.entry.table.clone(), column: spec, from, how });
            known.converted.push(ColumnId::of(column, index));
        }
        let rows = self.rows(known)?;
        let (from, to) = (was.signature.describe(), field.signature.describe());
        let change = Change::ConvertField { field: field.names.to_owned(), from, to };
        self.field_step(known, field, change, converted(how, rows), schema, None);
        Ok(())
    }

    /// The indexes in which a converted column is go with it and are made again in the same transaction. Those that nobody had
    /// before are made as always.
    pub(super) fn convert_indexes(&mut self, known: &mut Standing<'a>) {
        if known.converted.is_empty() {
            return;
        }
        let (going, staying): (Vec<IndexEntry>, Vec<IndexEntry>) = std::mem::take(&mut known.entry.indexes)
            .into_iter()
            .partition(|index| columns_of(index).any(|column| known.converted.contains(column)));
        let table = known.entry.table.clone();
        let drop = |index: &IndexEntry| {
            let (name, spans) = (index.name.clone(), index.span.is_some());
            SchemaStep::DropIndex { name, table: table.clone(), spans, concurrently: false }
        };
        let mut schema: Vec<SchemaStep> = going.iter().map(drop).collect();
        known.entry.indexes = staying;
        for wanted in needed(known.resource, &known.fields) {
            let mut index = wanted.index;
            if going.iter().any(|was| serves_as(was, &index)) {
                index.name = self.index_name(known.resource, &known.entry, &index, &wanted.natural);
                schema.extend(index.create(&known.entry, false));
                known.entry.indexes.push(index);
            }
        }
        let is_own = |step: &Step| {
            let converts = |made: &SchemaStep| {
                matches!(made, SchemaStep::ConvertColumn { .. } | SchemaStep::ReplaceColumns { .. })
            };
            step.resource == known.resource.type_name && step.schema.iter().any(converts)
        };
        let own = self.steps.iter_mut().rev().find(|step| is_own(step));
        if let Some(step) = own {
            step.schema.extend(schema);
        }
    }
}

/// The columns that an index names, wherever.
fn columns_of(index: &IndexEntry) -> impl Iterator<Item = &ColumnId> {
    let parts = index.columns.iter().map(|part| &part.column);
    let condition = index.condition.iter().flat_map(RowCondition::columns);
    parts.chain(condition).chain(index.rows.iter().map(|rows| &rows.column))
}

/// Says whether an index is what another was, whatever became of zeros and unset values.
fn serves_as(was: &IndexEntry, now: &IndexEntry) -> bool {
    // A field may have other columns now than it had.
    let of = |column: &ColumnId| column.field().map_or_else(|| column.to_string(), ToString::to_string);
    let columns = |index: &IndexEntry| -> Vec<(String, bool, bool)> {
        let mut parts: Vec<_> =
            index.columns.iter().map(|part| (of(&part.column), part.descending, part.folded)).collect();
        parts.dedup();
        parts
    };
    let rows = |index: &IndexEntry| (index.rows.clone(), index.condition.clone(), index.span.clone());
    was.unique == now.unique && columns(was) == columns(now) && rows(was) == rows(now)
}

/// What a conversion needs: it writes every row, and is something else to clients.
pub(super) fn converted(how: Conversion, rows: u64) -> Safety {
    let what = match how {
        Conversion::UnsetToZero => "a value that was unset is the type's zero from now on, and no client can unset it",
        Conversion::ZeroToUnset => "a zero is unset from now on, unless a client sets it again",
        Conversion::ToBytes => "in JSON it is base64 from now on, and was a text",
        Conversion::ToList => "in JSON it is a list from now on, and was a value",
    };
    Safety::Reviewed {
        why: format!("{what}{}", written_anew(rows)),
        remedy: "accept when every client knows it, or give the new form a field of its own".to_owned(),
    }
}

/// What a conversion costs.
pub(super) fn written_anew(rows: u64) -> String {
    match rows {
        0 => String::new(),
        1 => "; 1 row is written anew".to_owned(),
        rows => format!("; {rows} rows are written anew, and nobody writes meanwhile"),
    }
}
