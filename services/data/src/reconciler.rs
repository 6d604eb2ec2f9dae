//! Keeps the served snapshot current: applies contracts, follows the folder in development, and follows the store where
//! other instances may apply too.

use std::sync::Arc;

use mainstay_contract::Contract;
use mainstay_db::{Database, Lane};
use mainstay_identity::Clock;
use mainstay_ledger::{Plan, Stage};
use tokio::sync::watch;

use crate::apply::{self, Consent};
use crate::config::Options;
use crate::served::Served;
use crate::start::{self, FolderOutcome, Loaded, StartError};
use crate::store::contracts;

/// Whoever wants to know what a change of the folder came to.
pub type Report = Box<dyn Fn(&FolderOutcome) + Send + Sync>;

/// The one that changes what is served.
pub struct Reconciler {
    db: Database,
    served: Arc<Served>,
    clock: Arc<dyn Clock>,
    options: Options,
    report: Report,
    /// The contract whose steps outside the transaction are not known to be done.
    unfinished: watch::Sender<Option<Arc<Contract>>>,
}

impl Reconciler {
    /// Takes over a snapshot that is served already.
    pub fn new(
        db: Database,
        served: Arc<Served>,
        clock: Arc<dyn Clock>,
        options: Options,
        report: Report,
    ) -> Reconciler {
        Reconciler { db, served, clock, options, report, unfinished: watch::Sender::new(None) }
    }

    /// The snapshot that is served.
    pub fn served(&self) -> &Arc<Served> {
        &self.served
    }

    /// The store.
    pub fn db(&self) -> &Database {
        &self.db
    }

    /// Where plans run.
    pub fn stage(&self) -> Stage {
        self.options.stage()
    }

    /// The time, in microseconds since 1970 UTC.
    pub fn now(&self) -> i64 {
        self.clock.now_micros()
    }

    /// Applies a contract and serves it. Returns what was done and the revision that is served.
    pub async fn apply(&self, contract: Contract, consent: Consent) -> Result<(Plan, i64), StartError> {
        let contract = Arc::new(contract);
        let now = self.clock.now_micros();
        let made = apply::apply(&self.db, Arc::clone(&contract), consent, now).await?;
        let snapshot = start::snapshot(&self.db, Contract::clone(&contract), &made.applied)?;
        self.serve(snapshot);
        self.finish_later(contract);
        Ok((made.plan, made.applied.revision))
    }

    fn serve(&self, snapshot: crate::plans::Snapshot) {
        let revision = snapshot.revision;
        // Before and after: what was prepared for the tables as they were must not be met by the first call of the new
        // snapshot, nor stay behind the last one of the old.
        if revision > self.served.load().revision {
            self.db.refresh();
        }
        if self.served.swap(snapshot) {
            self.db.refresh();
            tracing::info!(revision, "a new revision of the contract is served");
        }
    }

    /// Leaves the steps that a transaction could not hold to the job that runs them.
    pub fn finish_later(&self, contract: Arc<Contract>) {
        self.unfinished.send_replace(Some(contract));
    }

    /// Whose steps are left to run.
    pub fn unfinished(&self) -> watch::Receiver<Option<Arc<Contract>>> {
        self.unfinished.subscribe()
    }

    /// Takes note that all steps of a contract are done; another one may have been applied meanwhile.
    pub fn finished(&self, contract: &Arc<Contract>) {
        let is_it = |now: &Option<Arc<Contract>>| now.as_ref().is_some_and(|now| Arc::ptr_eq(now, contract));
        self.unfinished.send_if_modified(|now| is_it(now) && now.take().is_some());
    }

    /// Looks at the folder again, after a file changed, and applies what is safe.
    pub async fn reload(&self) -> Result<(), StartError> {
        match start::load(&self.db, &self.options, self.clock.now_micros()).await {
            Ok(Loaded { snapshot, outcome, unfinished }) => {
                self.serve(snapshot);
                let applied = matches!(outcome, FolderOutcome::Applied(_) | FolderOutcome::Partly { .. });
                if let (Some(contract), true) = (unfinished, applied) {
                    self.finish_later(contract);
                }
                (self.report)(&outcome);
            }
            Err(StartError::Contract(diagnostics)) => (self.report)(&FolderOutcome::Invalid(diagnostics)),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Serves what another instance has applied, if one has.
    pub async fn look(&self) -> Result<(), StartError> {
        let newest = self.db.read(Lane::Heavy, |conn| Box::pin(async move { contracts::newest_revision(conn).await }));
        let newest: i64 = newest.await?;
        if newest <= self.served.load().revision {
            return Ok(());
        }
        if let Some(applied) = start::newest(&self.db).await? {
            let snapshot = start::snapshot(&self.db, start::compile_stored(&applied)?, &applied)?;
            self.serve(snapshot);
        }
        Ok(())
    }
}
