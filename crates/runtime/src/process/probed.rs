//! The probes of a port whose service has no routes for them.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{Request, Response};
use mainstay_layers::Body;

use crate::Readiness;
use crate::operations::probe;

/// Answers `/healthz` and `/readyz`, and hands everything else to a service.
#[derive(Clone)]
pub struct Probed<S> {
    readiness: Readiness,
    service: S,
}

impl<S> Probed<S> {
    /// Puts the probes in front of the service.
    pub fn new(readiness: Readiness, service: S) -> Probed<S> {
        Probed { readiness, service }
    }
}

impl<S> tower::Service<Request<Body>> for Probed<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response<Body>, Infallible>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match probe(&self.readiness, request.method(), request.uri().path()) {
            Some(answer) => Either::Left(ready(Ok(answer))),
            None => Either::Right(self.service.call(request)),
        }
    }
}
