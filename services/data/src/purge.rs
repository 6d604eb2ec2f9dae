//! Forgets what has expired, away from the writes and a bounded number at a time: remembered answers, and rows that were
//! deleted and kept.

use std::sync::Arc;

use mainstay_db::{Atomic, Lane, Rows};
use mainstay_identity::Principal;
use mainstay_record::Value;

use crate::domain::context::{Context, Operation};
use crate::domain::{purge, transact};
use crate::error::{Error, Result};
use crate::plans::{Due, Snapshot};
use crate::rights::Caller;
use crate::service::Resources;
use crate::store::answers::Purged;

/// The most answers that one statement forgets and the most rows that one look finds, so that neither holds up others.
pub const BATCH: usize = 500;

/// Forgets everything that has expired at `now`, batch after batch. Returns how many answers that were.
pub async fn answers(cx: &Context, now: i64) -> std::result::Result<usize, mainstay_db::Error> {
    let mut forgotten = 0;
    loop {
        let answers = Arc::clone(&cx.answers);
        let batch = cx.db.write(Atomic::Locked, move |conn| {
            let answers = Arc::clone(&answers);
            Box::pin(async move { answers.purge(conn, now, BATCH).await })
        });
        let Purged { forgotten: some, more } = batch.await?;
        forgotten += some;
        if !more {
            return Ok(forgotten);
        }
    }
}

/// Removes the rows that were deleted and kept, and whose time is over (AIP-164). One that others live under or refer to
/// waits for them. Returns how many rows went.
pub async fn rows(resources: &Resources) -> Result<usize> {
    let snapshot = resources.served.load();
    let mut gone = 0;
    for (resource, plan) in snapshot.resources().iter().enumerate() {
        if let Some(due) = plan.due() {
            gone += rows_of(resources, &snapshot, resource, due).await?;
        }
    }
    Ok(gone)
}

/// Finds at most so many rows whose time has come, behind the one that was found last.
pub async fn find(
    cx: &Context,
    op: &Operation,
    due: &Due,
    (last, most): (Option<Vec<Value>>, usize),
) -> Result<Vec<Vec<Value>>> {
    let statement = if last.is_some() { &due.next } else { &due.first };
    let limit = Value::Int(i64::try_from(most).unwrap_or(i64::MAX));
    let params = std::iter::once(limit).chain(last.into_iter().flatten()).collect();
    let binds = statement.taken(&op.caller, params);
    Ok(cx.db.fetch(Lane::Heavy, &statement.statement, binds, Rows::of(&due.kinds)).await?.rows)
}

/// Goes through the rows of one resource, those behind a row that waits included.
async fn rows_of(resources: &Resources, snapshot: &Arc<Snapshot>, resource: usize, due: &Due) -> Result<usize> {
    let (cx, mut gone, mut last) = (&resources.context, 0, None::<Vec<Value>>);
    loop {
        let caller = Caller::without_roles(Principal::system(), resources.clock.now_micros());
        let op = Operation::unasked(snapshot, resource, caller);
        let found = find(cx, &op, due, (last, BATCH)).await?;
        let ends = found.len() < BATCH;
        last = found.last().cloned();
        for mut row in found {
            let key = row.split_off(1);
            let within = op.within_organisation_of(&key);
            match transact::run(cx, purge::read(within, key, row.remove(0))).await {
                Ok(_) => gone += 1,
                // It waits, or somebody was faster.
                Err(Error::StillReferenced { .. } | Error::Denied(_) | Error::EtagMismatch) => {}
                Err(error) => return Err(error),
            }
        }
        if ends {
            return Ok(gone);
        }
    }
}
