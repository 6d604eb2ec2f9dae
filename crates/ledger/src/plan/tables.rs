//! Resources as a whole: new, moved, with another pattern.

use std::collections::BTreeMap;
use std::sync::Arc;

use mainstay_contract::Resource;
use mainstay_record::Role;
use mainstay_sql::{ColumnSpec, ForeignKey, PrimaryKey, SchemaStep};

use super::now::fields_of;
use super::planner::{Planner, Standing};
use super::{Change, Safety, Step};
use crate::bound::BoundRules;
use crate::names::{claim_column, claim_table};
use crate::{ColumnEntry, ColumnId, FieldPath, ReferenceEntry, ResourceEntry};

impl<'a> Planner<'a> {
    /// Makes the table with its indexes. Its foreign keys follow when every table has its entry.
    pub(super) fn add_resource(&mut self, resource: &'a Resource, table: String) {
        let type_name = &resource.type_name;
        let owner = format!("primary key of {type_name}");
        let primary_key = claim_table(&mut self.ledger.names, &format!("{table}_pkey"), &owner);
        let mut entry = ResourceEntry {
            message: resource.message.clone(),
            natural_table: resource.table.clone(),
            table,
            primary_key,
            columns: BTreeMap::new(),
            fields: BTreeMap::new(),
            references: BTreeMap::new(),
            links: BTreeMap::new(),
            indexes: Vec::new(),
            column_names: BTreeMap::new(),
            terms: None,
            hidden: None,
        };
        let columns: Vec<ColumnSpec> =
            (0..resource.layout.columns.len()).map(|i| add_column(&mut entry, resource, i)).collect();
        Self::note_links(resource, &mut entry);
        let fields = fields_of(self.contract, resource);
        for field in &fields {
            entry.fields.insert(field.path.clone(), field.entry());
        }
        entry.terms = Some(BoundRules::of(resource, &entry, &self.keys).terms(self.contract, resource));
        let keys = columns.iter().take(resource.layout.keys()).map(|column| column.name.clone()).collect();
        let mut schema = vec![SchemaStep::CreateTable {
            table: entry.table.clone(),
            columns,
            primary_key: PrimaryKey { name: entry.primary_key.clone(), columns: keys },
            foreign_keys: Vec::new(),
        }];
        schema.extend(self.indexes_of_new(resource, &mut entry, &fields));
        self.steps.push(Step {
            resource: type_name.clone(),
            change: Change::AddResource { table: entry.table.clone() },
            safety: Safety::Safe,
            schema,
            note: None,
            place: Some(resource.place.clone()),
            path: None,
        });
        entry.pack();
        self.ledger.resources.insert(type_name.clone(), Arc::new(entry));
    }

    /// Adds the foreign keys of new references to the steps that make their columns, when every table has its entry.
    pub(super) fn add_references(&mut self, tables: &BTreeMap<&'a str, String>) {
        for resource in &self.contract.resources {
            for (path, columns) in references(resource) {
                let known = self.ledger.resources.get(&resource.type_name);
                let Some(entry) = known.filter(|entry| !entry.references.contains_key(&path)) else { continue };
                let table = entry.table.clone();
                let first =
                    columns.first().and_then(|i| entry.columns.get(&ColumnId::of(&resource.layout.columns[*i], *i)));
                let Some(first) = first.map(|column| column.name.clone()) else { continue };
                let makes =
                    |step: &Step| makes(step, &resource.type_name, &first) || shows(step, &resource.type_name, &path);
                let Some(step) = self.steps.iter().position(makes) else {
                    continue;
                };
                if let Some(key) = self.foreign_key(resource, &path, &columns, tables) {
                    self.add_reference(step, table, key);
                }
            }
        }
    }

    fn add_reference(&mut self, step: usize, table: String, key: ForeignKey) {
        let step = &mut self.steps[step];
        for made in &mut step.schema {
            match made {
                SchemaStep::CreateTable { foreign_keys, .. } => foreign_keys.push(key.clone()),
                // A column can refer by itself, several only with their table.
                SchemaStep::AddColumn { column, references, .. } if key.columns == [column.name.as_str()] => {
                    *references = Some(key.clone());
                }
                _ => {}
            }
        }
        step.schema.push(SchemaStep::AddForeignKey { table, key });
    }

    /// Makes the foreign key of one reference and remembers it. None where the target is no resource of this contract:
    /// another service's rows cannot be referred to by the database.
    fn foreign_key(
        &mut self,
        resource: &Resource,
        path: &FieldPath,
        columns: &[usize],
        tables: &BTreeMap<&'a str, String>,
    ) -> Option<ForeignKey> {
        let first = resource.layout.columns.get(*columns.first()?)?;
        let Role::Reference { target, .. } = &first.role else { return None };
        // Behind the organisation, where the row that is referred to belongs to one: this one's own.
        let all: Vec<usize> = self
            .contract
            .resource(target)?
            .layout
            .is_tenant()
            .then_some(0)
            .into_iter()
            .chain(columns.iter().copied())
            .collect();
        let columns = &all;
        let target_resource = self.contract.resource(target)?;
        let target_entry = self.ledger.resources.get(target)?;
        let target_keys = 0..target_resource.layout.keys();
        let target_columns: Option<Vec<String>> = target_keys
            .map(|i| target_entry.columns.get(&ColumnId::Key(i)).map(|column| column.name.clone()))
            .collect();
        let target_columns = target_columns?;
        let target_table = tables.get(target.as_str())?.clone();
        let entry = Arc::make_mut(self.ledger.resources.get_mut(&resource.type_name)?);
        let names: Option<Vec<String>> = columns
            .iter()
            .map(|i| {
                let id = ColumnId::of(resource.layout.columns.get(*i)?, *i);
                entry.columns.get(&id).map(|column| column.name.clone())
            })
            .collect();
        let owner = format!("reference {path} of {}", resource.type_name);
        let wanted = format!("{}_{}_fkey", entry.table, first.name);
        let name = claim_table(&mut self.ledger.names, &wanted, &owner);
        entry.references.insert(path.clone(), ReferenceEntry { name: name.clone(), target: target.clone() });
        Some(ForeignKey { name, columns: names?, target: target_table, target_columns })
    }

    /// Refuses another number of variables, and that what there is one of below each row becomes many, or many one; says
    /// whether it did.
    pub(super) fn pattern_changed(&mut self, resource: &'a Resource, was: &ResourceEntry) -> bool {
        if self.tenancy_changed(resource, was) {
            return true;
        }
        let old = was.columns.keys().filter(|id| matches!(id, ColumnId::Key(_))).count();
        let new = resource.layout.keys();
        // A singleton's pattern ends with a collection.
        let is_singleton = |pattern: &str| !pattern.split('/').count().is_multiple_of(2);
        let was_singleton = was.terms.as_ref().is_some_and(|terms| is_singleton(&terms.pattern));
        let why = match (old == new, was_singleton, resource.singleton) {
            (true, one, now) if one == now => return false,
            (true, true, _) => {
                "there was one row below each of its parents, and they would be rows of their own".to_owned()
            }
            (true, false, _) => {
                "there would be one row below each of its parents, and the rows that stand are rows of their own"
                    .to_owned()
            }
            (false, ..) => format!(
                "the pattern had {} and has {} now: the rows' keys would have another form",
                variables(old),
                variables(new)
            ),
        };
        self.steps.push(Step {
            resource: resource.type_name.clone(),
            change: Change::ChangePattern {
                from: was.terms.as_ref().map_or_else(|| variables(old), |terms| terms.pattern.clone()),
                to: resource.pattern.clone(),
                routes: Vec::new(),
            },
            safety: Safety::Refused {
                why,
                remedy: "keep the number of variables (their names may change), or make a new resource type; moving rows to \
                         another key is not supported yet"
                    .to_owned(),
            },
            schema: Vec::new(),
            note: None,
            place: Some(resource.place.clone()),
            path: None,
        });
        true
    }

    /// Refuses that rows belong to organisations which did not, and the other way round: the organisation is a part of their keys,
    /// and of those of all that refers to them.
    fn tenancy_changed(&mut self, resource: &'a Resource, was: &ResourceEntry) -> bool {
        let (tenant, before) = (resource.layout.is_tenant(), was.is_tenant());
        if tenant == before {
            return false;
        }
        let (why, remedy) = match tenant {
            true => (
                "each row would belong to an organisation, and nothing says to which",
                "declare a resource with another type and tenant: true, and copy the rows with a data migration that names the \
                 organisation of each as `_organisation`; then take this one out of the contract",
            ),
            false => (
                "rows of all organisations would be there for everybody whom the rules let in, and two of them may have one name",
                "keep tenant: true; or declare a resource with another type, and copy the rows that are everybody's with a data \
                 migration",
            ),
        };
        self.steps.push(Step {
            resource: resource.type_name.clone(),
            change: Change::ChangeTenancy { tenant },
            safety: Safety::Refused { why: why.to_owned(), remedy: remedy.to_owned() },
            schema: Vec::new(),
            note: None,
            place: Some(resource.place.clone()),
            path: None,
        });
        true
    }

    pub(super) fn move_resource(&mut self, known: &mut Standing<'a>, table: String) {
        let (resource, was) = (known.resource, known.was);
        let mut schema = Vec::new();
        if was.table != table {
            schema.push(SchemaStep::RenameTable { from: was.table.clone(), to: table.clone() });
        }
        known.entry.natural_table.clone_from(&resource.table);
        known.entry.message.clone_from(&resource.message);
        known.entry.table = table;
        if was.message == resource.message && schema.is_empty() {
            return;
        }
        self.steps.push(Step {
            resource: resource.type_name.clone(),
            change: Change::MoveResource { from: was.message.clone(), to: resource.message.clone() },
            safety: Safety::Safe,
            schema,
            note: None,
            place: Some(resource.place.clone()),
            path: None,
        });
    }
}

fn variables(count: usize) -> String {
    if count == 1 { "1 variable".to_owned() } else { format!("{count} variables") }
}

/// Gives the `index`th column of the layout its name and remembers it.
pub(super) fn add_column(entry: &mut ResourceEntry, resource: &Resource, index: usize) -> ColumnSpec {
    let column = &resource.layout.columns[index];
    let id = ColumnId::of(column, index);
    let name = claim_column(&mut entry.column_names, &column.name, &id.to_string(), &id.suffix());
    let spec = ColumnSpec { name: name.clone(), ty: column.kind, nullable: column.nullable };
    let known = ColumnEntry { natural: column.name.clone(), name, ty: spec.ty, nullable: spec.nullable };
    entry.columns.insert(id, known);
    spec
}

/// Says whether the step makes the column of that name, by itself or with its table.
fn makes(step: &Step, resource: &str, name: &str) -> bool {
    step.resource == resource
        && step.schema.iter().any(|made| match made {
            SchemaStep::CreateTable { columns, .. } => columns.iter().any(|column| column.name == name),
            SchemaStep::AddColumn { column, .. } => column.name == name,
            SchemaStep::ReplaceColumns { made, .. } => made.iter().any(|made| made.column.name == name),
            _ => false,
        })
}

/// Says whether the step brings a reference back that was hidden.
fn shows(step: &Step, resource: &str, path: &FieldPath) -> bool {
    let is_shown = matches!(step.change, Change::ShowField { .. }) && !matches!(step.safety, Safety::Refused { .. });
    is_shown && step.resource == resource && step.path.as_ref() == Some(path)
}

/// The references of a resource, wherever they lie, with their columns.
pub(super) fn references(resource: &Resource) -> Vec<(FieldPath, Vec<usize>)> {
    let mut found: Vec<(FieldPath, Vec<usize>)> = Vec::new();
    for (index, column) in resource.layout.columns.iter().enumerate() {
        if !matches!(column.role, Role::Reference { .. }) {
            continue;
        }
        let path = FieldPath::from(&column.path);
        match found.last_mut().filter(|(last, _)| *last == path) {
            Some((_, columns)) => columns.push(index),
            None => found.push((path, vec![index])),
        }
    }
    found
}
