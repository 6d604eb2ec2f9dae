//! Gives events their places, notes where the chain begins and ends, and removes what is old.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use mainstay_db::{Atomic, Conn, Lane};

use super::chain::{ChainKey, Hash, NOTHING};
use crate::core::Core;
use crate::error::Error;
use crate::store::DamagedRow;
use crate::store::audit::{self, EndRow, FIRST, LAST};

/// How many events get their places, or are removed, in one transaction.
const AT_ONCE: i64 = 200;

/// Stores the wrong passwords that wait to be noted. What cannot be stored waits on.
pub(crate) async fn store_failures(core: &Core) -> Result<(), Error> {
    let events = core.failures.take();
    if events.is_empty() {
        return Ok(());
    }
    let rows = events.clone();
    let stored = core.database.write(Atomic::Tentative, move |conn| {
        let rows = rows.clone();
        Box::pin(async move {
            for event in &rows {
                audit::insert(conn, event).await?;
            }
            Ok::<_, Error>(())
        })
    });
    stored.await.inspect_err(|_| core.failures.put_back(events))
}

/// Gives every event a place that has none. One replica does so at a time.
pub(crate) async fn give_places(core: &Core) -> Result<(), Error> {
    loop {
        let key = Arc::clone(&core.chain_key);
        let given = core.database.write(Atomic::Transaction, move |conn| {
            let key = Arc::clone(&key);
            Box::pin(async move { give(conn, &key).await })
        });
        if given.await? < AT_ONCE {
            return Ok(());
        }
    }
}

async fn give(conn: &mut Conn<'_>, key: &ChainKey) -> Result<i64, Error> {
    let (mut sequence, mut hash) = end_of(conn, key).await?;
    let waiting = audit::waiting(conn, AT_ONCE).await?;
    for event in &waiting {
        sequence += 1;
        hash = key.link(&hash, sequence, event);
        audit::give_place(conn, &event.uid, sequence, &hash).await?;
    }
    if !waiting.is_empty() {
        put_end(conn, key, LAST, sequence, &hash).await?;
    }
    Ok(i64::try_from(waiting.len()).unwrap_or(AT_ONCE))
}

/// Where the chain ends: the place and the hash there.
async fn end_of(conn: &mut Conn<'_>, key: &ChainKey) -> Result<(i64, Hash), Error> {
    match audit::end(conn, LAST).await? {
        None => Ok((0, NOTHING)),
        // On an end that somebody has changed nothing is built: it would then look like one of ours.
        Some(end) if !key.is_sealed(&end) => Err(DamagedRow { table: "audit_ends", column: "seal" }.into()),
        Some(end) => Ok((end.sequence, hash_of(&end.hash)?)),
    }
}

async fn put_end(conn: &mut Conn<'_>, key: &ChainKey, which: &str, sequence: i64, hash: &[u8]) -> Result<(), Error> {
    let seal = key.seal(which, sequence, hash).to_vec();
    let row = EndRow { which: which.to_owned(), sequence, hash: hash.to_vec(), seal };
    Ok(audit::put_end(conn, &row).await?)
}

/// Removes the events from the beginning of the chain that are older than `before`, and notes where it begins then.
pub(crate) async fn remove_old(core: &Core, before: i64) -> Result<(), Error> {
    loop {
        let key = Arc::clone(&core.chain_key);
        let removed = core.database.write(Atomic::Transaction, move |conn| {
            let key = Arc::clone(&key);
            Box::pin(async move {
                let first = audit::first_events(conn, AT_ONCE).await?;
                let old: Vec<_> = first.iter().take_while(|event| event.event_time < before).collect();
                let Some(last) = old.last() else { return Ok(0) };
                if let (Some(sequence), Some(hash)) = (last.sequence, &last.hash) {
                    put_end(conn, &key, FIRST, sequence, hash).await?;
                    audit::remove_up_to(conn, sequence).await?;
                }
                Ok::<_, Error>(old.len())
            })
        });
        if removed.await? < usize::try_from(AT_ONCE).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

/// Writes where the chain ends into the process's log, which whoever can write the database cannot change.
pub(crate) async fn note_the_end(core: &Core) -> Result<(), Error> {
    let read =
        core.database.read(Lane::Inline, |conn| Box::pin(async move { Ok::<_, Error>(audit::end(conn, LAST).await?) }));
    if let Some(EndRow { sequence, hash, .. }) = read.await? {
        let hash = HEXLOWER.encode(&hash);
        tracing::info!(sequence, hash, "the audit log ends here; mainstay audit verify --known {sequence}:{hash}");
    }
    Ok(())
}

pub(super) fn hash_of(stored: &[u8]) -> Result<Hash, DamagedRow> {
    stored.try_into().map_err(|_| DamagedRow { table: "audit_events", column: "hash" })
}
