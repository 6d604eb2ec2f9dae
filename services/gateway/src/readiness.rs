//! Asks the services behind the gateway whether they serve, for `/readyz` and the health service.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mainstay_runtime::Check;
use mainstay_runtime::channel::{Call, Channel};
use mainstay_wire::frame;
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

/// One service behind the gateway, and the check that says whether it serves.
pub struct Probe {
    pub channel: Arc<dyn Channel>,
    pub check: Check,
}

impl Probe {
    /// Asks the service again and again, until the task is dropped.
    pub async fn run(self) {
        loop {
            match self.ask().await {
                Ok(()) => self.check.ready(),
                Err(reason) => self.check.not_ready(reason),
            }
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
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
