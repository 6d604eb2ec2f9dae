//! Keeps the served snapshot current: applies contracts, follows the folder in development, and follows the store where
//! other instances may apply too.

use std::sync::Arc;
use std::time::Duration;

use mainstay_contract::Contract;
use mainstay_db::{Database, Engine, Lane};
use mainstay_identity::Clock;
use mainstay_ledger::{Plan, Stage};
use tokio_util::sync::CancellationToken;

use crate::apply::{self, Consent};
use crate::config::Options;
use crate::served::Served;
use crate::start::{self, FolderOutcome, Loaded, StartError};
use crate::store::contracts;

/// How long to wait before a step outside the transaction that failed is tried again.
const FINISH_RETRY: Duration = Duration::from_secs(10);

/// Whoever wants to know what a change of the folder came to.
pub type Report = Box<dyn Fn(&FolderOutcome) + Send + Sync>;

/// The one that changes what is served.
pub struct Reconciler {
    db: Database,
    served: Arc<Served>,
    clock: Arc<dyn Clock>,
    options: Options,
    report: Report,
    stop: CancellationToken,
}

impl Reconciler {
    /// Takes over a snapshot that is served already.
    pub fn new(
        db: Database,
        served: Arc<Served>,
        clock: Arc<dyn Clock>,
        options: Options,
        report: Report,
        stop: CancellationToken,
    ) -> Reconciler {
        Reconciler { db, served, clock, options, report, stop }
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
    pub async fn apply(
        self: &Arc<Reconciler>,
        contract: Contract,
        consent: Consent,
    ) -> Result<(Plan, i64), StartError> {
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

    /// Runs the steps that a transaction could not hold, in the background, until they are done.
    pub fn finish_later(self: &Arc<Reconciler>, contract: Arc<Contract>) {
        let reconciler = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                match apply::finish(&reconciler.db, Arc::clone(&contract)).await {
                    Ok(0) => return,
                    Ok(steps) => return tracing::info!(steps, "the steps outside the transaction are done"),
                    Err(error) => {
                        tracing::warn!(cause = %error, "a step outside the transaction failed and is tried again");
                    }
                }
                tokio::select! {
                    () = reconciler.stop.cancelled() => return,
                    () = tokio::time::sleep(FINISH_RETRY) => {}
                }
            }
        });
    }

    /// Looks at the folder again, after a file changed, and applies what is safe.
    pub async fn reload(self: &Arc<Reconciler>) {
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
            Err(error) => tracing::warn!(cause = %error, "the contract could not be loaded; the old one is served on"),
        }
    }

    /// Follows the store until the server stops: another instance may have applied a contract. A call whose statement is
    /// stale makes it look at once.
    pub async fn follow_store(self: Arc<Reconciler>, every: Duration) {
        let alone = self.db.engine() == Engine::Sqlite;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.served.suspected_stale() => {}
                () = tokio::time::sleep(every), if !alone => {}
            }
            if let Err(error) = self.look().await {
                tracing::warn!(cause = %error, "the store could not be asked for a newer contract");
            }
        }
    }

    async fn look(&self) -> Result<(), StartError> {
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
