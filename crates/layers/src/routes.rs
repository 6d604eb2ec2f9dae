//! Services whose frame tonic generates, behind a stack.

use crate::{Access, Body, Endpoint, Exchange, Resolved};
use http::request::Parts;
use mainstay_fault::{Fault, Reason};
use mainstay_telemetry::{Metrics, Route};
use std::collections::HashMap;
use std::sync::Arc;
use tonic::service::Routes;
use tower::ServiceExt as _;

/// Who may call which method. A method that is not in here does not exist.
#[derive(Debug, Default)]
pub struct Policies(HashMap<Box<str>, Policy>);

#[derive(Debug)]
struct Policy {
    access: Access,
    streams: bool,
    route: Arc<Route>,
}

impl Policies {
    /// Knows no method.
    pub fn new() -> Policies {
        Policies::default()
    }

    /// Adds a method. `path` is `/package.Service/Method`; `streams` says whether it answers with a stream.
    #[must_use]
    pub fn method(mut self, metrics: &Metrics, path: &str, access: Access, streams: bool) -> Policies {
        self.0.insert(path.into(), Policy { access, streams, route: metrics.route(path) });
        self
    }

    /// Returns every method and who may call it, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Access)> {
        self.0.iter().map(|(path, policy)| (&**path, &policy.access))
    }
}

/// An [`Endpoint`] over tonic's routes. Handlers find the caller with [`caller`](crate::caller).
pub struct RoutesEndpoint {
    routes: Routes,
    policies: Policies,
}

impl RoutesEndpoint {
    /// Puts the routes behind their policies.
    pub fn new(routes: Routes, policies: Policies) -> RoutesEndpoint {
        RoutesEndpoint { routes: routes.prepare(), policies }
    }
}

impl Endpoint for RoutesEndpoint {
    type Target = ();

    fn resolve(&self, parts: &Parts) -> Result<Resolved<()>, Fault> {
        let policy = self.policies.0.get(parts.uri.path()).ok_or_else(|| Fault::new(Reason::MethodNotFound))?;
        Ok(Resolved { target: (), access: policy.access.clone(), streams: policy.streams, route: policy.route.clone() })
    }

    async fn handle(&self, exchange: Exchange<()>) -> Result<http::Response<Body>, Fault> {
        let Exchange { mut request, context, .. } = exchange;
        request.extensions_mut().insert(context.principal.clone());
        request.extensions_mut().insert(context);
        match self.routes.clone().oneshot(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }
}
