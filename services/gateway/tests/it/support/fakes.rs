//! Services behind the gateway that answer what a test says, and remember what they were asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, HeaderValue};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Principal;
use mainstay_proto::data::v1::Contract;
use mainstay_runtime::channel::{Call, Channel, Input, Reply};
use prost::Message as _;
use tokio::sync::{Notify, watch};

/// A call as a service heard it.
#[derive(Debug, Clone)]
pub struct Heard {
    pub path: Arc<str>,
    pub streams: bool,
    /// The message; of a stream all of them, joined.
    pub message: Bytes,
    pub principal: Principal,
    pub token: Option<HeaderValue>,
    pub request_id: Option<HeaderValue>,
    pub deadline: Option<std::time::Instant>,
    pub metadata: HeaderMap,
    /// Whether something is wrong with it.
    pub defective: bool,
}

/// Makes the answer to a call, at once or later.
type Answer = Box<dyn Fn(&Heard) -> BoxFuture<'static, Result<Reply, Fault>> + Send + Sync>;

/// A service. Methods without an answer of their own answer with the request's bytes.
pub struct FakeService {
    answers: Mutex<HashMap<String, Answer>>,
    calls: Mutex<Vec<Heard>>,
    contract: watch::Sender<Option<Contract>>,
    broken: Notify,
    refusals: AtomicUsize,
}

impl Default for FakeService {
    fn default() -> FakeService {
        FakeService {
            answers: Mutex::default(),
            calls: Mutex::default(),
            contract: watch::channel(None).0,
            broken: Notify::new(),
            refusals: AtomicUsize::new(0),
        }
    }
}

impl FakeService {
    /// Answers calls of a method (`/library.v1.Library/GetMessage`) as `answer` says.
    pub fn on(&self, path: &str, answer: impl Fn(&Heard) -> Result<Reply, Fault> + Send + Sync + 'static) {
        self.on_later(path, move |call| Box::pin(std::future::ready(answer(call))));
    }

    /// The same with an answer that takes its time.
    pub fn on_later(
        &self,
        path: &str,
        answer: impl Fn(&Heard) -> BoxFuture<'static, Result<Reply, Fault>> + Send + Sync + 'static,
    ) {
        lock(&self.answers).insert(path.to_owned(), Box::new(answer));
    }

    /// Answers calls of a method with an empty message.
    pub fn on_empty(&self, path: &str) {
        self.on(path, |_| Ok(Reply::Message(Bytes::new())));
    }

    /// Streams a contract to whoever watches.
    pub fn publish(&self, revision: i64, descriptor_set: &[u8]) {
        self.publish_open(revision, descriptor_set, &[]);
    }

    /// The same of a contract of which these methods are open to everybody.
    pub fn publish_open(&self, revision: i64, descriptor_set: &[u8], open: &[&str]) {
        let open_methods = open.iter().map(|path| (*path).to_owned()).collect();
        let descriptor_set = Bytes::copy_from_slice(descriptor_set);
        let hash = format!("{revision}-{}", descriptor_set.len());
        self.contract.send_replace(Some(Contract {
            revision,
            hash,
            descriptor_set,
            open_methods,
            ..Contract::default()
        }));
    }

    /// Ends the open streams of contracts, as a service does that stops.
    pub fn break_streams(&self) {
        self.broken.notify_waiters();
    }

    /// Refuses the next `count` watches.
    pub fn refuse_watches(&self, count: usize) {
        self.refusals.store(count, Ordering::Relaxed);
    }

    /// The calls so far that were no watches or health checks.
    pub fn calls(&self) -> Vec<Heard> {
        lock(&self.calls).clone()
    }

    /// Whether nothing was asked for that was to be done: a call with defects only asks who may be told.
    pub fn was_asked_for_nothing(&self) -> bool {
        self.calls().iter().all(|call| call.defective)
    }

    /// The last call that there was.
    pub fn last_call(&self) -> Heard {
        self.calls().pop().expect("there was a call")
    }

    /// The one call that there was.
    pub fn only_call(&self) -> Heard {
        let mut calls = self.calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls.remove(0)
    }

    fn watch(self: &Arc<Self>) -> Result<Reply, Fault> {
        let refused = self.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if refused.is_ok() {
            return Err(Fault::new(Reason::Unavailable));
        }
        let service = self.clone();
        let broken = async move { service.broken.notified().await };
        let contracts = tokio_stream::wrappers::WatchStream::new(self.contract.subscribe());
        let messages = contracts.filter_map(|contract| async { contract.map(|c| Ok(Bytes::from(c.encode_to_vec()))) });
        Ok(Reply::Stream(messages.take_until(Box::pin(broken)).boxed()))
    }
}

/// A handle that is the channel to a fake.
#[derive(Clone)]
pub struct FakeChannel(pub Arc<FakeService>);

impl Channel for FakeChannel {
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Reply, Fault>> {
        let service = self.0.clone();
        Box::pin(async move {
            let Call { target, principal, input, defects, token, request_id, deadline, metadata, .. } = call;
            let message = match input {
                Input::Message(message) => message,
                Input::Stream(messages) => {
                    let messages: Vec<Bytes> = messages.try_collect().await?;
                    Bytes::from(messages.concat())
                }
            };
            let heard = Heard {
                path: target.method,
                streams: target.streams,
                message,
                principal,
                token,
                request_id,
                deadline,
                metadata,
                defective: defects.is_some(),
            };
            // As a service does: first who may, then what is wrong.
            let reply = service.answer(heard).await?;
            defects.map_or(Ok(reply), Err)
        })
    }
}

impl FakeService {
    async fn answer(self: &Arc<Self>, heard: Heard) -> Result<Reply, Fault> {
        let told = lock(&self.answers).get(&*heard.path).map(|answer| answer(&heard));
        match (&*heard.path, told) {
            (_, Some(told)) => {
                lock(&self.calls).push(heard);
                told.await
            }
            ("/mainstay.data.v1.ContractService/WatchContract", None) => self.watch(),
            // HealthCheckResponse {status: SERVING}
            ("/grpc.health.v1.Health/Check", None) => Ok(Reply::Message(Bytes::from_static(&[8, 1]))),
            _ => {
                let echo = heard.message.clone();
                lock(&self.calls).push(heard);
                Ok(Reply::Message(echo))
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
