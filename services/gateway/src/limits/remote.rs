//! Where several gateways count together: a Redis, or what speaks its protocol.
//!
//! It is asked once for each time that a call is counted, for all policies at once, and never waited for longer than `timeout_ms`.
//! From when it does not answer until it is found again, this process counts for itself. It is looked for once a second, so no call
//! waits for one that is known to be away.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use mainstay_runtime::{Failure, Work};
use mainstay_telemetry::Metrics;
use opentelemetry::metrics::Counter;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Script};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::{Counted, Outcome, RedisConfig};

/// Longest that the way there may take to be made.
const CONNECT: Duration = Duration::from_secs(1);

/// What all keys begin with.
const KEYS: &str = "mainstay:limits";

/// The way there that is used; nothing while it is away.
type Way = Option<Arc<MultiplexedConnection>>;

/// Where gateways count together.
pub struct Remote {
    client: Client,
    script: Script,
    deadline: Duration,
    way: ArcSwapOption<MultiplexedConnection>,
    /// Whether it was said that it is away.
    is_reported: AtomicBool,
    failures: Counter<u64>,
}

impl Remote {
    /// Nothing where the address is none, which the configuration was refused for.
    pub fn new(url: &SecretString, config: &RedisConfig, metrics: &Metrics) -> Option<Remote> {
        let client = Client::open(url.expose_secret()).ok()?;
        let failures = metrics
            .meter()
            .u64_counter("mainstay.rate_limit.store.failures")
            .with_description("Times that the Redis of the rate limits did not answer, or not in time")
            .build();
        failures.add(0, &[]);
        Some(Remote {
            client,
            script: Script::new(include_str!("take.lua")),
            deadline: Duration::from_millis(config.timeout_ms.into()),
            way: ArcSwapOption::empty(),
            is_reported: AtomicBool::new(false),
            failures,
        })
    }

    /// Takes `cost` of all that count a call, or of none; nothing where it does not answer in time.
    pub(super) async fn take(&self, counted: &[Counted], cost: u32) -> Option<Outcome> {
        let way = self.way.load_full();
        let mut connection = MultiplexedConnection::clone(way.as_deref()?);
        let mut taking = self.script.prepare_invoke();
        taking.arg(cost);
        for Counted { policy, caller } in counted {
            let (nanos, burst) = (policy.rate.interval_ns(), policy.rate.burst());
            let interval_us = format!("{}.{:03}", nanos / 1_000, nanos % 1_000);
            taking.key(format!("{KEYS}:{}:{}:{caller}", policy.name, policy.by.word()));
            taking.arg(interval_us).arg(burst);
        }
        let answer = timeout(self.deadline, taking.invoke_async::<Vec<u64>>(&mut connection)).await;
        let why = match answer {
            Ok(Ok(answer)) if answer.len() == counted.len() + 1 => {
                let rests_ns = answer[1..].iter().map(|micros| micros.saturating_mul(1_000)).collect();
                return Some(Outcome { is_granted: answer[0] == 1, is_shared: true, rests_ns });
            }
            Ok(Ok(_)) => "it answered something else".to_owned(),
            Ok(Err(error)) => said(&error),
            Err(_) => LATE.to_owned(),
        };
        self.lost(&way, &why);
        None
    }

    /// It is away until it is found again, unless it was found on another way meanwhile.
    fn lost(&self, way: &Way, why: &str) {
        self.failures.add(1, &[]);
        drop(self.way.compare_and_swap(way, None));
        if !self.is_reported.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                why,
                "the Redis of the rate limits is away; this gateway counts for itself until it is back"
            );
        }
    }

    /// Looks whether it is there, and makes the way anew where it was away.
    async fn look(&self) -> Result<(), Failure> {
        let way = self.way.load_full();
        let looked = match &way {
            Some(connection) => self.tried(MultiplexedConnection::clone(connection)).await.map(drop),
            None => self.found().await,
        };
        looked.map_err(|why| {
            self.lost(&way, &why);
            why.into()
        })
    }

    /// Makes the way there, which is used once a call would have been answered in time.
    async fn found(&self) -> Result<(), String> {
        // Times are kept here, over all that it takes.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let making = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            self.script.prepare_invoke().load_async(&mut connection).await?;
            Ok::<_, RedisError>(connection)
        };
        let made = timeout(CONNECT, making).await.map_err(|_| LATE.to_owned())?.map_err(|error| said(&error))?;
        let connection = self.tried(made).await?;
        self.way.store(Some(Arc::new(connection)));
        self.is_reported.store(false, Ordering::Relaxed);
        tracing::info!("the rate limits are counted in Redis, together with those of other gateways");
        Ok(())
    }

    /// Asks for all that a call needs, for nobody: one that only reads, has no room, or is slow is no use.
    async fn tried(&self, mut connection: MultiplexedConnection) -> Result<MultiplexedConnection, String> {
        let mut nothing = self.script.prepare_invoke();
        nothing.key(KEYS).arg(0).arg(1).arg(1);
        match timeout(self.deadline, nothing.invoke_async::<Vec<u64>>(&mut connection)).await {
            Ok(Ok(_)) => Ok(connection),
            Ok(Err(error)) => Err(said(&error)),
            Err(_) => Err(LATE.to_owned()),
        }
    }
}

const LATE: &str = "it did not answer in time";

/// What is said of an error: never with the address, which may hold a password.
fn said(error: &RedisError) -> String {
    error.code().map_or_else(|| error.category().to_owned(), |code| format!("{}: {code}", error.category()))
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

/// How often it is looked for.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Looks whether the Redis is there.
pub struct Follow(pub(super) Arc<Remote>);

impl Work for Follow {
    async fn round(&mut self) -> Result<(), Failure> {
        self.0.look().await
    }
}
