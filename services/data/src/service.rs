//! The data service as a value: one way in for every call, in memory or from the network.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use mainstay_contract::Standard;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Clock, Principal};
use mainstay_runtime::channel::{Call, Channel, FIELD_MASK, Reply};

use crate::domain::caller::Caller;
use crate::domain::context::{Context, Operation};
use crate::domain::{create, delete, get, list, update};
use crate::error::{Error, Result};
use crate::plans::{Bound, Snapshot};
use crate::served::Served;

/// How often a call is tried again because the schema changed under its statement.
pub const MAX_REPLANS: usize = 3;

/// What all calls share.
pub struct Resources {
    pub context: Context,
    pub served: Arc<Served>,
    pub clock: Arc<dyn Clock>,
}

/// A method of a resource, and the snapshot in which it was found.
pub struct Found {
    snapshot: Arc<Snapshot>,
    bound: Bound,
}

/// What a method needs of a call.
struct Request {
    path: Arc<str>,
    principal: Principal,
    message: Bytes,
    read_mask: Option<Arc<str>>,
}

impl Resources {
    /// Finds one of a resource's methods, as it is served now.
    pub fn find(&self, path: &str) -> Option<Found> {
        let snapshot = self.served.load();
        let bound = snapshot.method(path)?;
        Some(Found { snapshot, bound })
    }

    /// Answers a call to one of a resource's methods.
    pub async fn call(&self, call: &Call) -> std::result::Result<Bytes, Fault> {
        let found = self.find(&call.path).ok_or_else(|| Fault::new(Reason::MethodNotFound))?;
        self.answer(found, Request::of(call)?).await
    }

    /// Runs a method on the snapshot in which it was found, and again on the next one if the schema changed meanwhile: a
    /// statement that was made for another revision never reads or writes anything (its names do not exist any more).
    async fn answer(&self, mut found: Found, request: Request) -> std::result::Result<Bytes, Fault> {
        let mut replans = 0;
        loop {
            let Found { snapshot, bound } = found;
            let revision = snapshot.revision;
            let caller = Caller { principal: request.principal.clone(), now: self.clock.now_micros() };
            let (method, read_mask) = (Arc::clone(&request.path), request.read_mask.clone());
            let op = Operation { snapshot, resource: bound.resource, caller, method, read_mask };
            match self.perform(&op, bound, &request.message).await {
                Err(Error::StaleSchema) if replans < MAX_REPLANS => {
                    replans += 1;
                    if !Box::pin(self.served.newer_than(revision)).await {
                        return Err(Error::StaleSchema.into());
                    }
                    found = self.find(&request.path).ok_or_else(|| Fault::new(Reason::MethodNotFound))?;
                }
                other => return other.map_err(Fault::from),
            }
        }
    }

    async fn perform(&self, op: &Operation, bound: Bound, message: &[u8]) -> Result<Bytes> {
        let cx = &self.context;
        // All but the hottest are boxed: the future of a Get would else be as large as that of an Update, and moved.
        match bound.kind {
            Standard::Get => get::get(cx, op, message).await,
            Standard::List => Box::pin(list::list(cx, op, message)).await,
            Standard::Create => Box::pin(create::create(cx, op, message)).await,
            Standard::Update => Box::pin(update::update(cx, op, message)).await,
            Standard::Delete => Box::pin(delete::delete(cx, op, message)).await,
        }
    }
}

impl Request {
    fn of(call: &Call) -> std::result::Result<Request, Fault> {
        Ok(Request {
            path: Arc::clone(&call.path),
            principal: call.principal.clone(),
            message: call.message.clone(),
            read_mask: read_mask(&call.metadata)?,
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
        let Some(found) = self.resources.find(&call.path) else { return self.platform.call(call) };
        let (resources, request) = (Arc::clone(&self.resources), Request::of(&call));
        Box::pin(async move { resources.answer(found, request?).await.map(Reply::Unary) })
    }
}
