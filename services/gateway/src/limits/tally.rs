//! One call, counted: what is taken for it, and what its caller is told of that.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use mainstay_fault::{Fault, Reason, whole_seconds};
use mainstay_identity::Principal;
use mainstay_runtime::channel::Input;
use opentelemetry::KeyValue;

use super::{Applied, Counted, LOOK_INTERVAL, Outcome, Policy, Short};

/// What is left to the caller, and what there is (draft-ietf-httpapi-ratelimit-headers-10).
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// When to come back where only a rounding stands between a caller and being let in.
const AT_LEAST: Duration = Duration::from_millis(1);

/// What a call is counted under.
#[derive(Debug)]
pub struct Tally {
    applied: Arc<Applied>,
    counted: Vec<Counted>,
    taken: u32,
    told: Option<Told>,
}

/// What is left where there is least.
#[derive(Debug)]
struct Told {
    /// The position among what the call is counted under.
    which: usize,
    left: u32,
    resets: Duration,
}

impl Tally {
    /// Finds out under what a call is counted. Nothing is taken yet.
    pub fn of(applied: &Arc<Applied>, principal: &Principal, peer: Option<IpAddr>) -> Tally {
        let named = applied.policies.iter().filter_map(|policy| {
            let caller = policy.by.of(principal, peer, &applied.method)?;
            Some(Counted { policy: Arc::clone(policy), caller: caller.into_owned() })
        });
        let counted = named.collect();
        Tally { applied: Arc::clone(applied), counted, taken: 0, told: None }
    }

    /// What the call counts in all. Fails where that cannot be told, because its message cannot be read.
    pub fn cost(&self, input: &Input) -> Result<u32, Fault> {
        self.applied.cost(input)
    }

    /// Takes what makes the call count as `cost` in all, or refuses it with RATE_LIMITED and when to come back.
    pub async fn count(&mut self, cost: u32) -> Result<(), Fault> {
        let more = cost.saturating_sub(self.taken);
        if more == 0 || self.counted.is_empty() {
            return Ok(());
        }
        let state = Arc::clone(&self.applied.state);
        let outcome = state.take(&self.counted, more).await;
        if outcome.is_granted {
            self.taken = cost;
            self.told = self.tightest(&outcome);
            return Ok(());
        }
        let (which, rest_ns, short) = self.refusing(&outcome, more, cost);
        let policy = &self.counted[which].policy;
        let left = policy.rate(outcome.is_shared).left(rest_ns);
        let resets = match short {
            Short::For(wait) => wait,
            Short::Ever => Duration::from_nanos(rest_ns),
        };
        state.refusals.add(1, &[KeyValue::new("policy", policy.name.to_string())]);
        let fault = refused(policy, short, cost);
        self.told = Some(Told { which, left, resets });
        Err(fault)
    }

    /// Says in an answer, or in what refuses the call, what is left.
    pub fn tell<B>(&self, answered: Result<Response<B>, Fault>) -> Result<Response<B>, Fault> {
        let mut told = HeaderMap::new();
        self.write(&mut told);
        match answered {
            Ok(mut response) => {
                response.headers_mut().extend(told);
                Ok(response)
            }
            Err(fault) => Err(fault.headers(told)),
        }
    }

    fn write(&self, headers: &mut HeaderMap) {
        let Some(Told { which, left, resets }) = &self.told else { return };
        let mut policies = String::new();
        for Counted { policy, .. } in &self.counted {
            let Policy { name, quota, per_seconds, .. } = &**policy;
            let comma = if policies.is_empty() { "" } else { ", " };
            let _ = write!(policies, "{comma}\"{name}\";q={quota};w={per_seconds}");
        }
        let limit = format!("\"{}\";r={left};t={}", self.counted[*which].policy.name, whole_seconds(*resets));
        // Names have no characters that would have to be written otherwise.
        let texts = [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, limit)];
        headers.extend(texts.into_iter().filter_map(|(name, text)| Some((name, HeaderValue::try_from(text).ok()?))));
    }

    /// Where there is least.
    fn tightest(&self, outcome: &Outcome) -> Option<Told> {
        let all = self.counted.iter().zip(&outcome.rests_ns).enumerate();
        let told = all.map(|(which, (counted, rest_ns))| Told {
            which,
            left: counted.policy.rate(outcome.is_shared).left(*rest_ns),
            resets: Duration::from_nanos(*rest_ns),
        });
        told.min_by_key(|told| (told.left, std::cmp::Reverse(told.resets)))
    }

    /// Which policy refuses to take `more`, how long it is until everything is there again, and when all of `cost` would be let in:
    /// whoever comes again is counted from the beginning.
    fn refusing(&self, outcome: &Outcome, more: u32, cost: u32) -> (usize, u64, Short) {
        let all = self.counted.iter().zip(&outcome.rests_ns).enumerate();
        let short = |which: usize, counted: &Counted, rest_ns: u64| {
            let rate = counted.policy.rate(outcome.is_shared);
            let whole = match rate.take(rest_ns, cost) {
                // It would be let in where the gateways count together again.
                Err(Short::Ever) if !outcome.is_shared && cost <= counted.policy.rate.burst() => {
                    Err(Short::For(LOOK_INTERVAL))
                }
                judged => judged,
            };
            rate.take(rest_ns, more).err().map(|_| (which, rest_ns, whole))
        };
        let found = all.filter_map(|(which, (counted, rest_ns))| short(which, counted, *rest_ns));
        let longest = found.max_by_key(|(_, _, short)| match short {
            Err(Short::Ever) => Duration::MAX,
            Err(Short::For(wait)) => *wait,
            Ok(_) => Duration::ZERO,
        });
        match longest {
            Some((which, rest_ns, Err(short))) => (which, rest_ns, short),
            Some((which, rest_ns, Ok(_))) => (which, rest_ns, Short::For(AT_LEAST)),
            None => (0, outcome.rests_ns.first().copied().unwrap_or_default(), Short::For(AT_LEAST)),
        }
    }
}

fn refused(policy: &Policy, short: Short, cost: u32) -> Fault {
    let Policy { name, quota, per_seconds, .. } = policy;
    let fault = Fault::new(Reason::RateLimited).meta("policy", &**name).meta("cost", cost.to_string());
    let allows = format!("`{name}` allows {quota} in {per_seconds} s");
    match short {
        Short::For(wait) => {
            let text = format!("too many calls: {allows}; come again in {} s", whole_seconds(wait));
            fault.message(text).retry_after(wait)
        }
        Short::Ever => fault.message(format!(
            "this call counts as {cost}, which is more than there ever is at once: {allows}; ask for less at a time"
        )),
    }
}
