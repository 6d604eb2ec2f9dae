//! Erases what is personal in one row, and in what is kept beside it.
//!
//! A row that the store does not take whatever is put into it stays as it was and is counted: nothing behind it waits for it.

use std::sync::Arc;

use mainstay_db::{Atomic, Lane};
use mainstay_record::Value;

use super::place::Place;
use super::scrub::{Attempt, Scrubber};
use crate::domain::context::{Context, Operation, one_row};
use crate::domain::{erase, transact};
use crate::error::{Error, Result};
use crate::rights::Denial;
use crate::store::transitions::{self, Passage};

/// How many other pseudonyms are tried where another row has the same.
const ATTEMPTS: u32 = 16;

/// How many transitions of a row are looked at together.
const PASSAGES: usize = 200;

/// What became of a row.
#[derive(Debug)]
pub struct Erased {
    pub places: Vec<Place>,
    pub changed: bool,
    pub transitions: i64,
    /// The store took nothing that it could become: it is as it was.
    pub is_unfit: bool,
}

/// Erases what is personal in the row with this key, or only says what would be. Nothing where the row has gone meanwhile.
pub async fn erase(
    cx: &Context,
    op: &Operation,
    scrubber: &Arc<Scrubber>,
    (key, validate_only): (Vec<Value>, bool),
) -> Result<Option<Erased>> {
    let op = op.within_organisation_of(&key);
    let Some(old) = find(cx, &op, &key).await? else { return Ok(None) };
    if !scrubber.has_work() {
        return Ok(Some(Erased { places: Vec::new(), changed: false, transitions: 0, is_unfit: false }));
    }
    let Some(erased) = erase_row(cx, &op, scrubber, (&key, &old, validate_only)).await? else { return Ok(None) };
    // Afterwards, so that what was given with a transition until the row was erased is among it.
    let transitions = scrub_passages(cx, &op, scrubber, (&key, validate_only)).await?;
    Ok(Some(Erased { transitions, ..erased }))
}

async fn erase_row(
    cx: &Context,
    op: &Operation,
    scrubber: &Arc<Scrubber>,
    (key, old, validate_only): (&[Value], &[Value], bool),
) -> Result<Option<Erased>> {
    for attempt in (0..ATTEMPTS).map(Attempt::Number).chain([Attempt::Bare]) {
        let scrubbed = match scrubber.row(op.plan(), old, op.caller.now, attempt) {
            Err(error) if is_refused(&error) => continue,
            other => other?,
        };
        let changed = scrubbed.row != old;
        let erased = Erased { places: scrubbed.places, changed, transitions: 0, is_unfit: false };
        if !changed || validate_only {
            return Ok(Some(erased));
        }
        let (scrubber, plan, now) = (Arc::clone(scrubber), Arc::clone(op.plan()), op.caller.now);
        // The row may be another by then.
        let becomes = Arc::new(move |old: &[Value]| Ok(scrubber.row(&plan, old, now, attempt)?.row));
        match transact::run(cx, erase::read(op.clone(), key.to_vec(), becomes)).await {
            Ok(_) => return Ok(Some(erased)),
            Err(Error::Denied(Denial::NotFound)) => return Ok(None),
            Err(error) if is_refused(&error) => {}
            Err(error) => return Err(error),
        }
    }
    tracing::warn!(resource = %op.plan().resource.type_name, "a row of a person could not be erased");
    Ok(Some(Erased { places: Vec::new(), changed: false, transitions: 0, is_unfit: true }))
}

/// Whether the row itself is in the way: another row has the same, it names what is not there, or it is too large.
fn is_refused(error: &Error) -> bool {
    matches!(
        error,
        Error::Unique { .. } | Error::Dangling { .. } | Error::ReferenceNotFound { .. } | Error::Violations(_)
    )
}

/// Finds a row, whoever may read it.
async fn find(cx: &Context, op: &Operation, key: &[Value]) -> Result<Option<Vec<Value>>> {
    let asked = Arc::new((Arc::clone(op.plan()), key.to_vec()));
    let found = cx.db.read(Lane::Heavy, move |conn| {
        let asked = Arc::clone(&asked);
        Box::pin(async move {
            let (plan, key) = &*asked;
            one_row(conn, &plan.whoever().statement, key, plan).await
        })
    });
    found.await
}

/// Leaves out what is personal of what was given with a row's transitions. Says with how many there was something.
async fn scrub_passages(
    cx: &Context,
    op: &Operation,
    scrubber: &Arc<Scrubber>,
    (key, validate_only): (&[Value], bool),
) -> Result<i64> {
    let (mut changed, mut before) = (0, i64::MAX);
    while !op.plan().transitions.is_empty() {
        let whose = transitions::whose(&op.plan().resource.type_name, key);
        let page = passages(cx, &whose, before).await?;
        let mut steps = Vec::new();
        for passage in page.iter().filter(|passage| !passage.inputs.is_empty()) {
            if let Some(inputs) = scrubber.inputs(&passage.inputs)? {
                steps.push(transitions::replace_inputs(whose.clone(), passage.revision, inputs));
            }
        }
        changed += i64::try_from(steps.len()).unwrap_or(i64::MAX);
        if !steps.is_empty() && !validate_only {
            let steps = Arc::new(steps);
            let replaced = cx.db.write(Atomic::Locked, move |conn| {
                let steps = Arc::clone(&steps);
                Box::pin(async move { conn.execute_all(&steps).await.map(drop).map_err(|failed| failed.error) })
            });
            let replaced: std::result::Result<(), mainstay_db::Error> = replaced.await;
            replaced?;
        }
        match page.last().filter(|_| page.len() == PASSAGES) {
            Some(last) => before = last.revision,
            None => break,
        }
    }
    Ok(changed)
}

async fn passages(cx: &Context, whose: &[Value; 2], before: i64) -> Result<Vec<Passage>> {
    let whose = whose.clone();
    let found = cx.db.read(Lane::Heavy, move |conn| {
        let whose = whose.clone();
        Box::pin(async move { transitions::list(conn, whose, before, PASSAGES).await })
    });
    Ok(found.await?)
}
