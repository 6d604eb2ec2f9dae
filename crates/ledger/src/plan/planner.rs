//! Puts a plan together, resource by resource.

use std::collections::BTreeMap;
use std::rc::Rc;

use mainstay_contract::{Contract, Resource};
use mainstay_sql::Probe;
use prost_reflect::MessageDescriptor;

use super::fields::{FieldNow, fields_of};
use super::{Change, Plan, PlanError, Safety, Step};
use crate::names::claim_table;
use crate::{Answer, Facts, Ledger, ResourceEntry};

pub(super) struct Planner<'a> {
    pub before: &'a Ledger,
    pub contract: &'a Contract,
    facts: &'a dyn Facts,
    /// The ledger as it will be; indexes of standing tables are as they were until the end.
    pub ledger: Ledger,
    pub steps: Vec<Step>,
}

/// One resource that both the ledger and the contract have.
pub(super) struct Standing<'a> {
    pub resource: &'a Resource,
    pub message: Option<MessageDescriptor>,
    /// As it is.
    pub was: &'a ResourceEntry,
    /// As it will be.
    pub entry: ResourceEntry,
    pub fields: Rc<[FieldNow<'a>]>,
    /// Where the rows' columns are filled with a constant as they are added.
    pub filled: Vec<crate::ColumnId>,
    /// Fields that changed into what cannot be; what is inside them is not looked at.
    pub refused: Vec<crate::FieldPath>,
}

impl<'a> Planner<'a> {
    pub fn new(before: &'a Ledger, contract: &'a Contract, facts: &'a dyn Facts) -> Planner<'a> {
        Planner { before, contract, facts, ledger: before.clone(), steps: Vec::new() }
    }

    pub fn run(mut self) -> Result<Plan, PlanError> {
        let tables = self.claim_tables();
        let mut standing = Vec::new();
        for resource in &self.contract.resources {
            let table = tables.get(resource.type_name.as_str()).cloned().unwrap_or_default();
            match self.before.resource(&resource.type_name) {
                None => self.add_resource(resource, table),
                Some(was) => {
                    if let Some(known) = self.standing(resource, was, table)? {
                        standing.push(known);
                    }
                }
            }
        }
        self.add_references(&tables);
        self.removed_resources();
        let mut outside = Vec::new();
        for known in &standing {
            self.indexes_of(known, &mut outside)?;
        }
        let transaction = self.ledger;
        let after = outside.iter().fold(transaction.clone(), |ledger, step| ledger.after(step));
        self.steps.append(&mut outside);
        Ok(Plan {
            contract: self.contract.hash.clone(),
            steps: self.steps,
            transaction,
            after,
            before: self.before.clone(),
        })
    }

    /// Decides what each resource's table is called, so that references can name tables that are made later.
    fn claim_tables(&mut self) -> BTreeMap<&'a str, String> {
        let mut tables = BTreeMap::new();
        for resource in &self.contract.resources {
            let known = self.before.resource(&resource.type_name);
            let table = match known {
                Some(was) if was.natural_table == resource.table => was.table.clone(),
                _ => {
                    let owner = format!("table of {}", resource.type_name);
                    let claimed = claim_table(&mut self.ledger.names, &resource.table, &owner);
                    // SQLite takes names that differ only in case for the same, and refuses such a rename.
                    known
                        .map(|was| &was.table)
                        .filter(|old| old.eq_ignore_ascii_case(&claimed))
                        .cloned()
                        .unwrap_or(claimed)
                }
            };
            tables.insert(resource.type_name.as_str(), table);
        }
        tables
    }

    fn standing(
        &mut self,
        resource: &'a Resource,
        was: &'a ResourceEntry,
        table: String,
    ) -> Result<Option<Standing<'a>>, PlanError> {
        if self.pattern_changed(resource, was) {
            return Ok(None);
        }
        let fields = fields_of(self.contract, resource).into();
        let mut known = Standing {
            resource,
            message: self.contract.pool.get_message_by_name(&resource.message),
            was,
            entry: was.clone(),
            fields,
            filled: Vec::new(),
            refused: Vec::new(),
        };
        self.move_resource(&mut known, table);
        let mut renames = self.rename_columns(&mut known);
        self.fields(&mut known, &mut renames)?;
        self.fields_gone(&mut known)?;
        self.leftover_columns(&known, renames);
        self.ledger.resources.insert(resource.type_name.clone(), known.entry.clone());
        Ok(Some(known))
    }

    fn removed_resources(&mut self) {
        let gone = self.before.resources.iter().filter(|(name, _)| self.contract.resource(name).is_none());
        for (type_name, entry) in gone {
            self.steps.push(Step {
                resource: type_name.clone(),
                change: Change::RemoveResource,
                safety: Safety::Refused {
                    why: format!("the contract has no resource {type_name} any more, and its table {} stands", entry.table),
                    remedy: format!(
                        "bring the message {} back (removing a resource is not supported yet); if the type was renamed, \
                         write type: \"{type_name}\" again: it is the resource's identity for ever",
                        entry.message
                    ),
                },
                schema: Vec::new(),
                note: None,
                place: None,
            });
        }
    }

    /// Asks about the rows.
    pub fn ask(&self, probe: &Probe) -> Result<Answer, PlanError> {
        self.facts.answer(probe).ok_or_else(|| PlanError::Unanswered(probe.clone()))
    }

    /// Counts the rows of a standing table.
    pub fn rows(&self, known: &Standing<'_>) -> Result<u64, PlanError> {
        Ok(self.ask(&Probe::Rows { table: known.was.table.clone() })?.count)
    }

    /// Adds a step without schema changes.
    pub fn refuse(
        &mut self,
        known: &Standing<'_>,
        change: Change,
        place: &mainstay_contract::Place,
        why: String,
        remedy: String,
    ) {
        self.steps.push(Step {
            resource: known.resource.type_name.clone(),
            change,
            safety: Safety::Refused { why, remedy },
            schema: Vec::new(),
            note: None,
            place: Some(place.clone()),
        });
    }
}

/// `3 rows: products/a, products/b, products/c`; names at most five.
pub(super) fn name_rows(resource: &Resource, answer: &Answer) -> String {
    let rows = if answer.count == 1 { "1 row".to_owned() } else { format!("{} rows", answer.count) };
    let names: Vec<String> = answer
        .sample
        .iter()
        .take(5)
        .map(|key| resource.template.render(|i| key.get(i).map_or("", String::as_str)))
        .collect();
    let more = if answer.count > names.len() as u64 && !names.is_empty() { ", …" } else { "" };
    if names.is_empty() { rows } else { format!("{rows}: {}{more}", names.join(", ")) }
}
