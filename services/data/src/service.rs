//! The data service as a value: one way in for every call, in memory or from the network.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use mainstay_contract::{Right, Shape, Verb};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Clock, Principal};
use mainstay_layers::{Access, Effect};
use mainstay_runtime::channel::{Call, Channel, FIELD_MASK, Reply, Target};

use crate::domain::context::{Context, Operation};
use crate::domain::{
    batch_create, batch_delete, batch_get, batch_update, commit, create, delete, get, history, list, transact,
    transition, undelete, update,
};
use crate::error::{Error, Result};
use crate::plans::{FormerNames, Snapshot};
use crate::rights::Caller;
use crate::served::Served;
use crate::start;

/// How often a call is tried again because the schema changed under its statement.
pub const MAX_REPLANS: usize = 3;

/// What all calls share.
pub struct Resources {
    pub context: Context,
    pub served: Arc<Served>,
    pub clock: Arc<dyn Clock>,
    /// Held while the names of an earlier revision are looked up, so that it is done once.
    pub recalling: tokio::sync::Mutex<()>,
}

/// A method of a resource, and the snapshot in which it was found.
pub struct Found {
    snapshot: Arc<Snapshot>,
    shape: Shape,
    /// The revision that the method's name is from: the caller's, or the one that was served as the call came in.
    meant: i64,
}

/// Whether the data service has a method of the application's.
pub enum Finding {
    Here(Found),
    /// The caller names it by a revision that this process does not know: it is looked for when it is called.
    Perhaps,
    Nowhere,
}

/// What a call of a method may do.
fn effect(shape: Shape) -> Effect {
    let reads = shape.verb().is_some_and(|verb| verb.right() == Right::Read);
    if reads { Effect::Reads } else { Effect::Changes }
}

/// What a method needs of a call.
struct Request {
    path: Arc<str>,
    principal: Principal,
    message: Bytes,
    deadline: Option<Instant>,
    peer: Option<IpAddr>,
    read_mask: Option<Arc<str>>,
    defects: Option<Arc<Fault>>,
}

impl Resources {
    /// Finds one of a resource's methods, as it is served now, by the name that it has in the revision that its caller means.
    pub fn find(&self, path: &str, contract: Option<i64>) -> Finding {
        let snapshot = self.served.load();
        let meant = contract.unwrap_or(snapshot.revision);
        if !self.served.knows(&snapshot, meant) {
            return Finding::Perhaps;
        }
        match self.served.method(&snapshot, meant, path) {
            Some(shape) => Finding::Here(Found { snapshot, shape, meant }),
            None => Finding::Nowhere,
        }
    }

    /// Answers a call to one of a resource's methods.
    pub async fn call(&self, call: Call) -> std::result::Result<Bytes, Fault> {
        let finding = self.find(&call.target.method, call.target.contract);
        self.call_found(finding, call).await
    }

    /// Answers a call whose method was looked for when it came in.
    pub async fn call_found(&self, finding: Finding, call: Call) -> std::result::Result<Bytes, Fault> {
        let found = match finding {
            Finding::Here(found) => Some(found),
            Finding::Perhaps => {
                let Target { method, contract, .. } = call.target.clone();
                Box::pin(async move { self.look(&method, contract).await }).await
            }
            Finding::Nowhere => None,
        };
        let found = found.ok_or_else(|| Fault::new(Reason::MethodNotFound))?;
        self.answer(found, Request::of(call)?).await
    }

    /// Runs a method on the snapshot in which it was found, and again on the next one if the schema changed meanwhile: a
    /// statement that was made for another revision never reads or writes anything (its names do not exist any more).
    async fn answer(&self, mut found: Found, request: Request) -> std::result::Result<Bytes, Fault> {
        let mut replans = 0;
        loop {
            let Found { snapshot, shape, meant } = found;
            let resource = match shape {
                Shape::Resource { resource, .. } => Some(resource),
                Shape::Commit { commit } => snapshot.contract.commits[commit].resources().next(),
                Shape::Own => None,
            };
            let Some(resource) = resource else { return Err(Fault::new(Reason::MethodNotFound)) };
            // Here, however the call came, and by what the method is in the end. Who else may is said by rules.
            effect(shape).admit(&request.principal, &Access::Anyone)?;
            let revision = snapshot.revision;
            let caller = Caller::new(request.principal.clone(), self.clock.now_micros(), &snapshot.contract.roles);
            let op = Operation {
                snapshot,
                resource,
                caller,
                deadline: request.deadline,
                peer: request.peer,
                explains: self.context.explains,
                read_mask: request.read_mask.clone(),
                defects: request.defects.clone(),
                remembered: false,
            };
            match self.perform(shape, op, &request.message).await {
                Err(Error::StaleSchema(source)) if replans < MAX_REPLANS => {
                    replans += 1;
                    if !Box::pin(self.served.newer_than(revision)).await {
                        return Err(Error::StaleSchema(source).into());
                    }
                    let again = self.now(&request.path, meant);
                    found = again.ok_or_else(|| Fault::new(Reason::MethodNotFound))?;
                }
                other => return other.map_err(Fault::from),
            }
        }
    }

    /// What a name from a revision means now.
    fn now(&self, path: &str, meant: i64) -> Option<Found> {
        let snapshot = self.served.load();
        let shape = self.served.method(&snapshot, meant, path)?;
        Some(Found { snapshot, shape, meant })
    }

    /// Looks for a method by a name from a revision that this process does not know: a newer one is waited for, the names of
    /// an older one are looked up.
    #[cold]
    async fn look(&self, path: &str, contract: Option<i64>) -> Option<Found> {
        let snapshot = self.served.load();
        let meant = contract.unwrap_or(snapshot.revision);
        if meant > snapshot.revision {
            self.served.at_least(meant).await;
        } else {
            self.recall(&snapshot, meant).await;
        }
        self.now(path, meant)
    }

    /// Looks up what methods were called in a revision that this process has not served. What cannot be found out is
    /// remembered as well: its names are taken as they are now.
    async fn recall(&self, snapshot: &Snapshot, revision: i64) {
        let _one = self.recalling.lock().await;
        if self.served.knows(snapshot, revision) {
            return;
        }
        let names = match start::former(&self.context.db, revision).await {
            Ok(Some(contract)) => FormerNames::of(&contract, revision),
            Ok(None) => FormerNames::of(&snapshot.contract, revision),
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(error, revision, "the names of an earlier contract cannot be looked up");
                return;
            }
        };
        self.served.remember(names);
    }

    async fn perform(&self, shape: Shape, op: Operation, message: &Bytes) -> Result<Bytes> {
        let cx = &self.context;
        // All but the hottest are boxed: the future of a Get would else be as large as that of an Update, and moved.
        let verb = match shape {
            Shape::Resource { verb, .. } => verb,
            Shape::Commit { commit } => {
                return Box::pin(transact::run(cx, commit::read(op, commit, message))).await;
            }
            Shape::Own => return Err(Error::OutOfTurn),
        };
        match verb {
            Verb::Get => get::get(cx, &op, message).await,
            Verb::List => Box::pin(list::list(cx, &op, message)).await,
            Verb::Create => Box::pin(transact::run(cx, create::read(op, message.clone()))).await,
            Verb::Update => Box::pin(transact::run(cx, update::read(op, message.clone()))).await,
            Verb::Delete => Box::pin(transact::run(cx, delete::read(op, message.clone()))).await,
            Verb::Undelete => Box::pin(transact::run(cx, undelete::read(op, message.clone()))).await,
            Verb::BatchGet => Box::pin(batch_get::batch_get(cx, &op, message)).await,
            Verb::BatchCreate => Box::pin(transact::run(cx, batch_create::read(op, message.clone()))).await,
            Verb::BatchUpdate => Box::pin(transact::run(cx, batch_update::read(op, message.clone()))).await,
            Verb::BatchDelete => Box::pin(transact::run(cx, batch_delete::read(op, message.clone()))).await,
            Verb::History => Box::pin(history::history(cx, &op, message)).await,
            Verb::Transition(which) => Box::pin(transact::run(cx, transition::read(op, which, message.clone()))).await,
        }
    }
}

impl Request {
    fn of(call: Call) -> std::result::Result<Request, Fault> {
        let (read_mask, unreadable) = match read_mask(&call.metadata) {
            Ok(mask) => (mask, None),
            Err(fault) => (None, Some(fault)),
        };
        Ok(Request {
            path: call.target.method,
            principal: call.principal,
            message: call.input.message()?,
            deadline: call.deadline,
            peer: call.peer,
            read_mask,
            defects: call.defects.or(unreadable).map(Arc::new),
        })
    }
}

/// The fields that the caller wants back: all the headers that name some, as one list (RFC 9110, section 5.3).
fn read_mask(metadata: &HeaderMap) -> std::result::Result<Option<Arc<str>>, Fault> {
    let mut joined = String::new();
    for mask in metadata.get_all(FIELD_MASK) {
        let mask = mask.to_str().map_err(|_| {
            Fault::new(Reason::InvalidMask).message(format!("the header `{FIELD_MASK}` holds no names of fields"))
        })?;
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(mask);
    }
    Ok((!joined.is_empty()).then(|| Arc::from(joined)))
}

/// The way to the data service for a gateway in the same process.
pub struct DataChannel {
    pub resources: Arc<Resources>,
    /// The platform's own methods: administration of contracts.
    pub platform: Arc<dyn Channel>,
}

impl Channel for DataChannel {
    fn call(&self, call: Call) -> BoxFuture<'static, std::result::Result<Reply, Fault>> {
        match self.resources.find(&call.target.method, call.target.contract) {
            // What is moved into the box is what the method needs, and not the whole call.
            Finding::Here(found) => {
                let (resources, request) = (Arc::clone(&self.resources), Request::of(call));
                Box::pin(async move { resources.answer(found, request?).await.map(Reply::Message) })
            }
            Finding::Perhaps => {
                let resources = Arc::clone(&self.resources);
                Box::pin(async move { resources.call_found(Finding::Perhaps, call).await.map(Reply::Message) })
            }
            Finding::Nowhere => self.platform.call(call),
        }
    }
}
