//! Fields inside JSON columns: the same rules, without a column to change.

use super::fields::{FieldNow, reserve};
use super::gone::missing_reserve;
use super::planner::{Planner, Standing};
use super::{Change, PlanError, Safety};
use crate::JsonEntry;
use crate::json::{JsonChange, Merge};
use crate::signature::Comparison;

impl<'a> Planner<'a> {
    /// Carries the keys of birth over and adds a step for each change inside the column.
    pub(super) fn inner_fields(
        &mut self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        was: &JsonEntry,
        now: &JsonEntry,
    ) -> Result<JsonEntry, PlanError> {
        let merge = Merge::run(&self.contract.pool, was, now.clone(), field.held.clone(), field.names);
        let Merge { now, changes, .. } = merge;
        for change in changes {
            self.inner_field(known, field, change)?;
        }
        Ok(now)
    }

    fn inner_field(&mut self, known: &Standing<'a>, field: &FieldNow<'a>, change: JsonChange) -> Result<(), PlanError> {
        match change {
            JsonChange::Renamed { path, from } => {
                let note = "stored under the name that it had first; nothing is rewritten".to_owned();
                let change = Change::RenameField { field: path, from };
                self.field_step(known, field, change, Safety::Safe, Vec::new(), Some(note));
            }
            JsonChange::Shown { path } => {
                self.field_step(known, field, Change::ShowField { field: path }, Safety::Safe, Vec::new(), None);
            }
            JsonChange::Compared { path, number, comparison } => {
                self.inner_compared(known, field, path, number, comparison);
            }
            JsonChange::Gone { path, number, name, message } => match missing_reserve(Some(&message), number, &name) {
                Some(line) => self.refuse_gone(known, &path, Some(&message), &line, number),
                None => {
                    let safety = self.hide_safety(known, &path)?;
                    self.field_step(known, field, Change::HideField { field: path }, safety, Vec::new(), None);
                }
            },
            JsonChange::Reused { path, number, was } => {
                let why = format!("number {number} was {was}: a number means one field for ever");
                let remedy = "give the new field a number that was never used, and reserve this one".to_owned();
                self.refuse(known, Change::ReuseNumber { field: path, number }, field.place(), why, remedy);
            }
            JsonChange::Merged { path } => {
                let why = format!(
                    "{path} now has a message type that is stored under other keys elsewhere in {}",
                    field.names
                );
                let remedy = "keep the two message types apart".to_owned();
                let (from, to) = ("another message".to_owned(), "a shared message".to_owned());
                self.refuse(known, Change::ChangeField { field: path, from, to }, field.place(), why, remedy);
            }
        }
        Ok(())
    }

    fn inner_compared(
        &mut self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        path: String,
        number: u32,
        comparison: Comparison,
    ) {
        let change = Change::ChangeField { field: path.clone(), from: String::new(), to: String::new() };
        let name = path.rsplit('.').next().unwrap_or(&path);
        let another = format!("give the new field a number that was never used and write: {}", reserve(number, name));
        match comparison {
            Comparison::Same => {}
            Comparison::TypeRenamed => {
                self.field_step(known, field, Change::RenameType { field: path }, Safety::Safe, Vec::new(), None);
            }
            Comparison::Widened => {
                let change = Change::WidenField {
                    field: path,
                    from: "a narrower type".to_owned(),
                    to: "a wider one".to_owned(),
                };
                self.field_step(known, field, change, Safety::Safe, Vec::new(), None);
            }
            Comparison::NotYet(why) => {
                let remedy = format!("keep the type (this change is not supported yet), or {another}");
                self.refuse(known, change, field.place(), why, remedy);
            }
            Comparison::Incompatible(why) => self.refuse(known, change, field.place(), why, another),
        }
    }
}
