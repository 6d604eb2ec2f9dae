//! Fields that must have a value: what the rows that stand get, and which of them have none.

use mainstay_expr::{Expr, Program};
use mainstay_record::{Kind, Value};
use mainstay_sql::{Literal, Probe};

use super::now::FieldNow;
use super::planner::{Planner, Standing, name_rows};
use super::referring::former_column;
use super::{Change, PlanError, Safety};
use crate::{ColumnId, FieldEntry, Part};

impl<'a> Planner<'a> {
    /// Counts the rows without a value where a field becomes REQUIRED; tells where it is no more.
    pub(super) fn require_field(
        &mut self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        was: &FieldEntry,
    ) -> Result<(), PlanError> {
        if was.required == field.model.behaviors.required || field.model.columns.is_empty() {
            return Ok(());
        }
        if was.required {
            let change = Change::RelaxField { field: field.names.to_owned() };
            self.field_step(known, field, change, Safety::Safe, Vec::new(), None);
            return Ok(());
        }
        let change = Change::RequireField { field: field.names.to_owned() };
        let later = "a row without it cannot be updated until it gets one";
        let safety = match unset_probe(known, field) {
            None => Safety::Guarded {
                why: format!("the rows that stand are not looked through for {}", field.names),
                remedy: format!("make sure that it is set wherever its message is, then accept; {later}"),
            },
            Some(probe) => match self.ask(&probe)? {
                answer if answer.count == 0 => Safety::Safe,
                answer => Safety::Guarded {
                    why: format!("{} is unset in {}", field.names, name_rows(known.resource, &answer)),
                    remedy: format!("set it there first, or accept; {later}"),
                },
            },
        };
        self.field_step(known, field, change, safety, Vec::new(), None);
        Ok(())
    }
}

/// What the rows that stand get in a new required field, or why they can get nothing.
pub(super) fn fill_of(default: Option<&Program>) -> Result<Literal, String> {
    match default.map(|program| &program.root) {
        None => Err("the field is REQUIRED and the rows that stand would have no value".to_owned()),
        Some(Expr::Now { offset_us: 0 }) => Ok(Literal::Now),
        Some(Expr::Literal(value)) if *value != Value::Null => {
            Literal::from_value(value).ok_or_else(|| "the default is null".to_owned())
        }
        Some(_) => {
            Err("the field is REQUIRED, and its default depends on the caller, whom the rows that stand do not have"
                .to_owned())
        }
    }
}

/// Asks where a field of the resource itself is unset; nothing for a field inside a message, which may be unset as a whole.
fn unset_probe(known: &Standing<'_>, field: &FieldNow<'_>) -> Option<Probe> {
    if field.path.0.len() > 1 {
        return None;
    }
    let index = *field.model.columns.first()?;
    let id = ColumnId::of(known.resource.layout.columns.get(index)?, index);
    let (table, keys) = (known.was.table.clone(), known.key_names());
    let Some(column) = known.was.columns.get(&id) else {
        let (column, kind, nullable) = former_column(known, &field.path)?;
        return Some(Probe::Unset { table, keys, column, zero: (!nullable).then_some(kind) });
    };
    let zero = (!column.nullable).then_some(column.ty);
    let is_presence = matches!(id, ColumnId::Field(_, Part::Presence));
    let zero = if is_presence { Some(Kind::Bool) } else { zero };
    Some(Probe::Unset { table, keys, column: column.name.clone(), zero })
}
