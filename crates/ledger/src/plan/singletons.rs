//! Resources of which there is one row for each row of another (AIP-156): those that stand get theirs when it comes.

use mainstay_contract::{FieldModel, Resource};
use mainstay_sql::{Literal, SchemaStep};

use super::Change;
use super::planner::Planner;
use super::required::fill_of;
use crate::{ColumnId, ResourceEntry};

/// The revision of a row that nobody has written.
const FIRST_REVISION: i64 = 1;

impl Planner<'_> {
    /// Adds the rows to the steps by which such resources come, or come back. A parent that comes with them has no rows yet.
    pub(super) fn make_singletons(&mut self) {
        for resource in self.contract.resources.iter().filter(|resource| resource.singleton) {
            let Some(parent) = resource.parent.and_then(|parent| self.contract.resources.get(parent)) else { continue };
            let stood = self.before.resource(&parent.type_name).is_some();
            let entries =
                (self.ledger.resource(&resource.type_name), self.ledger.resource(&parent.type_name).filter(|_| stood));
            let (Some(own), Some(theirs)) = entries else { continue };
            let made = make_rows(resource, own, theirs);
            let comes = |change: &Change| matches!(change, Change::AddResource { .. } | Change::ShowResource);
            let step = self.steps.iter_mut().find(|step| step.resource == resource.type_name && comes(&step.change));
            if let Some(step) = step {
                step.schema.push(made);
            }
        }
    }
}

fn make_rows(resource: &Resource, own: &ResourceEntry, theirs: &ResourceEntry) -> SchemaStep {
    let keys = |entry: &ResourceEntry| -> Vec<String> {
        let keys = entry.columns.iter().filter(|(id, _)| matches!(id, ColumnId::Key(_)));
        keys.map(|(_, column)| column.name.clone()).collect()
    };
    let name = |index: usize| {
        let column = resource.layout.columns.get(index)?;
        own.columns.get(&ColumnId::of(column, index)).map(|column| column.name.clone())
    };
    let revision = name(resource.layout.revision()).map(|name| (name, Literal::Int(FIRST_REVISION)));
    let times = [resource.create_time, resource.update_time].into_iter().flatten();
    let times = times.filter_map(|column| Some((name(column)?, Literal::Now)));
    let default = |field: &FieldModel| {
        let column = *field.columns.first().filter(|_| field.default.is_some())?;
        Some((name(column)?, fill_of(field.default.as_deref()).ok()?))
    };
    let defaults = resource.fields.iter().filter_map(default);
    SchemaStep::MakeRows {
        table: own.table.clone(),
        keys: keys(own),
        values: revision.into_iter().chain(times).chain(defaults).collect(),
        source: theirs.table.clone(),
        source_keys: keys(theirs),
    }
}
