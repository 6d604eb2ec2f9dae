//! Columns of fields that stand: what they are called now.

use mainstay_sql::SchemaStep;
use prost_reflect::MessageDescriptor;

use super::planner::{Planner, Standing};
use super::{Change, Safety, Step};
use crate::names::claim_column;
use crate::{ColumnId, FieldPath};

/// A column that gets another name.
pub(super) struct Rename {
    id: ColumnId,
    pub step: SchemaStep,
}

impl Rename {
    /// Says whether the column belongs to the field or to one inside it.
    pub fn is_within(&self, path: &FieldPath) -> bool {
        self.id.field().is_some_and(|own| own.is_within(path))
    }
}

impl Standing<'_> {
    /// The names of the key columns as they are.
    pub fn key_names(&self) -> Vec<String> {
        let keys = self.was.columns.iter().filter(|(id, _)| matches!(id, ColumnId::Key(_)));
        keys.map(|(_, column)| column.name.clone()).collect()
    }

    /// The paths of the contract's fields.
    pub fn paths(&self) -> impl Iterator<Item = &FieldPath> {
        self.fields.iter().map(|field| &field.path)
    }

    /// The message type at a path of the contract; the resource's own at the empty one.
    pub fn message_of(&self, path: &FieldPath) -> Option<MessageDescriptor> {
        if path.0.is_empty() {
            return self.message.clone();
        }
        self.fields.iter().find(|field| field.path == *path).and_then(|field| field.held.clone())
    }
}

impl<'a> Planner<'a> {
    /// Finds the columns whose natural name changed and gives them their new names. No order among them matters: a name
    /// that was another column's is never given out.
    pub(super) fn rename_columns(&mut self, known: &mut Standing<'a>) -> Vec<Rename> {
        let mut renames = Vec::new();
        for (index, column) in known.resource.layout.columns.iter().enumerate() {
            let id = ColumnId::of(column, index);
            let Some(was) = known.was.columns.get(&id).filter(|was| was.natural != column.name) else { continue };
            let claimed = claim_column(&mut known.entry.column_names, &column.name, &id.to_string(), &id.suffix());
            // SQLite takes names that differ only in case for the same.
            let name = if claimed.eq_ignore_ascii_case(&was.name) { was.name.clone() } else { claimed };
            if let Some(entry) = known.entry.columns.get_mut(&id) {
                entry.natural.clone_from(&column.name);
                entry.name.clone_from(&name);
            }
            if name != was.name {
                let table = known.entry.table.clone();
                renames.push(Rename { id, step: SchemaStep::RenameColumn { table, from: was.name.clone(), to: name } });
            }
        }
        renames
    }

    /// Renames that no renamed field explains: those of key columns, whose variables may change their names.
    pub(super) fn leftover_columns(&mut self, known: &Standing<'a>, renames: Vec<Rename>) {
        for rename in renames {
            if known.refused.iter().any(|path| rename.is_within(path)) {
                continue;
            }
            let SchemaStep::RenameColumn { to, .. } = &rename.step else { continue };
            self.steps.push(Step {
                resource: known.resource.type_name.clone(),
                change: Change::RenameColumn { column: to.clone() },
                safety: Safety::Safe,
                schema: vec![rename.step],
                note: None,
                place: Some(known.resource.place.clone()),
                path: None,
            });
        }
    }
}
