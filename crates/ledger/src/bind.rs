//! The contract with the names that the database has.

use std::sync::Arc;

use mainstay_contract::{Contract, Index, Resource};
use mainstay_expr::{RecordType, Storage, Type};
use mainstay_record::{Layout, Role};

use crate::bound::{bind_layout, rewrite, rewrite_effects, rewrite_fields};
use crate::plan::identity_of;
use crate::rekey::{Births, Keys};
use crate::{FieldPath, Ledger, ResourceEntry};

/// Puts the ledger's names into a contract: tables, columns, indexes, and the keys inside JSON columns, in layouts, record
/// types and rules. Requests are served by the bound contract only.
///
/// What the ledger does not know (a resource that is not applied yet) keeps its natural names.
///
/// A resource whose names are the ledger's, as nearly all are, stays shared with whoever has the contract as it was.
pub fn bind(mut contract: Contract, ledger: &Ledger) -> Contract {
    let resources = contract.model.resources.iter_mut();
    let bound = resources.map(|resource| {
        ledger.resource(&resource.type_name).map_or_else(Vec::new, |entry| bind_resource(resource, entry, ledger))
    });
    let keys: Vec<Vec<Keys>> = bound.collect();
    for (own, resource) in keys.iter().zip(&mut contract.model.resources) {
        let births = Births { own, all: &keys };
        if !births.is_empty() {
            let resource = Arc::make_mut(resource);
            rewrite_fields(Births { own, all: &keys }, resource);
            rewrite(births, &mut resource.access);
            rewrite_effects(births, &mut resource.effects);
        }
    }
    contract
}

/// Binds all but the rules, which may look at other resources; tells the keys that are not today's names.
fn bind_resource(resource: &mut Arc<Resource>, entry: &ResourceEntry, ledger: &Ledger) -> Vec<Keys> {
    // Before anything else: an index is known by the identities of its columns.
    let names = index_names(resource, entry, ledger);
    let is_named = |(index, name): (&Index, &Option<String>)| name.as_ref().is_none_or(|name| *name == index.name);
    let mut layout = Layout::clone(&resource.layout);
    let keys = bind_layout(&mut layout, entry);
    let is_bound = resource.table == entry.table
        && layout == *resource.layout
        && resource.indexes.iter().zip(&names).all(is_named);
    if is_bound {
        return keys;
    }
    let resource = Arc::make_mut(resource);
    for (index, name) in resource.indexes.iter_mut().zip(names) {
        if let Some(name) = name {
            index.name = name;
        }
    }
    resource.table.clone_from(&entry.table);
    resource.layout = Arc::new(layout);
    if !keys.is_empty() {
        resource.record = bind_record(&resource.record, &resource.layout);
    }
    keys
}

/// What the indexes are called, those included that are still being made outside the transaction.
fn index_names(resource: &Resource, entry: &ResourceEntry, ledger: &Ledger) -> Vec<Option<String>> {
    let required = |path: &FieldPath| path.0.len() == 1 && entry.fields.get(path).is_some_and(|field| field.required);
    resource
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
        .collect()
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
