//! Runs plans.

use std::sync::Arc;
use std::time::Duration;

use mainstay_contract::Contract;
use mainstay_db::{Conn, Database, Error, failpoint};
use mainstay_ledger::{Answers, Ledger, Plan, Stage, probes};
use mainstay_sql::schema_sql;

use super::ledger::ledger_of;
use super::{ApplyError, dialect, facts, migrations, remade};
use crate::store::contracts::{self, Applied, ReadError};

/// What an apply came to.
#[derive(Debug, Clone)]
pub struct Made {
    /// What is stored now.
    pub applied: Applied,
    /// What was done, or is being done: steps outside the transaction may be left, see [`finish`].
    pub plan: Plan,
    /// Whether there was anything to do.
    pub changed: bool,
}

/// How often a plan is made again where the schema changed while it counted, or where a table is in use.
const MAX_ATTEMPTS: u32 = 5;

/// The pause before a table is asked for again that is in use: who waited behind the last attempt comes first.
const LET_OTHERS_PASS: Duration = Duration::from_secs(1);

/// How long what was removed from a contract stays, hidden, before a purge drops it: 30 days, in microseconds.
pub const PURGE_AFTER_MICROS: i64 = 30 * 24 * 60 * 60 * 1_000_000;

/// Plans a contract without changing anything, in a snapshot that holds up nobody.
pub async fn plan(db: &Database, contract: Arc<Contract>) -> Result<Plan, ApplyError> {
    plan_with(db, contract, None).await
}

/// The same; `purge` is the time at which what has been hidden for long enough is to go, too.
pub async fn plan_with(db: &Database, contract: Arc<Contract>, purge: Option<i64>) -> Result<Plan, ApplyError> {
    let mut attempt = 1;
    loop {
        let contract = Arc::clone(&contract);
        let planned = db.snapshot(move |conn| {
            let contract = Arc::clone(&contract);
            Box::pin(async move {
                let before = contracts::newest(conn).await?;
                make_plan(conn, &ledger_of(before.as_ref()), &contract, purge).await
            })
        });
        match planned.await {
            Err(ApplyError::Read(ReadError::Storage(Error::StaleSchema(_)))) if attempt < MAX_ATTEMPTS => attempt += 1,
            planned => return planned,
        }
    }
}

/// Plans a contract for a store that is not there yet.
pub fn first_plan(contract: &Contract) -> Result<Plan, ApplyError> {
    Ok(mainstay_ledger::plan(&Ledger::empty(), contract, &Answers::default())?)
}

/// What an apply may do.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Insists on the plan that was reviewed.
    pub plan_hash: Option<String>,
    /// The steps that may run although they wait.
    pub accepted: Vec<String>,
    /// Drops what has been hidden for [`PURGE_AFTER_MICROS`], too.
    pub purge: bool,
    /// Only where this revision is still the newest: the contract was put together from it.
    pub only_after: Option<i64>,
    pub stage: Stage,
}

impl Consent {
    /// Whatever the plan is, as far as nothing waits.
    pub fn to_nothing(stage: Stage) -> Consent {
        Consent { plan_hash: None, accepted: Vec::new(), purge: false, only_after: None, stage }
    }
}

/// Plans a contract and runs everything that one transaction can hold. `now` in microseconds since 1970 UTC.
///
/// Where a transaction of others holds a table, it does not wait inside the database, where everybody would wait behind it: it
/// lets the others pass and tries again, for some seconds.
pub async fn apply(db: &Database, contract: Arc<Contract>, consent: Consent, now: i64) -> Result<Made, ApplyError> {
    if let Some(made) = nothing_to_run(db, &contract, &consent, now).await? {
        return Ok(made);
    }
    let mut attempt = 1;
    loop {
        match apply_once(db, Arc::clone(&contract), consent.clone(), now).await {
            Err(ApplyError::Read(ReadError::Storage(Error::InUse { .. }))) if attempt < MAX_ATTEMPTS => attempt += 1,
            made => return made,
        }
        tokio::time::sleep(LET_OTHERS_PASS).await;
    }
}

/// A contract that is applied already needs no lock, and breaks off nobody's index.
async fn nothing_to_run(
    db: &Database,
    contract: &Arc<Contract>,
    consent: &Consent,
    now: i64,
) -> Result<Option<Made>, ApplyError> {
    let (contract, consent) = (Arc::clone(contract), consent.clone());
    let found = db.snapshot(move |conn| {
        let (contract, consent) = (Arc::clone(&contract), consent.clone());
        Box::pin(async move {
            match contracts::newest(conn).await? {
                Some(applied) if applied.is(&contract) => {
                    let (before, plan) = decide(conn, Some(applied), &contract, &consent, now).await?;
                    let made = before.filter(|_| plan.inside().is_empty());
                    let made = made.filter(|applied| applied.ledger == ledger_after(&plan, now));
                    Ok(made.map(|applied| Made { applied, changed: !plan.is_empty(), plan }))
                }
                _ => Ok(None),
            }
        })
    });
    match found.await {
        // What is wrong is said under the lock, where it cannot be of a moment.
        Err(ApplyError::Read(ReadError::Storage(Error::StaleSchema(_)))) => Ok(None),
        found => found,
    }
}

async fn apply_once(db: &Database, contract: Arc<Contract>, consent: Consent, now: i64) -> Result<Made, ApplyError> {
    db.exclusive(move |conn| {
        Box::pin(async move {
            let before = contracts::newest(conn).await?;
            let (before, plan) = decide(conn, before, &contract, &consent, now).await?;
            transaction(conn, before, plan, &contract, now).await
        })
    })
    .await
}

/// Makes the plan, and says whether it may run.
async fn decide(
    conn: &mut Conn<'_>,
    before: Option<Applied>,
    contract: &Contract,
    consent: &Consent,
    now: i64,
) -> Result<(Option<Applied>, Plan), ApplyError> {
    let newest = before.as_ref().map(|applied| applied.revision);
    if consent.only_after.is_some() && consent.only_after != newest {
        return Err(ApplyError::Overtaken);
    }
    let purge = consent.purge.then_some(now);
    let plan = make_plan(conn, &ledger_of(before.as_ref()), contract, purge).await?;
    if consent.plan_hash.as_ref().is_some_and(|wanted| *wanted != plan.hash()) {
        return Err(ApplyError::AnotherPlan(Box::new(plan)));
    }
    let unknown = plan.unknown(&consent.accepted);
    // Whoever applies once more what is applied says yes to what is done.
    let is_done = |id: &&str| before.as_ref().is_some_and(|applied| applied.is(contract)) && plan.could_be_step(id);
    let unknown: Vec<String> = unknown.into_iter().filter(|id| !is_done(id)).map(str::to_owned).collect();
    if !unknown.is_empty() {
        return Err(ApplyError::UnknownSteps { unknown, plan: Box::new(plan) });
    }
    if !plan.is_ready(&consent.accepted, consent.stage) {
        return Err(ApplyError::Refused(Box::new(plan)));
    }
    Ok((before, plan))
}

/// The ledger when the transaction of a plan is done.
fn ledger_after(plan: &Plan, now: i64) -> Ledger {
    let mut ledger = plan.transaction.clone();
    ledger.hidden_at(now);
    ledger
}

/// Runs the steps that a transaction cannot hold, one at a time, and notes each. Safe to call again after a crash, and by
/// two processes at once. Nobody waits for it: whoever applies a contract breaks it off.
///
/// The data migrations follow, each transaction of theirs like any other write.
pub async fn finish(db: &Database, contract: Arc<Contract>) -> Result<usize, ApplyError> {
    let built = build(db, Arc::clone(&contract)).await?;
    Ok(built + migrations::run(db, &contract).await?)
}

async fn build(db: &Database, contract: Arc<Contract>) -> Result<usize, ApplyError> {
    db.build(move |conn| {
        Box::pin(async move {
            let Some(applied) = contracts::newest(conn).await? else { return Ok(0) };
            if !applied.is(&contract) {
                return Ok(0);
            }
            let mut ledger = ledger_of(Some(&applied)).into_owned();
            let plan = make_plan(conn, &ledger, &contract, None).await?;
            let mut done = 0;
            let dialect = dialect(conn.engine());
            for step in plan.outside().filter(|step| !step.is_migration()).collect::<Vec<_>>() {
                failpoint!(&format!("apply.outside.{done}.before"));
                for sql in step.schema.iter().flat_map(|schema| schema_sql(dialect, schema)).collect::<Vec<_>>() {
                    conn.batch(&sql).await?;
                }
                failpoint!(&format!("apply.outside.{done}.made"));
                ledger = ledger.after(step);
                contracts::set_ledger(conn, applied.revision, &ledger).await?;
                done += 1;
            }
            Ok(done)
        })
    })
    .await
}

async fn make_plan(
    conn: &mut Conn<'_>,
    ledger: &Ledger,
    contract: &Contract,
    purge: Option<i64>,
) -> Result<Plan, ApplyError> {
    let answers = facts::answers(conn, probes(ledger, contract)).await?;
    let mut plan = mainstay_ledger::plan(ledger, contract, &answers)?;
    if let Some(now) = purge {
        plan.purge(now.saturating_sub(PURGE_AFTER_MICROS));
    }
    Ok(plan)
}

/// The one transaction: steps, revision and ledger, or nothing of it.
async fn transaction(
    conn: &mut Conn<'_>,
    mut before: Option<Applied>,
    plan: Plan,
    contract: &Contract,
    now: i64,
) -> Result<Made, ApplyError> {
    let ledger = ledger_after(&plan, now);
    let is_same = |applied: &Applied| applied.is(contract) && plan.inside().is_empty();
    if let Some(applied) = before.take_if(|applied| is_same(applied)) {
        // The same contract; perhaps with terms that the ledger did not know yet.
        if applied.ledger != ledger {
            contracts::set_ledger(conn, applied.revision, &ledger).await?;
        }
        let applied = Applied { ledger, ..applied };
        return Ok(Made { applied, changed: !plan.is_empty(), plan });
    }
    failpoint!("apply.begin");
    let steps = plan.inside();
    remade::loosen(conn, &steps).await?;
    conn.begin().await?;
    let mut done = 0;
    for step in &steps {
        remade::run(conn, step, &mut done).await?;
    }
    remade::intact(conn, &steps, &ledger).await?;
    let applied = Applied {
        revision: before.map_or(0, |applied| applied.revision) + 1,
        hash: contract.hash.clone(),
        sources: contract.sources.clone(),
        ledger,
        applied_at: now,
    };
    contracts::insert(conn, &applied).await?;
    failpoint!("apply.commit");
    conn.commit().await?;
    failpoint!("apply.committed");
    Ok(Made { applied, plan, changed: true })
}
