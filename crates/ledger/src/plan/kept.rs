//! What becomes of rows that are deleted.

use mainstay_sql::Probe;

use super::planner::{Planner, Standing, name_rows};
use super::{Change, PlanError, Safety};
use crate::terms::{KeptTerms, ResourceTerms};

impl<'a> Planner<'a> {
    /// Compares how long deleted rows are kept.
    pub(super) fn kept(
        &mut self,
        known: &Standing<'a>,
        was: &ResourceTerms,
        now: &ResourceTerms,
    ) -> Result<(), PlanError> {
        if was.kept == now.kept {
            return Ok(());
        }
        let change = Change::ChangeDeletion { from: words(was.kept.as_ref()), to: words(now.kept.as_ref()) };
        let safety = match (&was.kept, &now.kept) {
            (Some(kept), None) => self.back(known, kept)?,
            (Some(was), Some(now)) if goes_sooner(was, now) => Safety::Reviewed {
                why: "rows that are deleted already are gone sooner than was said; those whose time is over go at once"
                    .to_owned(),
                remedy: "undelete what is still needed, then accept".to_owned(),
            },
            _ => Safety::Safe,
        };
        self.resource_step(known, change, safety, None);
        Ok(())
    }

    /// Deletion removes rows from now on: those that were deleted and kept would be there again.
    fn back(&self, known: &Standing<'a>, kept: &KeptTerms) -> Result<Safety, PlanError> {
        let Some(column) = known.was.columns.get(&kept.column) else { return Ok(Safety::Safe) };
        let deleted = self.ask(&Probe::Set {
            table: known.was.table.clone(),
            keys: known.key_names(),
            column: column.name.clone(),
        })?;
        if deleted.count == 0 {
            return Ok(Safety::Safe);
        }
        Ok(Safety::Guarded {
            why: format!(
                "rows that were deleted are there again for everybody: {}",
                name_rows(known.resource, &deleted)
            ),
            remedy: "keep soft_delete until they are purged, or accept that they are back".to_owned(),
        })
    }
}

fn goes_sooner(was: &KeptTerms, now: &KeptTerms) -> bool {
    match (was.purge_after_us, now.purge_after_us) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(was), Some(now)) => now < was,
    }
}

fn words(kept: Option<&KeptTerms>) -> String {
    match kept {
        None => "removed at once".to_owned(),
        Some(KeptTerms { purge_after_us: None, .. }) => "kept".to_owned(),
        Some(KeptTerms { purge_after_us: Some(after), .. }) => format!("kept for {}", duration(*after)),
    }
}

/// A duration in the largest unit that it has whole: `720h`, `90s`.
fn duration(micros: i64) -> String {
    const UNITS: [(i64, &str); 5] =
        [(3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms"), (1, "us")];
    let whole = UNITS.into_iter().find(|(unit, _)| micros % unit == 0);
    whole.map_or_else(String::new, |(unit, name)| format!("{}{name}", micros / unit))
}
