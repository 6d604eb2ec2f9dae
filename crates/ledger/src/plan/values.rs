//! Enum values: what the numbers that rows hold mean now.

use mainstay_record::Kind;
use mainstay_sql::{Constant, Hop, Limit, Probe};

use super::now::FieldNow;
use super::planner::{Planner, Standing, name_rows};
use super::{Change, PlanError, Safety};
use crate::json::places::{Spot, into_values};
use crate::terms::{EnumValues, ValueChange};
use crate::{Answer, ColumnId};

impl<'a> Planner<'a> {
    /// A step for each change of an enum's values. `spot`: the field lies there in JSON.
    pub(super) fn values(
        &mut self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        (path, spot): (&str, Option<&Spot>),
        was: &EnumValues,
        now: &EnumValues,
    ) -> Result<(), PlanError> {
        for change in EnumValues::changes(was, now) {
            let field_path = path.to_owned();
            let (change, safety) = match change {
                ValueChange::Added { value } => (Change::AddEnumValue { field: field_path, value }, Safety::Safe),
                ValueChange::Renamed { from, to } => {
                    let safety = reviewed_name(&format!("clients that write {from} are refused"), &from);
                    (Change::RenameEnumValue { field: field_path, from, to }, safety)
                }
                ValueChange::Named { value, more, less, answered } => {
                    let safety = named(&value, &less, answered.as_deref());
                    (Change::NameEnumValue { field: field_path, value, more, less, answered }, safety)
                }
                ValueChange::Removed { number, value } => {
                    let held = self.rows_with(known, field, spot, vec![Limit::NoneOf { values: ints(&[number]) }])?;
                    let safety = removed(known, path, &value, number, &held);
                    (Change::RemoveEnumValue { field: field_path, value }, safety)
                }
                ValueChange::Renumbered { numbers, from, to } => {
                    let held = self.rows_with(known, field, spot, vec![Limit::NoneOf { values: ints(&numbers) }])?;
                    let safety = renumbered(known, &from, &to, &held);
                    (Change::RenumberEnum { field: field_path, from, to }, safety)
                }
            };
            self.field_step(known, field, change, safety, Vec::new(), None);
        }
        Ok(())
    }

    /// Counts the rows in which an integer of the field is outside the limits.
    pub(super) fn rows_with(
        &self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        spot: Option<&Spot>,
        limits: Vec<Limit>,
    ) -> Result<Answer, PlanError> {
        let layout = &known.resource.layout;
        let index = field.model.columns.first().and_then(|i| Some((layout.columns.get(*i)?, *i)));
        let stored = index.and_then(|(column, i)| known.was.columns.get(&ColumnId::of(column, i)));
        let Some(stored) = stored else { return Ok(Answer::default()) };
        let (table, keys, column) = (known.was.table.clone(), known.key_names(), stored.name.clone());
        if field.json.is_some() && stored.ty == Kind::Json {
            let root = into_values(field.signature.label);
            let from_root = |place: &Vec<Hop>| root.iter().chain(place).cloned().collect();
            let places = spot.iter().flat_map(|spot| &spot.places).map(from_root).collect();
            let key = spot.map(|spot| spot.key.clone());
            return self.ask(&Probe::Inside { table, keys, column, key, places, limits });
        }
        self.ask(&Probe::Outside { table, keys, column, limits, zero: None })
    }
}

fn ints(numbers: &[i32]) -> Vec<Constant> {
    numbers.iter().map(|number| Constant::Int(i64::from(*number))).collect()
}

/// What reads and writes by name breaks; the number is the same over gRPC, and in the rows.
fn reviewed_name(why: &str, name: &str) -> Safety {
    Safety::Reviewed {
        why: format!("{why}, and those that read it in JSON get another name"),
        remedy: format!(
            "keep {name} as the first of two names (option allow_alias = true), or accept when no client says it"
        ),
    }
}

fn named(value: &str, less: &[String], answered: Option<&str>) -> Safety {
    match (less, answered) {
        ([], None) => Safety::Safe,
        ([], Some(now)) => Safety::Reviewed {
            why: format!("answers have {now} where they had {value} in JSON"),
            remedy: format!("declare {value} first, or accept when every client knows {now}"),
        },
        (less, None) => Safety::Reviewed {
            why: format!("clients that write {} are refused", less.join(" or ")),
            remedy: "keep it as another name, or accept when no client says it".to_owned(),
        },
        (less, Some(_)) => reviewed_name(&format!("clients that write {} are refused", less.join(" or ")), value),
    }
}

fn removed(known: &Standing<'_>, path: &str, value: &str, number: i32, held: &Answer) -> Safety {
    if held.count == 0 {
        return Safety::Reviewed {
            why: format!("clients that write {value} are refused from now on; no row holds it"),
            remedy: "accept when no client says it; the value can come back under the same number".to_owned(),
        };
    }
    Safety::Guarded {
        why: format!("{path} is {value} in {}; clients would see the number {number}", name_rows(known.resource, held)),
        remedy: "give these rows another value first, or accept; the value can come back under the same number"
            .to_owned(),
    }
}

fn renumbered(known: &Standing<'_>, from: &str, to: &str, held: &Answer) -> Safety {
    let what = format!("{from} became {to}");
    let remedy = "give each name its number back; a new value takes a number that was never used".to_owned();
    if held.count == 0 {
        let why = format!("{what}: no row holds such a number, but clients that know the old ones would mean others");
        return Safety::Reviewed { why, remedy };
    }
    let why = format!("{what}: it would be something else in {}", name_rows(known.resource, held));
    Safety::Guarded { why, remedy }
}
