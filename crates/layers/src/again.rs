//! The way back to the front of a stack, for calls that come inside of a request.

use crate::Body;
use http::{Request, Response};
use mainstay_fault::{Fault, Reason};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Sends requests through the stack that its holder stands behind. Such a request is one like every other: it has an id, a span
/// and a place of its own, and is let in and counted by the method that it is about. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Again(Arc<dyn Fn(Request<Body>) -> Option<Answering> + Send + Sync>);

impl Again {
    /// Sends requests through what `pass` says; nothing where that is gone.
    pub fn new(pass: impl Fn(Request<Body>) -> Option<Answering> + Send + Sync + 'static) -> Again {
        Again(Arc::new(pass))
    }

    /// Sends a request. Fails where the stack is not there any more.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Fault> {
        match (self.0)(request) {
            Some(answering) => Ok(answering.await),
            None => Err(Fault::new(Reason::ShuttingDown)),
        }
    }
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Again")
    }
}
