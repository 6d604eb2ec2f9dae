//! Services whose frame tonic generates, behind a stack.

use crate::{Access, Body, Cookies, Effect, Endpoint, Exchange, Messages, Native, Resolved, defects, ended, framed};
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
    effect: Effect,
    streams: bool,
    messages: Messages,
    route: Arc<Route>,
}

impl Policies {
    /// Knows no method.
    pub fn new() -> Policies {
        Policies::default()
    }

    /// Adds a method that takes one message. `path` is `/package.Service/Method`; `streams` says whether it answers with a
    /// stream.
    #[must_use]
    pub fn method(self, metrics: &Metrics, path: &str, access: Access, streams: bool) -> Policies {
        let effect = Effect::Governs;
        self.add(path, Policy { access, effect, streams, messages: Messages::One, route: metrics.route(path) })
    }

    /// Adds a method that takes a stream of messages and answers with one.
    #[must_use]
    pub fn conversation(self, metrics: &Metrics, path: &str, access: Access) -> Policies {
        let (effect, streams, messages) = (Effect::Governs, true, Messages::Many);
        self.add(path, Policy { access, effect, streams, messages, route: metrics.route(path) })
    }

    /// Says of a method that it was added for that it changes nothing. Of all others it is assumed that they do.
    #[must_use]
    pub fn reading(mut self, path: &str) -> Policies {
        if let Some(policy) = self.0.get_mut(path) {
            policy.effect = Effect::Inspects;
        }
        self
    }

    fn add(mut self, path: &str, policy: Policy) -> Policies {
        self.0.insert(path.into(), policy);
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
    type Protocol = Native;
    /// What it takes, and whether it answers with a stream.
    type Target = (Messages, bool);

    fn resolve(&self, parts: &Parts, protocol: Native) -> Result<Resolved<(Messages, bool)>, Fault> {
        let policy = self.policies.0.get(parts.uri.path()).ok_or_else(|| Fault::new(Reason::MethodNotFound))?;
        protocol.only_grpc()?;
        let Policy { access, effect, streams, messages, route } = policy;
        Ok(Resolved {
            target: (*messages, *streams),
            access: access.clone(),
            effect: *effect,
            takes: *messages,
            cookies: Cookies::Ignored,
            streams: *streams,
            route: route.clone(),
        })
    }

    async fn handle(&self, exchange: Exchange<(Messages, bool)>) -> Result<http::Response<Body>, Fault> {
        let Exchange { mut request, context, target: (takes, streams), .. } = exchange;
        let end = if streams { context.end() } else { None };
        // Whoever may call is told now what is wrong; the routes behind never see it.
        if let Some(defects) = defects(request.headers()) {
            return Err(defects);
        }
        request.extensions_mut().insert(context.principal.clone());
        request.extensions_mut().insert(context);
        let answer = framed(request, takes, async |request| match self.routes.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        });
        Ok(answer.await?.map(|body| ended(body, end)))
    }
}
