//! Fields that the contract no longer has.

use mainstay_sql::SchemaStep;
use prost_reflect::MessageDescriptor;

use super::fields::reserve;
use super::planner::{Planner, Standing};
use super::referring::unreferred;
use super::{Change, PlanError, Safety, Step};
use crate::FieldPath;

impl<'a> Planner<'a> {
    /// Hides what is reserved and refuses what is not.
    pub(super) fn fields_gone(&mut self, known: &mut Standing<'a>) -> Result<(), PlanError> {
        let mut gone: Vec<FieldPath> = Vec::new();
        for (path, was) in &known.was.fields {
            let there = known.paths().any(|now| now == path);
            let settled = gone.iter().chain(&known.refused).any(|outer| path.is_within(outer));
            if there || settled || was.hidden {
                continue;
            }
            gone.push(path.clone());
            let names = names_of(known, path);
            let message = known.message_of(&path.parent());
            let missing = missing_reserve(message.as_ref(), path.number(), &was.name);
            if let Some(line) = missing {
                self.refuse_gone(known, &names, message.as_ref(), &line, path, path.number());
                continue;
            }
            let safety = self.hide_safety(known, &names)?;
            // What nobody sees keeps nothing from being deleted.
            let schema = unreferred(&mut known.entry, path);
            for (inner, entry) in &mut known.entry.fields {
                entry.hidden |= inner.is_within(path);
            }
            self.gone_step(known, path, Change::HideField { field: names }, safety, schema);
        }
        Ok(())
    }

    /// Hiding loses nothing, but clients lose sight of the values: that wants a yes, unless there are no rows.
    pub(super) fn hide_safety(&self, known: &Standing<'a>, names: &str) -> Result<Safety, PlanError> {
        let rows = self.rows(known)?;
        if rows == 0 {
            return Ok(Safety::Reviewed {
                why: format!("clients that write {names} are refused, and those that read it find nothing"),
                remedy: "accept when no client names it; the field can come back with the same number, name and type"
                    .to_owned(),
            });
        }
        let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        Ok(Safety::Guarded {
            why: format!("no client sees {names} any more; its values in {rows} stay in the table, hidden"),
            remedy: "accept, if nobody needs it; the field can come back with the same number, name and type"
                .to_owned(),
        })
    }

    pub(super) fn refuse_gone(
        &mut self,
        known: &Standing<'a>,
        names: &str,
        message: Option<&MessageDescriptor>,
        line: &str,
        path: &FieldPath,
        number: u32,
    ) {
        let message = message.map_or("its message", MessageDescriptor::full_name);
        let safety = Safety::Refused {
            why: format!(
                "{names} is gone from the contract without being reserved, so its number could become another field's"
            ),
            remedy: format!(
                "write into {message}: {line} (if the field was renamed, keep its number {number} instead)"
            ),
        };
        self.gone_step(known, path, Change::RemoveField { field: names.to_owned() }, safety, Vec::new());
    }

    fn gone_step(
        &mut self,
        known: &Standing<'a>,
        path: &FieldPath,
        change: Change,
        safety: Safety,
        schema: Vec<SchemaStep>,
    ) {
        self.steps.push(Step {
            resource: known.resource.type_name.clone(),
            change,
            safety,
            schema,
            note: None,
            place: Some(known.resource.place.clone()),
            path: Some(path.clone()),
        });
    }
}

/// The line that a message lacks to keep a number and a name from being used again.
pub(super) fn missing_reserve(message: Option<&MessageDescriptor>, number: u32, name: &str) -> Option<String> {
    let message = message?;
    let has_number = message.reserved_ranges().any(|range| range.contains(&number));
    let has_name = message.reserved_names().any(|reserved| reserved == name);
    match (has_number, has_name) {
        (true, true) => None,
        (true, false) => Some(format!("reserved \"{name}\";")),
        (false, true) => Some(format!("reserved {number};")),
        (false, false) => Some(reserve(number, name)),
    }
}

/// The names from the resource down, as the ledger last knew them.
fn names_of(known: &Standing<'_>, path: &FieldPath) -> String {
    let outer = (1..=path.0.len()).map(|depth| FieldPath(path.0[..depth].to_vec()));
    let names = outer.map(|outer| known.was.fields.get(&outer).map_or("?", |field| field.name.as_str()).to_owned());
    names.collect::<Vec<_>>().join(".")
}
