//! The members of a service, and the way of a call to one of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt as _};
use mainstay_fault::{Fault, Reason};
use mainstay_telemetry::{Metrics, ReplicaCounts};
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::budget::Budget;
use super::config::{Site, UpstreamConfig, UpstreamError};
use super::member::{Busy, Member};
use super::names::resolve;
use super::pick::{Lot, pick};
use crate::channel::credential::ServiceCredential;
use crate::channel::identity::Identity;
use crate::channel::sending::{Sending, Unanswered, send};
use crate::channel::{Call, Channel, Input, Messages, Reply};
use crate::channel::{RemoteConfig, RemoteError};

/// How often a call is asked at most.
const ATTEMPTS: u32 = 3;

/// How long it is waited before a member is asked that was asked already; twice as long the next time.
const PAUSE: Duration = Duration::from_millis(25);

/// For how long nobody tries again to resolve names that resolved to nothing.
const RESOLVED_FOR: Duration = Duration::from_secs(1);

/// When a caller may try again who came while there were too many.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A way to a service behind several addresses. Cheap to clone. A [`Keeper`](super::Keeper) keeps it true.
#[derive(Debug, Clone)]
pub struct Balanced(pub(super) Arc<Pool>);

#[derive(Debug)]
pub(super) struct Pool {
    /// The service's name in messages to operators and callers.
    name: Box<str>,
    sites: Vec<Site>,
    pub(super) members: ArcSwap<Vec<Arc<Member>>>,
    resolved: Mutex<Resolved>,
    lot: Lot,
    budget: Budget,
    requests: AtomicUsize,
    asked_again: AtomicU64,
    max_requests: usize,
    timeout: Duration,
    pub(super) asks_health: bool,
    /// Who this process is to a service of the platform; nothing to say to others.
    identity: Option<Identity>,
}

/// What the sites resolved to last.
#[derive(Debug, Default)]
struct Resolved {
    /// Each address with the number of its site.
    addresses: BTreeMap<SocketAddr, usize>,
    tried: Option<Instant>,
}

impl Balanced {
    /// Makes the way to a service. Nothing is resolved or connected yet.
    ///
    /// # Errors
    /// Says what of the configuration cannot be used.
    pub fn new(name: &str, config: &UpstreamConfig) -> Result<Balanced, UpstreamError> {
        Balanced::made(name, config, None)
    }

    /// Makes the way to a service of the platform, which may have several replicas. `bearer` is this process's own credential, as
    /// [`GrpcChannel::connect`](crate::channel::GrpcChannel::connect) has it; where `vouches`, it vouches for the address that each
    /// call comes from.
    ///
    /// # Errors
    /// Says what of the configuration cannot be used.
    pub fn to_platform(
        name: &str,
        config: &RemoteConfig,
        bearer: Option<&SecretString>,
        vouches: bool,
    ) -> Result<Balanced, RemoteError> {
        let credential = bearer.map(ServiceCredential::new).transpose().map_err(|_| RemoteError::Credential)?;
        let identity = match credential {
            Some(credential) if vouches => Identity::Vouching(credential),
            credential => Identity::Remote(credential),
        };
        config.check()?;
        let upstream = UpstreamConfig {
            ca_file: config.ca_file.clone(),
            certificate_file: config.certificate_file.clone(),
            key_file: config.key_file.clone(),
            max_requests: usize::MAX,
            ..UpstreamConfig::at(config.replicas().map(str::to_owned).collect())
        };
        let bad = |_| RemoteError::Url { url: config.url.clone() };
        Balanced::made(name, &upstream, Some(identity)).map_err(bad)
    }

    fn made(name: &str, config: &UpstreamConfig, identity: Option<Identity>) -> Result<Balanced, UpstreamError> {
        Ok(Balanced(Arc::new(Pool {
            name: name.into(),
            sites: config.sites()?,
            members: ArcSwap::default(),
            resolved: Mutex::default(),
            lot: Lot::default(),
            budget: Budget::full(),
            requests: AtomicUsize::new(0),
            asked_again: AtomicU64::new(0),
            max_requests: config.max_requests,
            timeout: config.timeout(),
            asks_health: config.health,
            identity,
        })))
    }
}

impl Balanced {
    /// Shows how it is.
    pub fn observe(&self, metrics: &Metrics) {
        let pool = Arc::clone(&self.0);
        metrics.observe_replicas(&self.0.name, move || pool.counts());
    }
}

impl Channel for Balanced {
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Reply, Fault>> {
        let pool = Arc::clone(&self.0);
        Box::pin(async move {
            let place = Place::take(&pool)?;
            let longest = call.is_unary().then(|| Instant::now() + pool.timeout);
            // A service of the platform is given the time that its caller has.
            let deadline = match (call.deadline, longest) {
                (Some(deadline), Some(longest)) if pool.identity.is_none() => Some(deadline.min(longest)),
                (deadline, longest) => deadline.or(longest),
            };
            let answer = pool.perform(call, deadline, place);
            match deadline {
                None => answer.await,
                Some(deadline) => tokio::time::timeout_at(deadline.into(), answer)
                    .await
                    .unwrap_or_else(|_| Err(Fault::new(Reason::DeadlineExceeded))),
            }
        })
    }
}

impl Pool {
    fn counts(&self) -> ReplicaCounts {
        let members = self.members.load();
        let well = members.iter().filter(|member| member.is_well()).count();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        ReplicaCounts {
            well: number(well),
            left_out: number(members.len() - well),
            calls: number(self.requests.load(Ordering::Relaxed)),
            asked_again: self.asked_again.load(Ordering::Relaxed),
        }
    }

    async fn perform(
        self: &Arc<Pool>,
        mut call: Call,
        deadline: Option<Instant>,
        place: Place,
    ) -> Result<Reply, Fault> {
        if self.members.load().is_empty() {
            self.resolve_once().await;
        }
        let streams = call.target.streams;
        let repeatable = call.target.repeatable;
        let mut input = Some(std::mem::replace(&mut call.input, Input::Message(Bytes::new())));
        let sending = Sending::of(self.identity.as_ref(), call, deadline)?;
        self.budget.earn();
        let mut tried: Vec<SocketAddr> = Vec::new();
        for attempt in 1.. {
            let members = self.members.load_full();
            let member = pick(&self.lot, &members, &tried).ok_or_else(|| self.nowhere())?;
            if tried.contains(&member.address) {
                tokio::time::sleep(PAUSE * attempt).await;
            }
            // A stream is spent with the first who hears it.
            let (sent, rest) = match input.take() {
                Some(Input::Message(message)) => (Input::Message(message.clone()), Some(Input::Message(message))),
                Some(stream) => (stream, None),
                None => break,
            };
            input = rest;
            let work = member.work();
            match send(member.connection.clone(), sending.request(), sent, streams).await {
                Ok(reply) => {
                    member.answered();
                    return Ok(held(reply, work, place));
                }
                Err(unanswered) => {
                    let (was_not_sent, is_away) = (unanswered.was_not_sent(), unanswered.is_unavailable());
                    let fault = self.fault(unanswered);
                    // What a service of the platform cannot do for now is not what it cannot do at all.
                    let is_away = was_not_sent || (is_away && self.says_that_it_is_away(&fault));
                    match is_away {
                        true => member.failed(was_not_sent),
                        false => member.answered(),
                    }
                    let may_again = is_away && (was_not_sent || repeatable) && input.is_some();
                    if !may_again || attempt >= ATTEMPTS || !self.budget.spend() {
                        return Err(fault);
                    }
                    self.asked_again.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(upstream = %self.name, address = %member.address, attempt, "asking again");
                    tried.push(member.address);
                }
            }
        }
        Err(self.nowhere())
    }

    /// Resolves the names where nobody has yet. Of those who come meanwhile one does, and the others have what it finds.
    async fn resolve_once(&self) {
        let mut resolved = self.resolved.lock().await;
        let is_new = resolved.tried.is_none_or(|tried| tried.elapsed() > RESOLVED_FOR);
        if self.members.load().is_empty() && is_new {
            self.resolve_into(&mut resolved).await;
        }
    }

    /// Resolves the names, and lets members come and leave. One that leaves finishes the calls that it has.
    pub(super) async fn resolve(&self) {
        self.resolve_into(&mut *self.resolved.lock().await).await;
    }

    async fn resolve_into(&self, resolved: &mut Resolved) {
        let now = resolve(&self.sites, &resolved.addresses).await;
        resolved.tried = Some(Instant::now());
        let members = self.members.load();
        if now == resolved.addresses && !members.is_empty() {
            return;
        }
        let known = |address: &SocketAddr| members.iter().find(|member| member.address == *address).cloned();
        let next = now.iter().filter_map(|(address, site)| {
            known(address).or_else(|| self.sites.get(*site).map(|site| Member::new(site, *address)))
        });
        let next: Vec<_> = next.collect();
        tracing::debug!(upstream = %self.name, members = next.len(), "an upstream has other addresses");
        self.members.store(Arc::new(next));
        resolved.addresses = now;
    }

    fn nowhere(&self) -> Fault {
        Fault::new(Reason::Unavailable).message(format!("the upstream `{}` has no address", self.name))
    }

    fn says_that_it_is_away(&self, fault: &Fault) -> bool {
        self.identity.is_none() || matches!(fault.reason(), None | Some(Reason::Unavailable | Reason::ShuttingDown))
    }

    /// What a caller is told.
    fn fault(&self, unanswered: Unanswered) -> Fault {
        let fault = Fault::from(unanswered);
        if self.identity.is_none() { of_stranger(fault) } else { fault }
    }
}

/// What a caller is told of a service that is not the platform's. What it says of its inside is for the logs.
fn of_stranger(fault: Fault) -> Fault {
    use tonic::Code;
    match fault.code() {
        Code::Internal | Code::Unknown | Code::DataLoss => Fault::internal(fault),
        _ => fault,
    }
}

/// A place among the calls that a service has at once.
struct Place(Arc<Pool>);

impl Place {
    fn take(pool: &Arc<Pool>) -> Result<Place, Fault> {
        let place = Place(Arc::clone(pool));
        if pool.requests.fetch_add(1, Ordering::Relaxed) >= pool.max_requests {
            return Err(Fault::new(Reason::Overloaded).retry_after(RETRY_AFTER));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A reply that is the load of whoever gives it until it is over.
fn held(reply: Reply, work: Busy, place: Place) -> Reply {
    match reply {
        Reply::Stream(messages) => {
            let is_strangers = place.0.identity.is_none();
            Reply::Stream(Held { messages, is_strangers, _held: (work, place) }.boxed())
        }
        other => other,
    }
}

struct Held {
    messages: Messages,
    is_strangers: bool,
    _held: (Busy, Place),
}

impl Stream for Held {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let told = if self.is_strangers { of_stranger } else { std::convert::identity };
        self.messages.poll_next_unpin(cx).map(|item| item.map(|message| message.map_err(told)))
    }
}
