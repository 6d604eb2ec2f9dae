//! Starts the gateway.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use mainstay_db::Database;
use mainstay_telemetry::Metrics;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::readiness::{Probe, Readiness};
use crate::serve::{Backends, Edge};
use crate::snapshot::{Snapshot, SnapshotError};
use crate::store;
use crate::watch::ContractWatch;

/// How long a start waits for the data service to say what the contract is, where none is stored.
pub const FIRST_CONTRACT_WAIT: Duration = Duration::from_secs(1);

/// What the gateway needs from whoever starts it.
pub struct Dependencies {
    pub backends: Backends,
    /// Where the last contract is kept; nothing keeps none.
    pub database: Option<Database>,
    pub metrics: Metrics,
}

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the gateway's configuration is not valid: {}", .0.join("; "))]
    Config(Vec<String>),
    #[error("the gateway's database cannot be used")]
    Database(#[from] mainstay_db::Error),
    #[error("the platform's own contract cannot be served")]
    Platform(#[from] SnapshotError),
}

/// A running gateway. It stops following the contract when it is dropped.
pub struct Gateway {
    endpoint: Edge,
    tasks: JoinSet<()>,
}

impl Gateway {
    /// Starts: serves the platform's methods, then the stored contract, then whatever data streams.
    ///
    /// Returns once a contract is served, or after [`FIRST_CONTRACT_WAIT`] without one.
    pub async fn start(config: Config, dependencies: Dependencies) -> Result<Gateway, StartError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(StartError::Config(problems));
        }
        let Dependencies { backends, database, metrics } = dependencies;
        if let Some(database) = &database {
            store::migrate(database).await?;
        }
        let live = Arc::new(ArcSwap::from_pointee(Snapshot::platform(&metrics)?));
        let (served, mut revision) = watch::channel(0);
        let readiness = Arc::new(Readiness {
            served: revision.clone(),
            auth: Probe::new(backends.auth.clone()),
            data: Probe::new(backends.data.clone()),
        });
        let data = backends.data.clone();
        let contract = ContractWatch { data, live: live.clone(), metrics: metrics.clone(), database, served };
        contract.restore().await;
        let mut tasks = JoinSet::new();
        tasks.spawn(contract.run());
        let probes = readiness.clone();
        tasks.spawn(async move { probes.run().await });
        // Without a contract in time the gateway starts all the same: it then says UNAVAILABLE instead of NOT_FOUND.
        let _ = tokio::time::timeout(FIRST_CONTRACT_WAIT, revision.wait_for(|revision| *revision > 0)).await;
        let route = metrics.unresolved().clone();
        let endpoint = Edge { config, live, backends, readiness, route };
        Ok(Gateway { endpoint, tasks })
    }

    /// The inside of the edge stack: `mainstay_layers::stack::edge(gateway.endpoint(), guards)` is the service to listen with.
    pub fn endpoint(&self) -> Edge {
        self.endpoint.clone()
    }

    /// What is served now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.endpoint.live.load_full()
    }

    /// Stops following the contract and asking the services behind.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}
