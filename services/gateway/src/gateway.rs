//! Starts the gateway.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use mainstay_db::Database;
use mainstay_runtime::channel::balance::UpstreamError;
use mainstay_runtime::{Health, Jobs, Readiness, Reflection, Shutdown};
use mainstay_telemetry::Metrics;
use tokio::sync::watch;
use tonic::service::Routes;

use crate::backends::Backends;
use crate::config::Config;
use crate::docs::Docs;
use crate::jobs;
use crate::limits::{Counting, Limits};
use crate::pages::{Pages, PagesError};
use crate::restore::{Restored, restore};
use crate::serve::{Edge, Known};
use crate::site::Site;
use crate::snapshot::{Compiled, Snapshot, SnapshotError};
use crate::socket::Sockets;
use crate::store;
use crate::upstreams;
use crate::watch::{ContractWatch, Faces};

/// How long a start waits for the data service to say what the contract is, where none is stored.
pub const FIRST_CONTRACT_WAIT: Duration = Duration::from_secs(1);

/// What requests for pages are counted as.
const PAGES: &str = "/auth/{page}";

/// What requests for files of the site are counted as.
const SITE: &str = "/{file}";

/// What requests of other applications are counted as.
const OAUTH: &str = "/auth/oauth2/{endpoint}";

/// What requests for what the gateway says of itself are counted as.
const DOCS: &str = "/docs";

/// What to make of a database that cannot be used.
pub(crate) const UNUSABLE: &str =
    "the database of the gateway cannot be used (it only remembers the contract: an empty one does as well)";

/// What the gateway needs from whoever starts it.
pub struct Dependencies {
    pub backends: Backends,
    /// Where the last contract is kept; nothing keeps none.
    pub database: Option<Database>,
    pub metrics: Metrics,
    /// Follows what is served on the gateway's port.
    pub health: Health,
    /// Gets a check for the contract and one for each service behind.
    pub readiness: Readiness,
    pub shutdown: Shutdown,
    /// Whether everybody is shown all methods; else nobody sees those only that he may call.
    pub development: bool,
    /// Where the contract and the services behind are followed.
    pub jobs: Jobs,
}

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the configuration has values that cannot work:{}", list(.0))]
    Config(Vec<(String, String)>),
    #[error("{UNUSABLE}")]
    Database(#[from] mainstay_db::Error),
    #[error(transparent)]
    Pages(#[from] PagesError),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("the platform's own contract cannot be served")]
    Platform(#[from] SnapshotError),
}

fn list(problems: &[(String, String)]) -> String {
    problems.iter().map(|(path, remedy)| format!("\n  gateway.{path} {remedy}")).collect()
}

/// A running gateway.
pub struct Gateway {
    endpoint: Edge,
    revision: watch::Receiver<i64>,
    /// They end with the last of those who hold them.
    _jobs: Jobs,
}

impl Gateway {
    /// Starts: serves the stored contract, or the platform's methods where there is none, then whatever data streams.
    ///
    /// Returns once a contract is served, or after [`FIRST_CONTRACT_WAIT`] without one.
    pub async fn start(config: Config, dependencies: Dependencies) -> Result<Gateway, StartError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(StartError::Config(problems));
        }
        let Dependencies { backends, database, metrics, health, readiness, shutdown, development, jobs } = dependencies;
        let pages = Pages::load(&config.pages)?;
        let (backends, keeper) = upstreams::connect(backends, &config.upstreams, &metrics)?;
        let limits = Limits::new(&config.limits, &metrics);
        let first = first(database.as_ref(), (&metrics, &backends, &limits)).await?;
        let Restored { compiled: Compiled { snapshot, files }, hash } = first;
        // What of the application's is open is not stored: until data says it, it is closed.
        let open = snapshot.open(&[]);
        let reflection = Reflection::new(files, (!development).then(|| open.clone()), shutdown);
        let open = Arc::new(ArcSwap::from_pointee(open));
        let check = readiness.check("contract");
        health.replace(snapshot.services());
        if snapshot.revision > 0 {
            limits.report_unmatched(&snapshot);
            check.ready();
        }
        let (served, revision) = watch::channel(snapshot.revision);
        let (announce, announced) = watch::channel(None);
        let live = Arc::new(ArcSwap::from_pointee(snapshot));
        let contract = ContractWatch {
            backends: backends.clone(),
            live: live.clone(),
            metrics: metrics.clone(),
            limits: limits.clone(),
            database,
            faces: Faces {
                reflection: reflection.clone(),
                open: open.clone(),
                limited: !development,
                health: health.clone(),
                check,
            },
            served,
            announced: announce,
            hash,
            is_a_stranger: false,
        };
        jobs::start(&jobs, contract, (&backends, keeper, limits.follow()), &readiness);
        wait_for_contract(revision.clone(), announced.clone()).await;
        let own =
            Routes::new(health.service()).add_service(reflection.v1()).add_service(reflection.v1alpha()).prepare();
        let route = metrics.unresolved().clone();
        let known = Known { served: revision.clone(), announced };
        let pages = pages.map(|pages| (Arc::new(pages), metrics.route(PAGES)));
        let oauth = metrics.route(OAUTH);
        let site = Site::of(&config.site).map(|site| (Arc::new(site), metrics.route(SITE)));
        let docs = config.docs.then(|| (Docs::new(&config.pages, !development, open), metrics.route(DOCS)));
        let backends = counted(&backends, &limits, &live);
        let sockets = config.websocket.then(|| Sockets::counted_by(&metrics));
        let again = None;
        let endpoint =
            Edge { config, live, known, readiness, own, route, backends, again, sockets, docs, oauth, pages, site };
        Ok(Gateway { endpoint, revision, _jobs: jobs })
    }

    /// The inside of the edge stack: `mainstay_layers::stack::edge(gateway.endpoint(), guards, cors)` is the service to
    /// listen with.
    pub fn endpoint(&self) -> Edge {
        self.endpoint.clone()
    }

    /// What is served now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.endpoint.live.load_full()
    }

    /// Whether the gateway says of itself what it serves.
    pub fn describes(&self) -> bool {
        self.endpoint.docs.is_some()
    }

    /// Follows which revision of the application's contract is served; 0 where none is known.
    pub fn revision(&self) -> watch::Receiver<i64> {
        self.revision.clone()
    }

    /// Follows which revision the data service has announced last; nothing before it said anything.
    pub fn announced(&self) -> watch::Receiver<Option<i64>> {
        self.endpoint.known.announced.clone()
    }
}

/// What is served at first: the stored contract, or the platform's methods alone.
async fn first(database: Option<&Database>, made_with: (&Metrics, &Backends, &Limits)) -> Result<Restored, StartError> {
    if let Some(database) = database {
        store::migrate(database).await?;
        if let Some(restored) = restore(database, made_with).await {
            return Ok(restored);
        }
    }
    let (metrics, backends, limits) = made_with;
    Ok(Restored { compiled: Snapshot::platform(metrics, backends, limits)?, hash: String::new() })
}

/// The services behind as pages and other applications ask them: what they ask counts as a call of its method.
fn counted(backends: &Backends, limits: &Limits, live: &Arc<ArcSwap<Snapshot>>) -> Backends {
    if limits.is_empty() {
        return backends.clone();
    }
    backends.by_way_of(|channel| Arc::new(Counting { channel, live: Arc::clone(live) }))
}

/// Waits a while for a contract, or for word that there is none. Without either the gateway starts all the same: it then says
/// UNAVAILABLE where it would otherwise say NOT_FOUND.
async fn wait_for_contract(mut revision: watch::Receiver<i64>, mut announced: watch::Receiver<Option<i64>>) {
    let known = async {
        tokio::select! {
            _ = revision.wait_for(|revision| *revision > 0) => {}
            _ = announced.wait_for(|announced| *announced == Some(0)) => {}
        }
    };
    let _ = tokio::time::timeout(FIRST_CONTRACT_WAIT, known).await;
}
