//! Transitions that happen by themselves, at the moment that their rows say (`at`).

mod patience;

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use mainstay_identity::Principal;
use mainstay_record::Value;

use crate::domain::context::{Context, Operation};
use crate::domain::{transact, transition};
use crate::error::{Error, Result};
use crate::plans::{Due, Snapshot};
use crate::purge::{BATCH, find};
use crate::rights::Caller;
use crate::service::Resources;

use patience::Stuck;
pub use patience::{LONGEST, Patience};

/// How many rows are on their way at a time: writes that arrive together are stored together.
const AT_ONCE: usize = 16;

/// What became of rows whose moment had come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    pub moved: usize,
    /// Those that stay for now: a guard, an effect or a constraint does not let them go. They are tried again.
    pub waiting: usize,
}

/// A transition by the clock.
struct Timed<'s> {
    resource: usize,
    which: u16,
    due: &'s Due,
}

/// Says whether there is a row whose moment has come, and that is not left alone for now.
pub async fn is_due(resources: &Resources, patience: &Patience) -> Result<bool> {
    let snapshot = resources.served.load();
    for timed in timed(&snapshot) {
        let op = Operation::unasked(&snapshot, timed.resource, the_clock(resources));
        // Where rows stay, those behind them are looked for.
        let (mut last, mut limit) = (None, 1);
        loop {
            let found = find(&resources.context, &op, timed.due, (last, limit)).await?;
            if found.iter().any(|key| !patience.waits(&timed.row(&op, key), op.caller.now)) {
                return Ok(true);
            }
            if found.len() < limit {
                break;
            }
            (last, limit) = (found.last().cloned(), BATCH);
        }
    }
    Ok(false)
}

/// Takes all rows along whose moment has come. Whoever is faster, another replica or a caller, wins: a row goes once. One that
/// did not go is left alone for a while, longer each time, and [`LONGEST`] at most.
pub async fn transitions(resources: &Resources, patience: &mut Patience) -> Result<Passed> {
    let snapshot = resources.served.load();
    let mut passed = Passed::default();
    for timed in timed(&snapshot) {
        rows_of(resources, &snapshot, &timed, (&mut passed, patience)).await?;
    }
    patience.end_round();
    Ok(passed)
}

impl Timed<'_> {
    /// One of its rows, by names that it keeps under another contract.
    fn row(&self, op: &Operation, key: &[Value]) -> Stuck {
        let resource = &op.plan().resource;
        let transition = resource.transitions.get(usize::from(self.which)).map_or("", |own| &own.name);
        let organisation = op.organisation_of(key).map(str::to_owned);
        Stuck {
            resource: resource.type_name.clone(),
            transition: transition.to_owned(),
            organisation,
            name: op.plan().name(key),
        }
    }
}

/// Who takes rows along: nobody who could be asked for a rule.
fn the_clock(resources: &Resources) -> Caller {
    Caller::without_roles(Principal::system(), resources.clock.now_micros())
}

fn timed(snapshot: &Snapshot) -> impl Iterator<Item = Timed<'_>> {
    snapshot.resources().iter().enumerate().flat_map(|(resource, plan)| {
        let all = (0u16..).take(plan.transitions.len());
        all.filter_map(move |which| Some(Timed { resource, which, due: plan.due_for(which)? }))
    })
}

/// Goes through the rows of one transition, those behind a row that stays included.
async fn rows_of(
    resources: &Resources,
    snapshot: &Arc<Snapshot>,
    timed: &Timed<'_>,
    (passed, patience): (&mut Passed, &mut Patience),
) -> Result<()> {
    let (cx, mut last) = (&resources.context, None::<Vec<Value>>);
    loop {
        let op = Operation::unasked(snapshot, timed.resource, the_clock(resources));
        let found = find(cx, &op, timed.due, (last, BATCH)).await?;
        let ends = found.len() < BATCH;
        last = found.last().cloned();
        let (left, tried): (Vec<Stuck>, Vec<Stuck>) =
            found.iter().map(|key| timed.row(&op, key)).partition(|row| patience.waits(row, op.caller.now));
        passed.waiting += left.len();
        left.iter().for_each(|row| patience.left(row));
        let all = stream::iter(tried.into_iter().map(|row| along(cx, &op, timed.which, row)));
        let mut done = all.buffer_unordered(AT_ONCE);
        while let Some((row, done)) = done.next().await {
            match done? {
                Went::Along => passed.moved += 1,
                Went::Nowhere => {
                    passed.waiting += 1;
                    patience.refused(row, op.caller.now);
                }
                Went::Before => {}
            }
        }
        if ends {
            return Ok(());
        }
    }
}

/// What became of one row.
enum Went {
    Along,
    Nowhere,
    /// Somebody was faster.
    Before,
}

async fn along(cx: &Context, op: &Operation, which: u16, row: Stuck) -> (Stuck, Result<Went>) {
    // Each row within its own organisation.
    let caller = row.organisation.as_ref().map(|organisation| op.caller.within(organisation));
    let within = caller.map(|caller| Operation { caller, ..op.clone() });
    let went = goes(cx, within.as_ref().unwrap_or(op), which, &row.name).await;
    (row, went)
}

async fn goes(cx: &Context, op: &Operation, which: u16, name: &str) -> Result<Went> {
    match transact::run(cx, transition::by_the_clock(op.clone(), which, name)).await {
        Ok(_) => Ok(Went::Along),
        Err(Error::Denied(_) | Error::EtagMismatch) => Ok(Went::Before),
        // Somebody else is at the row again and again: others behind it are not to wait for that.
        Err(Error::Storage(mainstay_db::Error::Conflict { .. })) => Ok(Went::Nowhere),
        Err(error @ (Error::Storage(_) | Error::StaleSchema(_))) => Err(error),
        Err(error) => {
            let transition = op.plan().resource.transitions.get(usize::from(which)).map_or("", |own| &own.name);
            tracing::debug!(name, transition, %error, "a row stays where it is though its moment has come");
            Ok(Went::Nowhere)
        }
    }
}
