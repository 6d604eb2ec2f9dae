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
use crate::plans::Bound;
use crate::served::Served;

/// How often a call is tried again because the schema changed under its statement.
pub const MAX_REPLANS: usize = 3;

/// What all calls share.
pub struct Resources {
    pub context: Context,
    pub served: Arc<Served>,
    pub clock: Arc<dyn Clock>,
}

impl Resources {
    /// Says whether a path is one of a resource's methods, now.
    pub fn serves(&self, path: &str) -> bool {
        self.served.load().method(path).is_some()
    }

    /// Answers a call to one of a resource's methods.
    pub async fn call(&self, call: &Call) -> std::result::Result<Bytes, Fault> {
        let read_mask = read_mask(&call.metadata)?;
        self.run(&call.path, &call.principal, &call.message, read_mask).await.map_err(|error| match error {
            Some(error) => error.into(),
            None => Fault::new(Reason::MethodNotFound),
        })
    }

    /// Runs a method on the snapshot that is served now, and again on the next one if the schema changed meanwhile: a
    /// statement that was made for another revision never reads or writes anything (its names do not exist any more).
    async fn run(
        &self,
        path: &Arc<str>,
        principal: &Principal,
        message: &Bytes,
        read_mask: Option<Arc<str>>,
    ) -> std::result::Result<Bytes, Option<Error>> {
        let mut replans = 0;
        loop {
            let snapshot = self.served.load();
            let revision = snapshot.revision;
            let bound = snapshot.method(path).ok_or(None)?;
            let caller = Caller { principal: principal.clone(), now: self.clock.now_micros() };
            let (method, read_mask) = (Arc::clone(path), read_mask.clone());
            let op = Operation { snapshot, resource: bound.resource, caller, method, read_mask };
            match self.perform(&op, bound, message).await {
                Err(Error::StaleSchema) if replans < MAX_REPLANS => {
                    replans += 1;
                    if !self.served.newer_than(revision).await {
                        return Err(Some(Error::StaleSchema));
                    }
                }
                other => return other.map_err(Some),
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
        if !self.resources.serves(&call.path) {
            return self.platform.call(call);
        }
        let resources = Arc::clone(&self.resources);
        Box::pin(async move { resources.call(&call).await.map(Reply::Unary) })
    }
}
