//! What becomes of rows that are deleted, and which rows those are.

use mainstay_contract::Resource;
use mainstay_sql::Probe;

use super::planner::{Planner, Standing, name_rows};
use super::{Change, PlanError, Safety};
use crate::terms::KeptTerms;
use crate::{Answer, ColumnId, Part};

/// The field that says when a deleted row will be gone.
const EXPIRE_TIME: &str = "expire_time";

/// Something that a yes is asked for.
struct Doubt {
    why: String,
    remedy: String,
}

impl<'a> Planner<'a> {
    /// Compares which rows are deleted, and how long they are kept. A row is deleted where one column is set: with another
    /// column, others are.
    pub(super) fn kept(
        &mut self,
        known: &Standing<'a>,
        was: Option<&KeptTerms>,
        now: Option<&KeptTerms>,
    ) -> Result<(), PlanError> {
        let mut doubts = Vec::new();
        if was.map(|kept| &kept.column) != now.map(|kept| &kept.column) {
            if let Some(was) = was {
                doubts.extend(self.back(known, was, now.is_some())?);
            }
            if let Some(now) = now {
                doubts.extend(self.gone(known, now)?);
            }
        }
        doubts.extend(self.foretold(known, was)?);
        if was == now && doubts.is_empty() {
            return Ok(());
        }
        let sooner = was.zip(now).filter(|(was, now)| goes_sooner(was, now)).map(|_| Doubt {
            why: "rows that are deleted already are gone sooner than was said; those whose time is over go at once"
                .to_owned(),
            remedy: "undelete what is still needed, then accept".to_owned(),
        });
        let safety = match (doubts.is_empty(), sooner) {
            (true, None) => Safety::Safe,
            (true, Some(Doubt { why, remedy })) => Safety::Reviewed { why, remedy },
            (false, sooner) => {
                doubts.extend(sooner);
                let (whys, remedies): (Vec<String>, Vec<String>) =
                    doubts.into_iter().map(|doubt| (doubt.why, doubt.remedy)).unzip();
                Safety::Guarded { why: whys.join("; and "), remedy: remedies.join("; ") }
            }
        };
        let change = change(known, was, now);
        self.resource_step(known, change, safety, None);
        Ok(())
    }

    /// What was deleted and kept is deleted no more: it is there again.
    fn back(&self, known: &Standing<'a>, was: &KeptTerms, moved: bool) -> Result<Option<Doubt>, PlanError> {
        let remedy = match (moved, was.column.field()) {
            (true, Some(path)) => format!("keep delete_time at number {path}, or accept that they are back"),
            _ => "keep soft_delete until they are purged, or accept that they are back".to_owned(),
        };
        Ok(self.set(known, &was.column)?.map(|deleted| {
            let rows = name_rows(known.resource, &deleted);
            let above = self.above(known.resource);
            let above = match above[..] {
                [] => String::new(),
                _ => format!("; one whose {} is deleted is there all the same", above.join(" or ")),
            };
            Doubt { why: format!("rows that were deleted are there again for everybody: {rows}{above}"), remedy }
        }))
    }

    /// What has a value where the time of deletion is to stand is deleted from now on.
    fn gone(&self, known: &Standing<'a>, now: &KeptTerms) -> Result<Option<Doubt>, PlanError> {
        let Some(set) = self.set(known, &now.column)? else { return Ok(None) };
        let rows = name_rows(known.resource, &set);
        let kept = now.purge_after_us.map_or_else(String::new, |after| {
            format!(", and gone for good {} after the time that stands there", duration(after))
        });
        let rest =
            if self.has_dependents(known.resource) { "; what lies below them or refers to them stays" } else { "" };
        Ok(Some(Doubt {
            why: format!("rows that have a value in delete_time are deleted from now on{kept}: {rows}{rest}"),
            remedy:
                "give delete_time a number of its own, or unset the field in the rows first, or accept that they are \
                     deleted"
                    .to_owned(),
        }))
    }

    /// What has a value where the end of a deleted row's time is to stand says something that is not so.
    fn foretold(&self, known: &Standing<'a>, was: Option<&KeptTerms>) -> Result<Option<Doubt>, PlanError> {
        let Some(column) = expires(known.resource).filter(|now| expired(known, was).as_ref() != Some(now)) else {
            return Ok(None);
        };
        Ok(self.set(known, &column)?.map(|set| Doubt {
            why: format!(
                "{EXPIRE_TIME} has a value already, and says from now on when a deleted row will be gone: {}",
                name_rows(known.resource, &set)
            ),
            remedy: format!(
                "give {EXPIRE_TIME} a number of its own, or accept that a deletion overwrites what stands there"
            ),
        }))
    }

    /// The rows that have a value in a column that stands; nothing where there are none.
    fn set(&self, known: &Standing<'a>, column: &ColumnId) -> Result<Option<Answer>, PlanError> {
        let Some(column) = known.was.columns.get(column) else { return Ok(None) };
        let (table, keys) = (known.was.table.clone(), known.key_names());
        let set = self.ask(&Probe::Set { table, keys, column: column.name.clone() })?;
        Ok((set.count > 0).then_some(set))
    }

    /// What rows of this resource lie below or refer to and may be deleted and kept.
    fn above(&self, resource: &Resource) -> Vec<&'a str> {
        let others = resource.parent.into_iter().chain(resource.references.iter().map(|reference| reference.resource));
        let mut found: Vec<&str> = Vec::new();
        for other in others.filter_map(|index| self.contract.resources.get(index)) {
            let is_new = other.type_name != resource.type_name && !found.contains(&other.singular.as_str());
            if is_new && other.soft_delete.is_some() {
                found.push(&other.singular);
            }
        }
        found
    }

    /// Says whether rows of another resource lie below rows of this one or refer to them.
    fn has_dependents(&self, resource: &Resource) -> bool {
        let is_it =
            |index: usize| self.contract.resources.get(index).is_some_and(|own| own.message == resource.message);
        let mut others = self.contract.resources.iter().filter(|other| other.message != resource.message);
        others.any(|other| {
            other.parent.is_some_and(is_it) || other.references.iter().any(|reference| is_it(reference.resource))
        })
    }
}

/// The column that says when a deleted row will be gone.
fn expires(resource: &Resource) -> Option<ColumnId> {
    let index = resource.soft_delete?.expire_time?;
    Some(ColumnId::of(resource.layout.columns.get(index)?, index))
}

/// The one that said so until now.
fn expired(known: &Standing<'_>, was: Option<&KeptTerms>) -> Option<ColumnId> {
    was?;
    let mut fields = known.was.fields.iter();
    let (path, _) = fields.find(|(path, field)| path.0.len() == 1 && field.name == EXPIRE_TIME && !field.hidden)?;
    Some(ColumnId::Field(path.clone(), Part::Value))
}

/// The change in words; by the numbers of the fields where nothing else tells the two apart.
fn change(known: &Standing<'_>, was: Option<&KeptTerms>, now: Option<&KeptTerms>) -> Change {
    let (mut from, mut to) = (words(was), words(now));
    if from == to {
        from += &numbers(was, expired(known, was));
        to += &numbers(now, expires(known.resource));
    }
    Change::ChangeDeletion { from, to }
}

/// ` (delete_time = 3, expire_time = 4)`
fn numbers(kept: Option<&KeptTerms>, expires: Option<ColumnId>) -> String {
    let deleted = kept.map(|kept| format!("delete_time = {}", kept.column));
    let expires = expires.map(|column| format!("{EXPIRE_TIME} = {column}"));
    let both: Vec<String> = deleted.into_iter().chain(expires).collect();
    format!(" ({})", both.join(", "))
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
