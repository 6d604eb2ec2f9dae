//! Keeps a pool true to what its names resolve to, and to what its members say of themselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{join, join_all};
use tonic::Code;

use super::member::Member;
use super::pool::{Balanced, Pool};
use crate::channel::sending::{Sending, send};
use crate::channel::{Input, Reply};
use crate::{Failure, Work};

/// How often names are resolved again and members asked.
pub const KEEP_INTERVAL: Duration = Duration::from_secs(2);

/// How long a member may take to say whether it serves.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

const CHECK: &str = "/grpc.health.v1.Health/Check";

/// An encoded `grpc.health.v1.HealthCheckResponse` that says SERVING.
const SERVING: [u8; 2] = [0x08, 1];

/// The work that keeps pools.
pub struct Keeper(Vec<Arc<Pool>>);

impl Keeper {
    /// Keeps these.
    pub fn of<'b>(balanced: impl IntoIterator<Item = &'b Balanced>) -> Keeper {
        Keeper(balanced.into_iter().map(|balanced| Arc::clone(&balanced.0)).collect())
    }
}

impl Work for Keeper {
    async fn round(&mut self) -> Result<(), Failure> {
        join_all(self.0.iter().map(keep)).await;
        Ok(())
    }
}

async fn keep(pool: &Arc<Pool>) {
    // Those that are known are asked while names are resolved: a name service that is away keeps nobody from being left out.
    join(pool.resolve(), ask_all(pool)).await;
}

async fn ask_all(pool: &Pool) {
    if pool.asks_health {
        let members = pool.members.load_full();
        join_all(members.iter().map(ask)).await;
    }
}

/// Asks a member once. One without a health service serves if it says so.
async fn ask(member: &Arc<Member>) {
    let Ok(sending) = Sending::bare(CHECK, Instant::now() + PROBE_TIMEOUT) else { return };
    let sent = send(member.connection.clone(), sending.request(), Input::Message(Bytes::new()), false);
    match tokio::time::timeout(PROBE_TIMEOUT, sent).await {
        Ok(Ok(Reply::Message(message))) => member.says(message.as_ref() == SERVING),
        Ok(Ok(_)) => {}
        Ok(Err(unanswered)) if unanswered.code() == Some(Code::Unimplemented) => member.says(true),
        Ok(Err(unanswered)) => member.failed(unanswered.was_not_sent()),
        Err(_) => member.failed(false),
    }
}
