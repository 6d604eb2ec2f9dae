//! Asks the services behind the gateway whether they serve, for `/readyz` and the health service.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use mainstay_runtime::channel::{Call, Channel};
use mainstay_runtime::{Check, Failure, Readiness, Work};
use mainstay_wire::frame;
use tonic::Code;

use crate::backends::{Backend, Backends};
use crate::watch::gateway_principal;

const CHECK: &str = "/grpc.health.v1.Health/Check";

/// `grpc.health.v1.HealthCheckResponse.status`, and its value SERVING.
const STATUS_FIELD: u32 = 1;
const SERVING: u64 = 1;

/// How often the services are asked.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// How long they may take to answer.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The services behind the gateway, each with the check that says whether it serves.
pub struct Probes(Vec<Probe>);

struct Probe {
    channel: Arc<dyn Channel>,
    check: Check,
}

impl Probes {
    pub fn new(backends: &Backends, readiness: &Readiness) -> Probes {
        let probe = |backend: &Arc<Backend>| Probe {
            channel: Arc::clone(&backend.channel),
            check: readiness.check(&backend.name),
        };
        Probes(backends.iter().map(probe).collect())
    }
}

impl Work for Probes {
    /// Asks all of them at once.
    async fn round(&mut self) -> Result<(), Failure> {
        let asked = join_all(self.0.iter().map(Probe::keep)).await;
        asked.into_iter().collect::<Result<(), _>>().map_err(Into::into)
    }
}

impl Probe {
    /// Keeps the check true to the service.
    async fn keep(&self) -> Result<(), &'static str> {
        let answer = self.ask().await;
        match answer {
            Ok(()) => self.check.ready(),
            Err(reason) => self.check.not_ready(reason),
        }
        answer
    }

    /// Asks the service once. One without a health service serves if it answers that it has none.
    async fn ask(&self) -> Result<(), &'static str> {
        let call = Call::new(CHECK, gateway_principal(), Bytes::new()).deadline(Instant::now() + PROBE_TIMEOUT);
        match self.channel.call(call).await.and_then(|reply| reply.message()) {
            Ok(status) if frame::varint(&status, STATUS_FIELD).ok().flatten() == Some(SERVING) => Ok(()),
            Ok(_) => Err("the service says that it does not serve"),
            Err(fault) if fault.code() == Code::Unimplemented => Ok(()),
            Err(_) => Err("the service does not answer"),
        }
    }
}
