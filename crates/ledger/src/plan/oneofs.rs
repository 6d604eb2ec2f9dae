//! Fields that come into a oneof, and fields that leave one.

use std::collections::BTreeSet;

use mainstay_record::Kind;
use mainstay_sql::Probe;

use super::now::FieldNow;
use super::planner::{Planner, Standing, name_rows};
use super::referring::former_column;
use super::{Change, PlanError, Safety};
use crate::oneofs::{Member, Regrouped, regrouped};
use crate::{ColumnId, FieldPath, Part};

impl<'a> Planner<'a> {
    /// Tells which fields may not be set together any more, and which may.
    pub(super) fn oneofs(&mut self, known: &Standing<'a>) -> Result<(), PlanError> {
        let fields = std::rc::Rc::clone(&known.fields);
        let grouped = fields.iter().filter(|field| {
            let was = known.was.fields.get(&field.path).and_then(|was| was.signature.oneof.as_ref());
            was.is_some() || field.signature.oneof.is_some()
        });
        let parents: BTreeSet<FieldPath> = grouped.map(|field| field.path.parent()).collect();
        for parent in parents {
            let stood = |field: &&FieldNow<'a>| {
                let settled = known.refused.iter().any(|outer| field.path.is_within(outer));
                field.path.parent() == parent && !settled && known.was.fields.contains_key(&field.path)
            };
            let there: Vec<&FieldNow<'a>> = fields.iter().filter(stood).collect();
            let members: Vec<Member<'_>> = there.iter().map(|field| member(known, field)).collect();
            for regrouped in regrouped(&members) {
                let safety = self.regrouped(known, &there, &regrouped)?;
                let Some(first) = regrouped.moved.first().map(|place| there[*place]) else { continue };
                let outer = first.names.strip_suffix(first.model.name.as_str()).unwrap_or_default();
                let oneof = format!("{outer}{}", regrouped.oneof);
                let moved = regrouped.moved.iter().map(|place| there[*place].model.name.clone()).collect();
                self.field_step(known, first, change(oneof, moved, regrouped.came), safety, Vec::new(), None);
            }
        }
        Ok(())
    }

    /// Looks for rows in which several fields are set that go together from now on.
    fn regrouped(
        &self,
        known: &Standing<'a>,
        there: &[&FieldNow<'a>],
        regrouped: &Regrouped,
    ) -> Result<Safety, PlanError> {
        let columns: Vec<(String, Option<Kind>)> =
            regrouped.members.iter().filter_map(|place| told_by(known, there[*place])).collect();
        if !regrouped.came || columns.len() < 2 {
            return Ok(regrouped_safety(regrouped.came));
        }
        let (table, keys) = (known.was.table.clone(), known.key_names());
        let answer = self.ask(&Probe::Together { table, keys, columns })?;
        if answer.count == 0 {
            return Ok(regrouped_safety(true));
        }
        let names: Vec<&str> = regrouped.members.iter().map(|place| there[*place].names).collect();
        Ok(Safety::Refused {
            why: format!(
                "at most one of {} could be set, and more are in {}",
                names.join(", "),
                name_rows(known.resource, &answer)
            ),
            remedy: "unset all but one of them there first, or leave them out of the oneof".to_owned(),
        })
    }
}

/// What is said of fields that come into a oneof or leave it.
pub(super) fn change(oneof: String, fields: Vec<String>, came: bool) -> Change {
    if came { Change::JoinOneof { oneof, fields } } else { Change::LeaveOneof { oneof, fields } }
}

/// What that needs, whatever the rows hold.
pub(super) fn regrouped_safety(came: bool) -> Safety {
    let (why, remedy) = match came {
        true => (
            "a write that sets one of its fields unsets the others from now on",
            "accept when no client sets several of them",
        ),
        false => ("several of its fields may be set from now on", "accept when no client takes one of them for all"),
    };
    Safety::Reviewed { why: why.to_owned(), remedy: remedy.to_owned() }
}

fn member<'m>(known: &'m Standing<'_>, field: &'m FieldNow<'_>) -> Member<'m> {
    let was = known.was.fields.get(&field.path).and_then(|was| was.signature.oneof.as_deref());
    Member { name: &field.model.name, was, now: field.signature.oneof.as_deref() }
}

/// The column that tells in the table as it is whether a field is set, and its value where it is not, if that is not NULL.
fn told_by(known: &Standing<'_>, field: &FieldNow<'_>) -> Option<(String, Option<Kind>)> {
    let index = *field.model.columns.first()?;
    let id = ColumnId::of(known.resource.layout.columns.get(index)?, index);
    let Some(column) = known.was.columns.get(&id) else {
        let (name, kind, nullable) = former_column(known, &field.path)?;
        return Some((name, (!nullable).then_some(kind)));
    };
    let is_presence = matches!(id, ColumnId::Field(_, Part::Presence));
    let zero = (is_presence || !column.nullable).then_some(column.ty);
    Some((column.name.clone(), zero))
}
