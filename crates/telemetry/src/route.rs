//! Where the requests of one method are counted.

use http::{Method, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundHistogram, Histogram};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// How a request ended, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    method: &'static str,
    status: StatusCode,
    grpc: Option<i32>,
}

impl Outcome {
    /// Makes the outcome of a request. `grpc` is the gRPC code, for gRPC answers, whose HTTP status is nearly always 200.
    pub fn new(method: &Method, status: StatusCode, grpc: Option<i32>) -> Outcome {
        Outcome { method: method_label(method), status, grpc }
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the gRPC code, for gRPC answers.
    pub fn grpc(&self) -> Option<i32> {
        self.grpc
    }
}

/// The counters of one route. Made once per method, so that counting a request looks nothing up.
pub struct Route {
    name: Box<str>,
    duration: Histogram<f64>,
    /// One entry per outcome that occurred; a handful, so that a scan beats a hash.
    bound: RwLock<Vec<(Outcome, BoundHistogram<f64>)>>,
}

impl Route {
    pub(crate) fn new(name: Box<str>, duration: Histogram<f64>) -> Route {
        Route { name, duration, bound: RwLock::new(Vec::new()) }
    }

    /// Returns the label, for example `/shop.v1.ProductService/GetProduct`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Counts one request.
    pub fn record(&self, outcome: &Outcome, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        {
            let bound = self.bound.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, histogram)) = bound.iter().find(|(known, _)| known == outcome) {
                return histogram.record(seconds);
            }
        }
        self.bind(outcome).record(seconds);
    }

    fn bind(&self, outcome: &Outcome) -> BoundHistogram<f64> {
        let mut bound = self.bound.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, histogram)) = bound.iter().find(|(known, _)| known == outcome) {
            return histogram.clone();
        }
        let histogram = self.duration.bind(&self.attributes(outcome));
        bound.push((*outcome, histogram.clone()));
        histogram
    }

    fn attributes(&self, outcome: &Outcome) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new("http.route", self.name.to_string()),
            KeyValue::new("http.request.method", outcome.method),
            KeyValue::new("http.response.status_code", i64::from(outcome.status.as_u16())),
        ];
        if let Some(code) = outcome.grpc {
            attributes.push(KeyValue::new("rpc.grpc.status_code", i64::from(code)));
        }
        attributes
    }
}

/// The method's label; what is no method of HTTP's own is one label, so that callers cannot make labels.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Route").field(&self.name).finish()
    }
}
