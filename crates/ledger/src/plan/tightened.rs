//! Fields whose values must satisfy more than before: which of the rows that stand do not.

use mainstay_contract::{BytesCheck, Check};
use mainstay_sql::{Constant, Limit, Probe};

use super::now::FieldNow;
use super::planner::{Planner, Standing, name_rows};
use super::{Change, PlanError, Safety, promises};
use crate::{ColumnId, FieldEntry, FieldTerms};

impl<'a> Planner<'a> {
    /// Tells what a value must satisfy otherwise than before.
    pub(super) fn tighten_field(
        &mut self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        was: &FieldEntry,
    ) -> Result<(), PlanError> {
        // An older ledger knows the checks, and nothing of what is inside.
        let inner = |terms: &FieldTerms| if was.terms.is_some() { terms.inner.clone() } else { Vec::new() };
        let old = [was.checks.clone(), was.terms.as_ref().map(inner).unwrap_or_default()].concat();
        let now = [field.checks(), inner(&field.terms)].concat();
        let Some(change) = promises::checks(field.names, &old, &now) else { return Ok(()) };
        let safety = match &change {
            Change::TightenField { .. } => self.tightened(known, field, was)?,
            _ => Safety::Safe,
        };
        self.field_step(known, field, change, safety, Vec::new(), None);
        Ok(())
    }

    /// Counts the rows that a new check of a field of the resource itself would refuse, and asks for a yes where there are
    /// any. What cannot be asked in SQL (a pattern), and what is inside a message or JSON, is checked when a row is next
    /// written.
    fn tightened(&self, known: &Standing<'a>, field: &FieldNow<'a>, was: &FieldEntry) -> Result<Safety, PlanError> {
        let new: Vec<&Check> =
            field.model.checks.iter().filter(|check| !was.checks.contains(&check.to_string())).collect();
        let limits: Vec<Limit> = new.iter().filter_map(|check| limit_of(check)).flatten().collect();
        let index = field.model.columns.first().filter(|_| field.path.0.len() == 1 && !limits.is_empty());
        let column = index.and_then(|i| Some((known.resource.layout.columns.get(*i)?, *i)));
        let stored = column.and_then(|(column, i)| Some((column, known.was.columns.get(&ColumnId::of(column, i))?)));
        // What is converted with it is looked at when a row is next written.
        let stored = stored.filter(|(column, stored)| stored.ty == column.kind);
        let Some((column, stored)) = stored else { return Ok(Safety::Safe) };
        let zero = field.model.ignore_zero.then_some(column.kind);
        let (table, keys) = (known.was.table.clone(), known.key_names());
        let answer = self.ask(&Probe::Outside { table, keys, column: stored.name.clone(), limits, zero })?;
        if answer.count == 0 {
            return Ok(Safety::Safe);
        }
        let asked = new.iter().filter(|check| limit_of(check).is_some()).map(ToString::to_string);
        let rules = asked.collect::<Vec<_>>().join(" and ");
        Ok(Safety::Guarded {
            why: format!("{} {rules}; not so in {}", field.names, name_rows(known.resource, &answer)),
            remedy: "correct it there first, or accept; such a row cannot be updated until it is corrected".to_owned(),
        })
    }
}

/// What a check is in SQL; nothing where it cannot be asked there: a form, a pattern, a condition, and what hangs on the time.
/// Times are asked where they are numbers, as durations are.
fn limit_of(check: &Check) -> Option<Vec<Limit>> {
    let double = |value: &f64| Constant::double(*value);
    Some(vec![match check {
        Check::IntMin { bound, exclusive } => Limit::AtLeast { bound: Constant::Int(*bound), exclusive: *exclusive },
        Check::IntMax { bound, exclusive } => Limit::AtMost { bound: Constant::Int(*bound), exclusive: *exclusive },
        Check::DoubleMin { bound, exclusive } => Limit::AtLeast { bound: double(bound), exclusive: *exclusive },
        Check::DoubleMax { bound, exclusive } => Limit::AtMost { bound: double(bound), exclusive: *exclusive },
        Check::IntIn(values) => Limit::OneOf { values: values.iter().map(|value| Constant::Int(*value)).collect() },
        Check::IntNotIn(values) => Limit::NoneOf { values: values.iter().map(|value| Constant::Int(*value)).collect() },
        Check::DoubleIn(values) => Limit::OneOf { values: values.iter().map(double).collect() },
        Check::DoubleNotIn(values) => Limit::NoneOf { values: values.iter().map(double).collect() },
        Check::BoolIs(value) => Limit::OneOf { values: vec![Constant::Bool(*value)] },
        Check::TextMinLen(bound) => Limit::MinLength { bound: *bound },
        Check::TextMaxLen(bound) => Limit::MaxLength { bound: *bound },
        Check::TextIn(values) => Limit::OneOf { values: values.iter().cloned().map(Constant::Text).collect() },
        Check::TextNotIn(values) => Limit::NoneOf { values: values.iter().cloned().map(Constant::Text).collect() },
        Check::MinItems(bound) => Limit::MinItems { bound: *bound },
        Check::MaxItems(bound) => Limit::MaxItems { bound: *bound },
        Check::TextMinBytes(bound) | Check::Bytes(BytesCheck::MinLen(bound)) => Limit::MinBytes { bound: *bound },
        Check::TextMaxBytes(bound) | Check::Bytes(BytesCheck::MaxLen(bound)) => Limit::MaxBytes { bound: *bound },
        Check::TextPrefix(part) => Limit::Prefix { part: part.clone() },
        Check::TextSuffix(part) => Limit::Suffix { part: part.clone() },
        Check::TextContains(part) => Limit::Contains { part: part.clone() },
        Check::TextNotContains(part) => Limit::NotContains { part: part.clone() },
        Check::DoubleFinite => {
            return Some(vec![
                Limit::AtLeast { bound: double(&f64::MIN), exclusive: false },
                Limit::AtMost { bound: double(&f64::MAX), exclusive: false },
            ]);
        }
        Check::Outside { low, high } => {
            let one = |check: &Check| limit_of(check)?.into_iter().next().map(Box::new);
            Limit::Either { one: one(low)?, other: one(high)? }
        }
        Check::TextPattern(_)
        | Check::TextFormat(_)
        | Check::Bytes(_)
        | Check::Known(_)
        | Check::Time { .. }
        | Check::Now(_)
        | Check::Rule(_)
        | Check::Unique => return None,
    }])
}
