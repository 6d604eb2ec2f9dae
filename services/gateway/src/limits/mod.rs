//! How often who may call: policies of the configuration, each with an allowance that comes back evenly with time.
//!
//! Which policies a method has is decided when the contract is loaded, by the method that a request resolves to: no protocol and no
//! spelling of a path leads around one, and a method that has none costs nothing. A call counts as one before anything of its body
//! is read, and as the rest of what it counts once that is known.
//!
//! ```text
//! method, its policies --> Tally (who calls) --1--> body is read --the rest--> service behind
//!                            |         |
//!            RateLimit, 429 <-+         +--> Redis, within 50 ms --else--> this process
//! ```

mod caller;
mod channel;
mod config;
mod cost;
mod local;
mod rate;
mod remote;
mod tally;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mainstay_fault::Fault;
use mainstay_runtime::channel::Input;
use mainstay_telemetry::Metrics;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use prost_reflect::MethodDescriptor;
use tokio::time::Instant;

use crate::snapshot::Snapshot;

pub use caller::By;
pub use channel::Counting;
pub use config::{DEFAULT_TIMEOUT_MS, LimitsConfig, PolicyConfig, RedisConfig};
pub use cost::{MOST_FOR_A_PAGE, ROWS};
pub use local::MAX_KEYS;
pub use remote::{Follow, LOOK_INTERVAL};
pub use tally::Tally;

use cost::Cost;
use local::Local;
use rate::{Rate, Short};
use remote::Remote;

/// All policies, and what is kept of callers. All clones are one.
#[derive(Clone, Default)]
pub struct Limits(Option<Arc<State>>);

struct State {
    policies: Vec<Arc<Policy>>,
    remote: Option<Arc<Remote>>,
    refusals: Counter<u64>,
    /// What times in this process are counted from.
    began: Instant,
}

/// One policy, as it is worked with.
#[derive(Debug)]
struct Policy {
    name: Box<str>,
    by: By,
    patterns: Vec<String>,
    /// What all gateways together allow.
    rate: Rate,
    /// What this one allows where it counts for itself.
    own_rate: Rate,
    quota: u32,
    per_seconds: u32,
    local: Local,
}

/// The policies of one method.
pub struct Applied {
    state: Arc<State>,
    policies: Box<[Arc<Policy>]>,
    cost: Cost,
    /// The method's path, without the slash that it begins with.
    method: Box<str>,
}

/// What one policy counts a call under.
#[derive(Debug)]
struct Counted {
    policy: Arc<Policy>,
    caller: String,
}

/// What became of an attempt to take something of all policies, and for each how long it is until everything is there again.
struct Outcome {
    is_granted: bool,
    /// Whether it is what all gateways together know.
    is_shared: bool,
    rests_ns: Vec<u64>,
}

impl Limits {
    /// Makes the policies of the configuration ready, and follows where they are shared.
    pub fn new(config: &LimitsConfig, metrics: &Metrics) -> Limits {
        if config.policies.is_empty() {
            return Limits::default();
        }
        let refusals = metrics
            .meter()
            .u64_counter("mainstay.rate_limit.refusals")
            .with_description("Calls that were refused because of how often their caller calls, by policy")
            .build();
        let remote = config.redis.url.as_ref().and_then(|url| Remote::new(url, &config.redis, metrics)).map(Arc::new);
        let gateways = if remote.is_some() { config.redis.gateways } else { 1 };
        let policies = config.policies.iter().map(|(name, policy)| {
            // There from the start, so that an alarm can tell "never" from "not counted".
            refusals.add(0, &[KeyValue::new("policy", name.clone())]);
            Arc::new(Policy::new(name, policy, gateways))
        });
        let policies = policies.collect();
        Limits(Some(Arc::new(State { policies, remote, refusals, began: Instant::now() })))
    }

    /// Finds the policies of a method; nothing where it has none.
    pub fn of(&self, method: &MethodDescriptor, path: &str) -> Option<Arc<Applied>> {
        let state = self.0.as_ref()?;
        let policies: Box<[_]> = state.policies.iter().filter(|policy| policy.is_for(path)).cloned().collect();
        if policies.is_empty() {
            return None;
        }
        let (state, method, cost) = (Arc::clone(state), path.trim_start_matches('/').into(), Cost::of(method));
        Some(Arc::new(Applied { state, policies, cost, method }))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Says which policies name methods that a contract has not: they limit less than whoever wrote them thinks.
    pub fn report_unmatched(&self, snapshot: &Snapshot) {
        let paths: Vec<&str> = snapshot.methods().map(|method| &*method.path).collect();
        for (policy, pattern) in self.unmatched(&paths) {
            tracing::warn!(
                policy,
                pattern,
                "a rate limit names methods that the contract has not (gateway.limits.policies)"
            );
        }
    }

    /// What in the names of methods is no method's, each with its policy.
    fn unmatched<'l>(&'l self, paths: &[&str]) -> Vec<(&'l str, &'l str)> {
        let policies = self.0.iter().flat_map(|state| &state.policies);
        let named =
            policies.flat_map(|policy| policy.patterns.iter().map(move |pattern| (&*policy.name, pattern.as_str())));
        named.filter(|(_, pattern)| !paths.iter().any(|path| config::matches(pattern, path))).collect()
    }

    /// Keeps the way to where gateways count together; nothing where each counts for itself.
    pub fn follow(&self) -> Option<Follow> {
        self.0.as_ref()?.remote.clone().map(Follow)
    }
}

impl Policy {
    fn new(name: &str, config: &PolicyConfig, gateways: u32) -> Policy {
        let PolicyConfig { by, ref methods, quota, per_seconds, burst } = *config;
        let rate = Rate::new(quota, Duration::from_secs(per_seconds.into()), burst.unwrap_or(quota));
        Policy {
            name: name.into(),
            by,
            patterns: methods.0.clone(),
            rate,
            own_rate: rate.shared_by(gateways),
            quota,
            per_seconds,
            local: Local::default(),
        }
    }

    fn is_for(&self, path: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| config::matches(pattern, path))
    }

    fn rate(&self, is_shared: bool) -> Rate {
        if is_shared { self.rate } else { self.own_rate }
    }
}

impl Applied {
    /// What a call counts in all. A stream counts as one.
    pub fn cost(&self, input: &Input) -> Result<u32, Fault> {
        match input {
            Input::Message(message) => self.cost.count(message),
            Input::Stream(_) => Ok(1),
        }
    }

    /// The names of the policies, with what each allows.
    pub fn policies(&self) -> impl Iterator<Item = String> {
        self.policies.iter().map(|policy| {
            let Policy { name, by, quota, per_seconds, .. } = &**policy;
            format!("`{name}` (by {}): {quota} in {per_seconds} s", by.word())
        })
    }
}

impl State {
    /// Takes `cost` of all that count a call, or of none.
    async fn take(&self, counted: &[Counted], cost: u32) -> Outcome {
        if let Some(remote) = &self.remote
            // Boxed: else it would be in the future of every call, also where nothing is shared.
            && let Some(outcome) = Box::pin(remote.take(counted, cost)).await
        {
            return outcome;
        }
        self.take_here(counted, cost)
    }

    /// Looks at all of them before anything is taken, so that each is judged by what is there.
    fn take_here(&self, counted: &[Counted], cost: u32) -> Outcome {
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let before: Vec<u64> =
            counted.iter().map(|Counted { policy, caller }| policy.local.rest(caller, now)).collect();
        let refused = |rests_ns| Outcome { is_granted: false, is_shared: false, rests_ns };
        let fits = |(counted, rest_ns): (&Counted, &u64)| counted.policy.own_rate.take(*rest_ns, cost).is_ok();
        if !counted.iter().zip(&before).all(fits) {
            return refused(before);
        }
        let mut after = Vec::with_capacity(counted.len());
        for Counted { policy, caller } in counted {
            // Another call may have come between.
            let Ok(rest_ns) = policy.local.take(caller, (policy.own_rate, cost), now) else {
                let taken = &counted[..after.len()];
                taken.iter().for_each(|of| of.policy.local.give_back(&of.caller, (of.policy.own_rate, cost)));
                return refused(before);
            };
            after.push(rest_ns);
        }
        Outcome { is_granted: true, is_shared: false, rests_ns: after }
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Limits").field(&self.0.as_ref().map(|state| &state.policies)).finish()
    }
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applied").field("method", &self.method).finish_non_exhaustive()
    }
}
