//! The counters of this process, readable as Prometheus text and, where configured, sent over OTLP.

use crate::certificates::{self, CertificateEnd};
use crate::export::{Error, metric_exporter};
use crate::job::{JobMeter, JobMeters};
use crate::replicas::{self, ReplicaCounts};
use crate::{Route, process};
use opentelemetry::metrics::{Histogram, Meter, MeterProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Bounds of the latency histogram, in seconds: the convention's, continued downwards to where our answers are.
const LATENCY_BOUNDS: [f64; 18] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0,
];

/// The label of requests that resolved to nothing. One word, so that a scanner cannot make labels.
const UNRESOLVED: &str = "unresolved";

/// The counters of this process. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    /// Kept alive: a provider that nobody holds stops counting.
    _provider: SdkMeterProvider,
    meter: Meter,
    registry: Registry,
    duration: Histogram<f64>,
    active: Arc<AtomicI64>,
    routes: Mutex<HashMap<Box<str>, Arc<Route>>>,
    unresolved: Arc<Route>,
    jobs: JobMeters,
}

/// Builds the meters: one reader for Prometheus, a second one for OTLP where an endpoint is given.
pub(crate) fn build(resource: Resource, endpoint: Option<&str>) -> Result<(SdkMeterProvider, Metrics), Error> {
    let registry = Registry::new();
    let reader = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()
        .map_err(Error::Metrics)?;
    let mut provider = SdkMeterProvider::builder().with_resource(resource).with_reader(reader);
    if let Some(endpoint) = endpoint {
        provider = provider.with_periodic_exporter(metric_exporter(endpoint)?);
    }
    let provider = provider.build();
    let meter = provider.meter("mainstay");
    let metrics = Metrics::new(provider.clone(), meter, registry);
    Ok((provider, metrics))
}

impl Metrics {
    fn new(provider: SdkMeterProvider, meter: Meter, registry: Registry) -> Metrics {
        let duration = meter
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_description("How long requests took, from their head to the end of the answer")
            .with_boundaries(LATENCY_BOUNDS.to_vec())
            .build();
        let active = Arc::new(AtomicI64::new(0));
        let observed = active.clone();
        meter
            .i64_observable_up_down_counter("http.server.active_requests")
            .with_description("Requests that are being answered")
            .with_callback(move |observer| observer.observe(observed.load(Ordering::Relaxed), &[]))
            .build();
        process::observe(&meter);
        let unresolved = Arc::new(Route::new(UNRESOLVED.into(), duration.clone()));
        let jobs = JobMeters::new(&meter);
        Metrics(Arc::new(Inner {
            _provider: provider,
            meter,
            registry,
            duration,
            active,
            routes: Mutex::default(),
            unresolved,
            jobs,
        }))
    }

    /// Returns the counters of a route, the same ones for the same name. For set-up time: keep what it returns.
    ///
    /// `name` is the full method, `/shop.v1.ProductService/GetProduct`; it must come from a contract, never from a request.
    pub fn route(&self, name: &str) -> Arc<Route> {
        let mut routes = self.0.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = routes.get(name) {
            return route.clone();
        }
        let route = Arc::new(Route::new(name.into(), self.0.duration.clone()));
        routes.insert(name.into(), route.clone());
        route
    }

    /// Returns the counters of requests that resolved to nothing.
    pub fn unresolved(&self) -> &Arc<Route> {
        &self.0.unresolved
    }

    /// Returns the counters of a background job. For set-up time: keep what it returns.
    pub fn job(&self, name: &str) -> JobMeter {
        self.0.jobs.job(name)
    }

    /// Counts a request as being answered until the guard is dropped.
    pub fn begin(&self) -> ActiveGuard {
        self.0.active.fetch_add(1, Ordering::Relaxed);
        ActiveGuard(self.0.active.clone())
    }

    /// Shows how many of something there are at the moment. For set-up time: keep what it returns.
    pub fn level(&self, name: &'static str, description: &'static str) -> Level {
        let level = Arc::new(AtomicI64::new(0));
        let observed = level.clone();
        let counter = self.0.meter.i64_observable_up_down_counter(name).with_description(description);
        counter.with_callback(move |observer| observer.observe(observed.load(Ordering::Relaxed), &[])).build();
        Level(level)
    }

    /// Returns the meter, for counters that another crate keeps.
    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// Shows a span of time as a gauge in seconds, read anew whenever somebody looks; nothing where there is none.
    pub fn observe_seconds(
        &self,
        name: &'static str,
        description: &'static str,
        read: impl Fn() -> Option<Duration> + Send + Sync + 'static,
    ) {
        let gauge = self.0.meter.f64_observable_gauge(name).with_unit("s").with_description(description);
        let gauge = gauge.with_callback(move |observer| {
            read().into_iter().for_each(|span| observer.observe(span.as_secs_f64(), &[]));
        });
        gauge.build();
    }

    /// Shows a service behind several addresses, read anew whenever somebody looks.
    pub fn observe_replicas(&self, service: &str, read: impl Fn() -> ReplicaCounts + Clone + Send + Sync + 'static) {
        replicas::observe(&self.0.meter, service, read);
    }

    /// Shows when the certificates of a port are over, read anew whenever somebody looks.
    pub fn observe_certificates(&self, read: impl Fn() -> Vec<CertificateEnd> + Send + Sync + 'static) {
        certificates::observe(&self.0.meter, read);
    }

    /// Renders everything in Prometheus' text format.
    pub fn render(&self) -> String {
        match TextEncoder::new().encode_to_string(&self.0.registry.gather()) {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be rendered");
                String::new()
            }
        }
    }
}

/// How many of something there are. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Level(Arc<AtomicI64>);

impl Level {
    /// Counts one until the guard is dropped.
    pub fn enter(&self) -> ActiveGuard {
        self.0.fetch_add(1, Ordering::Relaxed);
        ActiveGuard(self.0.clone())
    }
}

/// Counts a request, or one of a level, for as long as it lives.
#[derive(Debug)]
pub struct ActiveGuard(Arc<AtomicI64>);

impl Drop for ActiveGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}
