//! Runs plans.

use std::sync::Arc;

use mainstay_contract::Contract;
use mainstay_db::{Conn, Database, failpoint};
use mainstay_ledger::{Ledger, Plan, probes};
use mainstay_sql::schema_sql;

use super::{ApplyError, dialect, facts};
use crate::store::contracts::{self, Applied};

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

/// Plans a contract without changing anything.
pub async fn plan(db: &Database, contract: Arc<Contract>) -> Result<Plan, ApplyError> {
    db.exclusive(move |conn| {
        Box::pin(async move {
            let before = contracts::newest(conn).await?.map(|applied| applied.ledger);
            make_plan(conn, &before.unwrap_or_else(Ledger::empty), &contract).await
        })
    })
    .await
}

/// Plans a contract and runs everything that one transaction can hold. `plan_hash` insists on the plan that was reviewed;
/// `accepted` names guarded steps that may run. `now` in microseconds since 1970 UTC.
pub async fn apply(
    db: &Database,
    contract: Arc<Contract>,
    plan_hash: Option<String>,
    accepted: Vec<String>,
    now: i64,
) -> Result<Made, ApplyError> {
    db.exclusive(move |conn| {
        Box::pin(async move {
            let before = contracts::newest(conn).await?;
            let ledger = before.as_ref().map_or_else(Ledger::empty, |applied| applied.ledger.clone());
            let plan = make_plan(conn, &ledger, &contract).await?;
            if plan_hash.is_some_and(|wanted| wanted != plan.hash()) {
                return Err(ApplyError::AnotherPlan(Box::new(plan)));
            }
            if !plan.is_ready(&accepted) {
                return Err(ApplyError::Refused(Box::new(plan)));
            }
            transaction(conn, before, plan, &contract, now).await
        })
    })
    .await
}

/// Runs the steps that a transaction cannot hold, one at a time, and notes each. Safe to call again after a crash, and by
/// two processes at once.
pub async fn finish(db: &Database, contract: Arc<Contract>) -> Result<usize, ApplyError> {
    db.exclusive(move |conn| {
        Box::pin(async move {
            let Some(applied) = contracts::newest(conn).await? else { return Ok(0) };
            if applied.hash != contract.hash {
                return Ok(0);
            }
            let plan = make_plan(conn, &applied.ledger, &contract).await?;
            let mut ledger = applied.ledger;
            let mut done = 0;
            let dialect = dialect(conn.engine());
            for step in plan.outside().collect::<Vec<_>>() {
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

async fn make_plan(conn: &mut Conn<'_>, ledger: &Ledger, contract: &Contract) -> Result<Plan, ApplyError> {
    let answers = facts::answers(conn, probes(ledger, contract)).await?;
    Ok(mainstay_ledger::plan(ledger, contract, &answers)?)
}

/// The one transaction: steps, revision and ledger, or nothing of it.
async fn transaction(
    conn: &mut Conn<'_>,
    before: Option<Applied>,
    plan: Plan,
    contract: &Contract,
    now: i64,
) -> Result<Made, ApplyError> {
    if let Some(applied) = &before
        && applied.hash == contract.hash
        && plan.inside().is_empty()
    {
        return Ok(Made { applied: applied.clone(), changed: !plan.is_empty(), plan });
    }
    failpoint!("apply.begin");
    conn.begin().await?;
    let dialect = dialect(conn.engine());
    let steps: Vec<String> = plan.inside().into_iter().flat_map(|step| schema_sql(dialect, step)).collect();
    for (index, sql) in steps.iter().enumerate() {
        conn.batch(sql).await?;
        failpoint!(&format!("apply.step.{index}"));
    }
    let applied = Applied {
        revision: before.map_or(0, |applied| applied.revision) + 1,
        hash: contract.hash.clone(),
        sources: contract.sources.clone(),
        ledger: plan.transaction.clone(),
        applied_at: now,
    };
    contracts::insert(conn, &applied).await?;
    failpoint!("apply.commit");
    conn.commit().await?;
    failpoint!("apply.committed");
    Ok(Made { applied, plan, changed: true })
}
