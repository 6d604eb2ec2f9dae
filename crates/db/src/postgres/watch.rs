//! Looks after connections that are in use.
//!
//! A network that loses packets, or something in it that stops forwarding, closes no connection: whoever waits for an answer
//! waits as long as he may, and holds the place of others. Nor does silence say that something is wrong: queries may take
//! long. Therefore the server is asked, over another connection, what it works on. An answer that it does not work on, and
//! that has not come, never will.

use std::sync::{Arc, Weak};
use std::time::Duration;

use diesel::dsl::sql;
use diesel::sql_types::{Array, Integer};
use diesel_async::RunQueryDsl;
use tokio::time::timeout;

use super::link::Link;
use super::links::Links;
use super::pulse::Pulse;

/// How often the connections are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long an answer may take before it is asked for what becomes of it.
const SILENT: Duration = Duration::from_secs(2);

/// How long the server may take to answer that.
const ANSWER: Duration = Duration::from_secs(2);

/// A connection that may be lost, and since when it owes an answer; nothing where it owes many.
type Suspect = (Arc<Pulse>, Option<u64>);

/// Looks after a store's connections until it is closed or dropped.
pub(super) async fn look_after(links: Weak<Links>) {
    let mut beside = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(links) = links.upgrade().filter(|links| !links.is_closed()) else { return };
        let suspects = suspects(&links).await;
        if suspects.is_empty() {
            beside = None;
            continue;
        }
        beside = judge(&links, suspects, beside).await;
    }
}

async fn suspects(links: &Links) -> Vec<Suspect> {
    let lent = links.target.watched();
    let lent = lent.into_iter().filter_map(|pulse| pulse.silent_for(SILENT).map(|since| (pulse, Some(since))));
    let mut suspects: Vec<Suspect> = lent.collect();
    // Many reads are under way on these, one after the other: a question behind them is answered if they are.
    suspects.extend(links.pipelines.silent(SILENT).await.into_iter().map(|pulse| (pulse, None)));
    suspects
}

/// Ends those that the server does not work for. Hands back the connection that it was asked over.
async fn judge(links: &Links, suspects: Vec<Suspect>, beside: Option<Link>) -> Option<Link> {
    let mut link = match beside {
        Some(link) => link,
        None => timeout(ANSWER, links.target.connect_unlimited()).await.ok()?.ok()?,
    };
    let pids = suspects.iter().map(|(pulse, _)| pulse.pid().to_string()).collect::<Vec<_>>().join(",");
    let working: Vec<i32> = timeout(ANSWER, working(&mut link, &pids)).await.ok()?.ok()?;
    let lost = suspects.iter().filter(|(pulse, since)| {
        !working.contains(&pulse.pid()) && since.is_none_or(|since| pulse.still_waits_since(since))
    });
    let ended = lost.map(|(pulse, _)| pulse.end()).count();
    if ended > 0 {
        tracing::warn!(connections = ended, "connections to PostgreSQL are silent: all are made anew");
        links.refresh();
    }
    Some(link)
}

/// Which of these processes work on something. One that cannot get rid of its answer does not.
async fn working(link: &mut Link, pids: &str) -> diesel::QueryResult<Vec<i32>> {
    let found = format!(
        "COALESCE((SELECT array_agg(pid) FROM pg_stat_activity WHERE pid IN ({pids}) AND state = 'active' \
         AND wait_event_type IS DISTINCT FROM 'Client'), ARRAY[]::int4[])"
    );
    RunQueryDsl::get_result(diesel::select(sql::<Array<Integer>>(&found)), &mut **link).await
}
