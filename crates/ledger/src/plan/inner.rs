//! Fields inside JSON columns: the same rules, without a column to change.

use std::rc::Rc;

use mainstay_sql::Conversion;

use super::fields::reserve;
use super::gone::missing_reserve;
use super::now::FieldNow;
use super::options::{self, Verdict};
use super::planner::{Planner, Standing};
use super::{Change, PlanError, Safety, oneofs, promises};
use crate::JsonEntry;
use crate::json::places::Spot;
use crate::json::{JsonChange, Merge};
use crate::signature::{Comparison, Signature};

impl<'a> Planner<'a> {
    /// Carries the keys of birth over and adds a step for each change inside the column.
    pub(super) fn inner_fields(
        &mut self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        was: &JsonEntry,
        now: &JsonEntry,
    ) -> Result<JsonEntry, PlanError> {
        let moves = Rc::clone(&self.moves);
        let merge = Merge::run(&moves, was, now.clone(), field.held.clone(), field.names);
        let Merge { now, changes, .. } = merge;
        for change in changes {
            self.inner_field(known, field, change)?;
        }
        Ok(now)
    }

    fn inner_field(&mut self, known: &Standing<'a>, field: &FieldNow<'a>, change: JsonChange) -> Result<(), PlanError> {
        match change {
            JsonChange::Renamed { path, was, now } => {
                let note = "stored under the name that it had first; nothing is rewritten".to_owned();
                let safety = promises::renamed((&was.0, was.1.as_ref()), (&now.0, &now.1));
                let change = Change::RenameField { field: path, from: was.0 };
                self.field_step(known, field, change, safety, Vec::new(), Some(note));
            }
            JsonChange::Shown { path } => {
                self.field_step(known, field, Change::ShowField { field: path }, Safety::Safe, Vec::new(), None);
            }
            JsonChange::Compared { path, number, spot, from, to, comparison } => {
                self.inner_compared(known, field, Inner { path, number, spot, from, to }, comparison)?;
            }
            JsonChange::Values { path, spot, was, now } => {
                self.values(known, field, (&path, Some(&spot)), &was, &now)?;
            }
            JsonChange::Terms { path, names, was, now } => {
                let checks = promises::checks(&path, &was.inner, &now.inner).map(|change| (change, Safety::Safe));
                let changes = promises::changes(&path, (&names.0, &names.1), &was, &now);
                let stated = options::changes(Some(&path), &was.options, &now.options, &|_| Verdict::Unknown);
                for (change, safety) in changes.into_iter().chain(checks).chain(stated) {
                    self.field_step(known, field, change, safety, Vec::new(), None);
                }
            }
            JsonChange::Gone { path, number, name, message } => match missing_reserve(Some(&message), number, &name) {
                Some(line) => self.refuse_gone(known, &path, Some(&message), &line, &field.path, number),
                None => {
                    let safety = self.hide_safety(known, &path)?;
                    self.field_step(known, field, Change::HideField { field: path }, safety, Vec::new(), None);
                }
            },
            JsonChange::Reused { path, number, was } => {
                let why = format!("number {number} was {was}: a number means one field for ever");
                let remedy = "give the new field a number that was never used, and reserve this one".to_owned();
                self.refuse(known, Change::ReuseNumber { field: path, number }, field, why, remedy);
            }
            JsonChange::NameReused { path, number } => self.name_reused(known, field, path, number),
            JsonChange::Oneof { oneof, fields, came, several } => {
                let safety = if came && several { not_looked_through(&oneof) } else { oneofs::regrouped_safety(came) };
                self.field_step(known, field, oneofs::change(oneof, fields, came), safety, Vec::new(), None);
            }
            JsonChange::Merged { path } => {
                let why = format!(
                    "{path} now has a message type that is stored under other keys elsewhere in {}",
                    field.names
                );
                let remedy = "keep the two message types apart".to_owned();
                let (from, to) = ("another message".to_owned(), "a shared message".to_owned());
                self.refuse(known, Change::ChangeField { field: path, from, to }, field, why, remedy);
            }
        }
        Ok(())
    }

    fn inner_compared(
        &mut self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        inner: Inner,
        comparison: Comparison,
    ) -> Result<(), PlanError> {
        let Inner { path, number, spot, from: was, to: now } = inner;
        let (from, to) = (was.describe(), now.describe());
        let name = path.rsplit('.').next().unwrap_or(&path);
        let another = format!("give the new field a number that was never used and write: {}", reserve(number, name));
        let changed = || Change::ChangeField { field: path.clone(), from: from.clone(), to: to.clone() };
        match comparison {
            Comparison::Same => {}
            Comparison::TypeRenamed => {
                self.field_step(known, field, Change::RenameType { field: path }, Safety::Safe, Vec::new(), None);
            }
            Comparison::Widened => {
                let change = Change::WidenField { field: path, from, to };
                self.field_step(known, field, change, promises::widened(&was.ty, &now.ty), Vec::new(), None);
            }
            Comparison::Narrowed { least, most } => {
                let safety = self.narrowed(known, field, (&path, Some(&spot)), (&was.ty, &now.ty), least, most)?;
                let change = Change::NarrowField { field: path, from, to };
                self.field_step(known, field, change, safety, Vec::new(), None);
            }
            // A zero is written where it can be told from unset, and read as what it is where it cannot.
            Comparison::Converted(Conversion::ZeroToUnset | Conversion::UnsetToZero) => {
                self.field_step(
                    known,
                    field,
                    Change::ConvertField { field: path, from, to },
                    Safety::Safe,
                    Vec::new(),
                    None,
                );
            }
            Comparison::Converted(_) | Comparison::Referring(_) => {
                let (why, remedy) = (
                    format!("{from} became {to}"),
                    format!("keep the type (this change is not supported yet inside JSON), or {another}"),
                );
                self.refuse(known, changed(), field, why, remedy);
            }
            Comparison::NotYet(why) => {
                let remedy = format!("keep the type (this change is not supported yet), or {another}");
                self.refuse(known, changed(), field, why, remedy);
            }
            Comparison::Incompatible(why) => self.refuse(known, changed(), field, why, another),
        }
        Ok(())
    }
}

/// What lies in lists and maps is not asked for two fields of one message.
fn not_looked_through(oneof: &str) -> Safety {
    Safety::Guarded {
        why: format!(
            "the rows that stand are not looked through for messages in which more than one field of {oneof} is set"
        ),
        remedy: "make sure that there is none, then accept; where there is, whoever reads it takes the last one"
            .to_owned(),
    }
}

/// A field inside a JSON column whose type changed.
struct Inner {
    path: String,
    number: u32,
    spot: Spot,
    from: Signature,
    to: Signature,
}
