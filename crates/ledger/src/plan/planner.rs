//! Puts a plan together, resource by resource.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use mainstay_contract::{Contract, Resource};
use mainstay_sql::Probe;
use prost_reflect::MessageDescriptor;

use super::now::{FieldNow, fields_of};
use super::{Change, Plan, PlanError, Safety, Step};
use crate::bound::{BoundRules, keys_of_all};
use crate::entry::PATTERNS;
use crate::moves::Moves;
use crate::names::claim_table;
use crate::rekey::Keys;
use crate::terms::{Form, TERMS_VERSION};
use crate::{Answer, Facts, Hidden, Ledger, ResourceEntry};

/// Plans the way from a ledger to a contract. The same three give the same plan, to the byte.
///
/// # Errors
/// Fails when `facts` cannot answer a question; a change that cannot be made is a refused step, not an error.
pub fn plan(ledger: &Ledger, contract: &Contract, facts: &dyn Facts) -> Result<Plan, PlanError> {
    Planner::new(ledger, contract, facts).run()
}

pub(super) struct Planner<'a> {
    pub before: &'a Ledger,
    pub contract: &'a Contract,
    pub moves: Rc<Moves<'a>>,
    /// The keys inside JSON columns of all resources that are not today's names, by the resources' numbers.
    pub keys: Vec<Vec<Keys>>,
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
    /// What the rules of its transitions and fields say, as in its terms.
    pub rules: BTreeMap<String, Form>,
    /// Where the rows' columns are filled with a constant as they are added.
    pub filled: Vec<crate::ColumnId>,
    /// Columns that are made anew.
    pub converted: Vec<crate::ColumnId>,
    /// Fields that changed into what cannot be; what is inside them is not looked at.
    pub refused: Vec<crate::FieldPath>,
}

impl<'a> Planner<'a> {
    pub fn new(before: &'a Ledger, contract: &'a Contract, facts: &'a dyn Facts) -> Planner<'a> {
        let moves = Rc::new(Moves::new(|name| before.resource(name).map(|was| was.message.as_str()), contract));
        let ledger = Ledger { terms: TERMS_VERSION, patterns: PATTERNS, ..before.clone() };
        let keys = keys_of_all(contract, before);
        Planner { before, contract, moves, keys, facts, ledger, steps: Vec::new() }
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
        self.make_singletons();
        for known in &standing {
            self.links_of(known)?;
        }
        self.hide_resources()?;
        let mut outside = Vec::new();
        for known in &standing {
            self.indexes_of(known, &mut outside)?;
        }
        self.remake_tables(&standing);
        self.roles();
        self.callers();
        self.migrations(&mut outside);
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
            rules: BoundRules::of(resource, was, &self.keys).terms(self.contract, resource).rules,
            filled: Vec::new(),
            converted: Vec::new(),
            refused: Vec::new(),
        };
        if known.entry.hidden.take().is_some() {
            let note = Some("the rows that it had are back".to_owned());
            self.resource_step(&known, Change::ShowResource, Safety::Safe, note);
        }
        self.move_resource(&mut known, table);
        let mut renames = self.rename_columns(&mut known);
        self.fields(&mut known, &mut renames)?;
        self.oneofs(&known)?;
        self.reread(&known);
        self.fields_gone(&mut known)?;
        self.leftover_columns(&known, renames);
        self.convert_indexes(&mut known);
        self.served(&mut known)?;
        if known.entry != *was {
            self.ledger.resources.insert(resource.type_name.clone(), Arc::new(known.entry.clone()));
        }
        Ok(Some(known))
    }

    /// Resources that the contract no longer has: their tables stay, and nobody sees them.
    fn hide_resources(&mut self) -> Result<(), PlanError> {
        let there = |(name, entry): &(&String, &Arc<ResourceEntry>)| {
            entry.hidden.is_none() && self.contract.resource(name).is_none()
        };
        let gone: Vec<(&String, &Arc<ResourceEntry>)> = self.before.resources.iter().filter(there).collect();
        for (type_name, was) in gone {
            let rows = self.ask(&Probe::Rows { table: was.table.clone() })?.count;
            let safety = if rows == 0 { hidden_methods() } else { hidden_rows(type_name, was, rows) };
            if let Some(entry) = self.ledger.resources.get_mut(type_name) {
                Arc::make_mut(entry).hidden = Some(Hidden::default());
            }
            self.steps.push(Step {
                resource: type_name.clone(),
                change: Change::HideResource { table: was.table.clone() },
                safety,
                schema: Vec::new(),
                note: None,
                place: None,
                path: None,
            });
        }
        Ok(())
    }

    /// Asks about the rows.
    pub fn ask(&self, probe: &Probe) -> Result<Answer, PlanError> {
        self.facts.answer(probe).ok_or_else(|| PlanError::Unanswered(Box::new(probe.clone())))
    }

    /// Counts the rows of a standing table.
    pub fn rows(&self, known: &Standing<'_>) -> Result<u64, PlanError> {
        Ok(self.ask(&Probe::Rows { table: known.was.table.clone() })?.count)
    }

    /// Adds a step that never runs.
    pub fn refuse(&mut self, known: &Standing<'a>, change: Change, field: &FieldNow<'a>, why: String, remedy: String) {
        self.field_step(known, field, change, Safety::Refused { why, remedy }, Vec::new(), None);
    }
}

fn hidden_methods() -> Safety {
    Safety::Reviewed {
        why: "it has no rows, but clients that call its methods get UNIMPLEMENTED from now on".to_owned(),
        remedy: "accept when no client calls them".to_owned(),
    }
}

fn hidden_rows(type_name: &str, was: &ResourceEntry, rows: u64) -> Safety {
    let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
    let mut targets: Vec<&str> = was.references.values().map(|reference| reference.target.as_str()).collect();
    targets.dedup();
    let kept = match targets[..] {
        [] => String::new(),
        _ => format!("; what they refer to ({}) cannot be deleted meanwhile", targets.join(", ")),
    };
    Safety::Guarded {
        why: format!("no client sees it any more; {rows} stay in {}, hidden{kept}", was.table),
        remedy: format!(
            "accept, if nobody needs it; it comes back with its rows under the same type. If the type was renamed, write \
             type: \"{type_name}\" again: it is the resource's identity for ever"
        ),
    }
}

/// `3 rows: products/a, products/b, products/c`; names at most five.
pub(super) fn name_rows(resource: &Resource, answer: &Answer) -> String {
    let rows = if answer.count == 1 { "1 row".to_owned() } else { format!("{} rows", answer.count) };
    let unnamed = resource.layout.unnamed_keys();
    let names: Vec<String> = answer
        .sample
        .iter()
        .take(5)
        .map(|key| resource.template.render(|i| key.get(i + unnamed).map_or("", String::as_str)))
        .collect();
    let more = if answer.count > names.len() as u64 && !names.is_empty() { ", …" } else { "" };
    if names.is_empty() { rows } else { format!("{rows}: {}{more}", names.join(", ")) }
}
