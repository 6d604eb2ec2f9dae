//! The contract with the names that the database has.

use std::sync::Arc;

use mainstay_contract::{Contract, Resource};
use mainstay_expr::{RecordType, Storage, Type};
use mainstay_record::{Layout, Role};

use crate::bound::{bind_layout, rewrite};
use crate::plan::identity_of;
use crate::rekey::{Births, Keys};
use crate::{FieldPath, Ledger, ResourceEntry};

/// Puts the ledger's names into a contract: tables, columns, indexes, and the keys inside JSON columns, in layouts, record
/// types and rules. Requests are served by the bound contract only.
///
/// What the ledger does not know (a resource that is not applied yet) keeps its natural names.
pub fn bind(mut contract: Contract, ledger: &Ledger) -> Contract {
    let resources = contract.resources.iter_mut();
    let bound = resources.map(|resource| {
        ledger.resource(&resource.type_name).map_or_else(Vec::new, |entry| bind_resource(resource, entry, ledger))
    });
    let keys: Vec<Vec<Keys>> = bound.collect();
    for (own, resource) in keys.iter().zip(&mut contract.resources) {
        rewrite(Births { own, all: &keys }, &mut resource.access);
    }
    contract
}

/// Binds all but the rules, which may look at other resources; tells the keys that are not today's names.
fn bind_resource(resource: &mut Resource, entry: &ResourceEntry, ledger: &Ledger) -> Vec<Keys> {
    // Before anything else: an index is known by the identities of its columns.
    bind_indexes(resource, entry, ledger);
    resource.table.clone_from(&entry.table);
    let keys = bind_layout(&mut resource.layout, entry);
    if !keys.is_empty() {
        resource.record = bind_record(&resource.record, &resource.layout);
    }
    keys
}

/// Names the indexes, those included that are still being made outside the transaction.
fn bind_indexes(resource: &mut Resource, entry: &ResourceEntry, ledger: &Ledger) {
    let required = |path: &FieldPath| path.0.len() == 1 && entry.fields.get(path).is_some_and(|field| field.required);
    let names: Vec<Option<String>> = resource
        .indexes
        .iter()
        .map(|index| {
            let identity = identity_of(resource, index, &required);
            let made = entry.indexes.iter().find(|known| known.is_same(&identity)).map(|known| known.name.clone());
            let natural = index.name.replacen(&resource.table, &entry.table, 1);
            // What the ledger keeps of a name that is only promised is in lower case.
            made.or_else(|| {
                let promised = ledger.name_of(&identity.owner(&resource.type_name))?;
                Some(if promised.eq_ignore_ascii_case(&natural) { natural } else { promised })
            })
        })
        .collect();
    for (index, name) in resource.indexes.iter_mut().zip(names) {
        if let Some(name) = name {
            index.name = name;
        }
    }
}

/// The record type with the shapes that the layout has.
fn bind_record(record: &RecordType, layout: &Layout) -> Arc<RecordType> {
    let mut record = record.clone();
    for field in &mut record.fields {
        match (&mut field.storage, &mut field.ty) {
            (Storage::Json { column, shape }, _) => {
                if let Some(Role::Json(bound)) = layout.columns.get(*column).map(|column| &column.role) {
                    shape.clone_from(bound);
                }
            }
            (Storage::Message { .. }, Type::Message(inner)) => *inner = bind_record(inner, layout),
            _ => {}
        }
    }
    Arc::new(record)
}
