//! What was hidden long enough goes for good, where somebody asks for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use mainstay_sql::{LinkName, SchemaStep};

use super::{Change, Plan, Safety, Step};
use crate::{ColumnId, FieldPath, Ledger, ReferenceEntry, ResourceEntry};

impl Plan {
    /// Adds the steps that drop what has been hidden since before `cutoff` (microseconds since 1970 UTC) and is hidden
    /// after the plan, too. They ask for no further yes: who asks for a purge gives it.
    pub fn purge(&mut self, cutoff: i64) {
        let is_old = |since: Option<i64>| since.is_some_and(|since| since < cutoff);
        for type_name in purgeable(&self.transaction, &is_old) {
            let Some(entry) = self.transaction.resources.remove(&type_name) else { continue };
            let schema = gone(&type_name, &entry);
            self.add_purge(&type_name, Change::PurgeResource { table: entry.table.clone() }, schema, None);
        }
        let mut fields = Vec::new();
        for (type_name, entry) in &mut self.transaction.resources {
            let old = old_fields(entry, &is_old);
            if old.is_empty() {
                continue;
            }
            let entry = Arc::make_mut(entry);
            for path in old {
                let (names, schema) = (names_of(entry, &path), drop_columns(entry, &path));
                fields.push((type_name.clone(), Change::PurgeField { field: names }, schema, path));
            }
        }
        for (type_name, change, schema, path) in fields {
            self.add_purge(&type_name, change, schema, Some(path));
        }
        let outside: Vec<Step> = self.outside().cloned().collect();
        self.after = outside.iter().fold(self.transaction.clone(), |ledger, step| ledger.after(step));
    }

    fn add_purge(&mut self, resource: &str, change: Change, schema: Vec<SchemaStep>, path: Option<FieldPath>) {
        let inside = self.steps.iter().take_while(|step| !step.is_outside()).count();
        let step = Step {
            resource: resource.to_owned(),
            change,
            safety: Safety::Safe,
            schema,
            note: Some("its values are gone for good".to_owned()),
            place: None,
            path,
        };
        self.steps.insert(inside, step);
    }
}

/// What takes a resource away, with all that was noted of its rows.
fn gone(type_name: &str, entry: &ResourceEntry) -> Vec<SchemaStep> {
    let link = |(path, target): (&String, &String)| {
        let link = LinkName { source: type_name.to_owned(), target: target.clone(), path: path.clone() };
        SchemaStep::ForgetLinks { link }
    };
    let key = |reference: &ReferenceEntry| SchemaStep::DropForeignKey {
        table: entry.table.clone(),
        name: reference.name.clone(),
    };
    let links = entry.links.iter().map(link);
    let keys = entry.references.values().map(key);
    let rest = [
        SchemaStep::ForgetHistory { resource: type_name.to_owned() },
        SchemaStep::DropTable { table: entry.table.clone() },
    ];
    keys.chain(links).chain(rest).collect()
}

/// The resources whose tables can go, whatever they refer to among themselves. One that a table which stays refers to waits.
fn purgeable(ledger: &Ledger, is_old: &dyn Fn(Option<i64>) -> bool) -> Vec<String> {
    let old =
        ledger.resources.iter().filter(|(_, entry)| entry.hidden.as_ref().is_some_and(|hidden| is_old(hidden.since)));
    let mut going: BTreeSet<&str> = old.map(|(name, _)| name.as_str()).collect();
    loop {
        let is_held = |name: &str| {
            let mut others = ledger.resources.iter().filter(|(other, _)| !going.contains(other.as_str()));
            others.any(|(_, entry)| entry.references.values().any(|reference| reference.target == name))
        };
        let held = going.iter().copied().find(|name| is_held(name));
        let Some(held) = held else { return going.into_iter().map(str::to_owned).collect() };
        going.remove(held);
    }
}

/// The outermost of the fields that have been hidden long enough and still have columns.
fn old_fields(entry: &ResourceEntry, is_old: &dyn Fn(Option<i64>) -> bool) -> Vec<FieldPath> {
    let mut found: Vec<FieldPath> = Vec::new();
    for (path, field) in &entry.fields {
        let has_columns = entry.columns.keys().any(|id| id.field().is_some_and(|own| own.is_within(path)));
        let settled = found.iter().any(|outer| path.is_within(outer));
        if field.hidden && is_old(field.hidden_since) && has_columns && !settled {
            found.push(path.clone());
        }
    }
    found
}

/// Takes the columns of a field out of the ledger. Its number and name stay for ever.
fn drop_columns(entry: &mut ResourceEntry, path: &FieldPath) -> Vec<SchemaStep> {
    let within = |id: &ColumnId| id.field().is_some_and(|own| own.is_within(path));
    let columns: Vec<ColumnId> = entry.columns.keys().filter(|id| within(id)).cloned().collect();
    let removed = columns.iter().filter_map(|id| entry.columns.remove(id));
    let names: Vec<String> = removed.map(|column| column.name).collect();
    names.into_iter().map(|column| SchemaStep::DropColumn { table: entry.table.clone(), column }).collect()
}

fn names_of(entry: &ResourceEntry, path: &FieldPath) -> String {
    let outer = (1..=path.0.len()).map(|depth| FieldPath(path.0[..depth].to_vec()));
    let names = outer.map(|outer| entry.fields.get(&outer).map_or("?", |field| field.name.as_str()).to_owned());
    names.collect::<Vec<_>>().join(".")
}
