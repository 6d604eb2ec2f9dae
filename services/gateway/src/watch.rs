//! Follows the application's contract and swaps what is served.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::StreamExt as _;
use mainstay_db::Database;
use mainstay_fault::Fault;
use mainstay_identity::{Principal, roles};
use mainstay_proto::data::v1::{Contract, WatchContractRequest};
use mainstay_runtime::channel::{Call, Messages, Target};
use mainstay_runtime::{Check, Failure, Health, Methods, Reflection, Work};
use mainstay_telemetry::Metrics;
use prost::Message as _;
use tokio::sync::watch;
use tonic::Code;

use crate::backends::Backends;
use crate::limits::Limits;
use crate::snapshot::{Compiled, Snapshot, SnapshotError};
use crate::store::StoredContract;

/// The stream of contracts: the one that is served at once, and each one that takes its place.
const WATCH_CONTRACT: &str = "/mainstay.data.v1.ContractService/WatchContract";

/// Who the gateway is to the services behind it.
pub const SERVICE_ACCOUNT: &str = "gateway";

/// What is said where no contract was ever applied, and what to do.
pub const NONE_APPLIED: &str =
    "no contract was applied yet; apply one with `mainstay contract apply DIR`, or start with `--contracts DIR`";

/// How long the first try after a broken stream waits. The wait doubles up to [`LONGEST_WAIT`].
pub const SHORTEST_WAIT: Duration = Duration::from_millis(50);

/// How long a gateway may at most not notice that data is back.
pub const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Keeps the served snapshot at the application's contract.
pub struct ContractWatch {
    pub backends: Backends,
    pub live: Arc<ArcSwap<Snapshot>>,
    pub metrics: Metrics,
    pub limits: Limits,
    pub database: Option<Database>,
    /// What follows a swap.
    pub faces: Faces,
    /// Tells whoever waits which revision is served.
    pub served: watch::Sender<i64>,
    /// Tells which revision data has announced last, if it has announced any: it may be on its way into service.
    pub announced: watch::Sender<Option<i64>>,
    /// The hash of the contract that is served.
    pub hash: String,
    /// Whether the data service does not know this gateway.
    pub is_a_stranger: bool,
}

/// What shows the served contract to clients beside the methods themselves.
#[derive(Clone)]
pub struct Faces {
    pub reflection: Reflection,
    /// The methods that callers may call who are nobody.
    pub open: Arc<ArcSwap<Methods>>,
    /// Whether callers who are nobody see the open methods only.
    pub limited: bool,
    pub health: Health,
    pub check: Check,
}

impl Faces {
    /// Shows a snapshot that is about to be served.
    pub fn show(&self, compiled: &Compiled, open: &[String]) {
        self.reflection.swap(compiled.files.clone(), self.open(&compiled.snapshot, open));
        self.health.replace(compiled.snapshot.services());
    }

    /// Says which methods of the application's are open, where it is not known of the snapshot that is served.
    fn admit(&self, snapshot: &Snapshot, open: &[String]) {
        self.reflection.admit(self.open(snapshot, open));
    }

    /// Takes down which methods are open. Reflection is told where it shows nobody else.
    fn open(&self, snapshot: &Snapshot, open: &[String]) -> Option<Methods> {
        let open = snapshot.open(open);
        self.open.store(Arc::new(open.clone()));
        self.limited.then_some(open)
    }

    /// Says whether there is anything to serve: without a contract every path of the application's is missing.
    pub fn judge(&self, revision: i64) {
        match revision {
            0 => self.check.not_ready(NONE_APPLIED),
            _ => self.check.ready(),
        }
    }
}

/// The principal of the gateway's own calls.
pub fn gateway_principal() -> Principal {
    Principal::service(SERVICE_ACCOUNT, vec![roles::SERVICE.to_owned()])
}

impl Work for ContractWatch {
    /// Follows one stream to its end.
    async fn round(&mut self) -> Result<(), Failure> {
        match self.follow().await {
            Ok(0) => Err("the stream of contracts ended before there was one".into()),
            Ok(_) => Ok(()),
            Err(fault) => {
                self.is_a_stranger = report_closed(&fault, self.is_a_stranger);
                Err(fault.into())
            }
        }
    }
}

impl ContractWatch {
    /// Reads one stream to its end. Returns how many contracts came; fails where there is no stream.
    async fn follow(&mut self) -> Result<usize, Fault> {
        let (mut seen, mut last) = (0, 0);
        loop {
            let mut contracts = match self.open(last).await {
                Err(fault) if seen > 0 => return Ok(ended(&fault, seen)),
                opened => opened?,
            };
            // What a contract came in takes as much as itself, at both ends, as long as its stream is open. So it is let go of
            // before the contract is taken, and what comes after it is followed anew.
            let contract = loop {
                match contracts.next().await.map(|message| message.map(Contract::decode)) {
                    Some(Ok(Ok(contract))) if contract.revision == last => self.take(contract).await,
                    Some(Ok(Ok(contract))) => break contract,
                    Some(Ok(Err(error))) => {
                        tracing::error!(error = %error, "the data service sent a contract that cannot be read");
                    }
                    Some(Err(fault)) if seen == 0 => return Err(fault),
                    Some(Err(fault)) => return Ok(ended(&fault, seen)),
                    None => return Ok(seen),
                }
                seen += 1;
            };
            drop(contracts);
            last = contract.revision;
            seen += 1;
            let descriptor_set = Bytes::copy_from_slice(&contract.descriptor_set);
            self.take(Contract { descriptor_set, ..contract }).await;
        }
    }

    /// Begins to follow what comes after a revision; 0 begins with what is served.
    async fn open(&self, after_revision: i64) -> Result<Messages, Fault> {
        let request = Bytes::from(WatchContractRequest { after_revision }.encode_to_vec());
        let call = Call::new(Target::new(WATCH_CONTRACT).streaming(), gateway_principal(), request);
        self.backends.data().channel.call(call).await?.stream()
    }

    /// Serves a contract, then stores it. The one before stays where this one cannot be served; the same one again, as
    /// every new stream begins, changes nothing.
    async fn take(&mut self, contract: Contract) {
        let revision = contract.revision;
        self.announced.send_replace(Some(revision));
        if revision == *self.served.borrow() && (revision == 0 || contract.hash == self.hash) {
            // What was stored does not say it.
            self.faces.admit(&self.live.load(), &contract.open_methods);
            return self.faces.judge(revision);
        }
        if let Err(error) = self.swap(&contract).await {
            tracing::error!(revision, error = %error, "the contract cannot be served; the one before stays");
            let served = *self.served.borrow();
            self.announced.send_replace((served > 0).then_some(served));
            return;
        }
        let Some(database) = &self.database else { return };
        let stored = StoredContract {
            revision,
            hash: contract.hash,
            descriptor_set: contract.descriptor_set.to_vec(),
            fetched_at_us: now_micros(),
        };
        if let Err(error) = stored.save(database).await {
            tracing::warn!(revision, error = %error, "the contract is served but could not be stored for the next start");
        }
    }

    /// Compiles a snapshot away from the threads that answer requests, and serves it from the next request on.
    async fn swap(&mut self, contract: &Contract) -> Result<(), SwapError> {
        let (revision, descriptor_set) = (contract.revision, contract.descriptor_set.clone());
        let open = contract.open_methods.clone();
        let (metrics, backends, faces) = (self.metrics.clone(), self.backends.clone(), self.faces.clone());
        let limits = self.limits.clone();
        let compile = move || {
            let compiled = Snapshot::build((&metrics, &backends, &limits), revision, descriptor_set)?;
            faces.show(&compiled, &open);
            Ok::<_, SnapshotError>(compiled.snapshot)
        };
        let snapshot = tokio::task::spawn_blocking(compile).await.map_err(|_| SwapError::Stopped)??;
        for route in &snapshot.unserved {
            tracing::warn!(method = %route.method, error = %route.error, "a REST route of the contract is not served");
        }
        for upstream in snapshot.missing_upstreams() {
            tracing::warn!(
                upstream,
                "the contract has services of an upstream that is not configured (gateway.upstreams)"
            );
        }
        self.limits.report_unmatched(&snapshot);
        tracing::info!(revision, methods = snapshot.methods().count(), "serving the application's contract");
        self.live.store(Arc::new(snapshot));
        self.hash.clone_from(&contract.hash);
        self.faces.judge(revision);
        self.served.send_replace(revision);
        Ok(())
    }
}

/// Why a contract is not served.
#[derive(Debug, thiserror::Error)]
enum SwapError {
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error("compiling it was broken off")]
    Stopped,
}

/// Says why there is no stream. A service that does not know this gateway's key never will by itself: whoever operates the two
/// is told so, unless `was_told` before. Returns whether that is why.
fn report_closed(fault: &Fault, was_told: bool) -> bool {
    let is_a_stranger = fault.code() == Code::Unauthenticated;
    if is_a_stranger && !was_told {
        tracing::warn!(
            "the data service does not know the key of the service account {SERVICE_ACCOUNT}, which this gateway shows: give \
             both the same services.keys.{SERVICE_ACCOUNT}, or in development the same data directory, whose \
             keys/service-{SERVICE_ACCOUNT} it is"
        );
    } else {
        tracing::debug!(error = %fault, "the contract cannot be watched");
    }
    is_a_stranger
}

/// A stream that broke off after so many contracts.
fn ended(fault: &Fault, seen: usize) -> usize {
    tracing::info!(error = %fault, "the stream of contracts broke off; opening it again");
    seen
}

fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
