//! Whether the gateway can answer: the contract is known, and the services behind it say that they serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mainstay_runtime::channel::{Call, Channel};
use mainstay_wire::frame;
use tokio::sync::watch;
use tonic::Code;

use crate::watch::gateway_principal;

const CHECK: &str = "/grpc.health.v1.Health/Check";

/// `grpc.health.v1.HealthCheckResponse.status`, and its value SERVING.
const STATUS_FIELD: u32 = 1;
const SERVING: u64 = 1;

/// How often the services are asked.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// How long they may take to answer.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// What `/readyz` and the health service answer from.
pub struct Readiness {
    pub served: watch::Receiver<i64>,
    pub auth: Probe,
    pub data: Probe,
}

/// One service behind the gateway, and whether it served when it was asked last.
pub struct Probe {
    channel: Arc<dyn Channel>,
    serving: AtomicBool,
}

impl Probe {
    pub fn new(channel: Arc<dyn Channel>) -> Probe {
        Probe { channel, serving: AtomicBool::new(false) }
    }

    /// Asks the service. One without a health service serves if it answers that it has none.
    async fn ask(&self) {
        let call = Call::new(CHECK, gateway_principal(), Bytes::new()).deadline(Instant::now() + PROBE_TIMEOUT);
        let serving = match self.channel.call(call).await.and_then(|reply| reply.unary()) {
            Ok(status) => frame::varint(&status, STATUS_FIELD).ok().flatten() == Some(SERVING),
            Err(fault) => fault.code() == Code::Unimplemented,
        };
        self.serving.store(serving, Ordering::Release);
    }

    fn serves(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }
}

impl Readiness {
    /// Asks both services once.
    pub async fn probe(&self) {
        tokio::join!(self.auth.ask(), self.data.ask());
    }

    /// Asks both services again and again, until the task is dropped.
    pub async fn run(&self) {
        loop {
            self.probe().await;
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }

    /// Lists what is missing; nothing is missing where the gateway is ready.
    pub fn missing(&self) -> Vec<&'static str> {
        let parts = [
            (*self.served.borrow() > 0, "the application's contract"),
            (self.auth.serves(), "the auth service"),
            (self.data.serves(), "the data service"),
        ];
        parts.into_iter().filter(|(there, _)| !there).map(|(_, name)| name).collect()
    }
}
