//! Starting and flushing.

use crate::export::Error;
use crate::{Config, Metrics, SPAN_TARGET, SpanPolicy, logs};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::time::Duration;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How long the last export may take when the process ends.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Under which name a process appears in traces and metrics.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// `service.name`, for example `mainstay-gateway`.
    pub service: &'static str,
    /// `service.version`.
    pub version: &'static str,
}

/// The telemetry of this process. Keep it until the end, then call [`Telemetry::shutdown`].
#[derive(Debug)]
pub struct Telemetry {
    metrics: Metrics,
    spans: SpanPolicy,
    meters: SdkMeterProvider,
    tracers: Option<SdkTracerProvider>,
}

/// Starts logs, metrics and, where an endpoint is configured, their export. Call it once, inside a tokio runtime.
///
/// Where the process has a log subscriber already (a test), that one stays and only the rest starts.
pub fn init(config: &Config, identity: Identity) -> Result<Telemetry, Error> {
    if !(0.0..=1.0).contains(&config.trace_ratio) {
        return Err(Error::Ratio(config.trace_ratio));
    }
    let resource = Resource::builder()
        .with_service_name(identity.service)
        .with_attribute(opentelemetry::KeyValue::new("service.version", identity.version))
        .build();
    let log = logs::layer(config)?;
    let tracers = config.otlp_endpoint.as_deref().map(|endpoint| tracers(endpoint, &resource)).transpose()?;
    let spans = SpanPolicy::new(tracers.is_some(), config.trace_ratio);
    let subscriber = tracing_subscriber::registry().with(log).with(tracers.as_ref().map(span_layer::<_>));
    // A second subscriber in one process is a test's doing; the first one stays.
    let _ = subscriber.try_init();
    let (meters, metrics) = crate::metrics::build(resource, config.otlp_endpoint.as_deref())?;
    Ok(Telemetry { metrics, spans, meters, tracers })
}

impl Telemetry {
    /// Makes telemetry that counts but writes and exports nothing; for tests and for commands.
    pub fn quiet() -> Telemetry {
        let resource = Resource::builder_empty().build();
        let (meters, metrics) = crate::metrics::build(resource, None).expect("a fresh registry takes its collector");
        Telemetry { metrics, spans: SpanPolicy::new(false, 0.0), meters, tracers: None }
    }

    /// Returns the counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns what decides whether a request gets a span.
    pub fn spans(&self) -> SpanPolicy {
        self.spans
    }

    /// Sends what is buffered and stops, within [`FLUSH_TIMEOUT`]. A receiver that does not answer is logged, no more.
    pub async fn shutdown(self) {
        // The exporters wait on the runtime's own thread: from it they would wait for themselves.
        let flush = tokio::task::spawn_blocking(move || {
            if let Some(tracers) = &self.tracers
                && let Err(error) = tracers.shutdown_with_timeout(FLUSH_TIMEOUT)
            {
                tracing::warn!(%error, "the last traces could not be sent");
            }
            if let Err(error) = self.meters.shutdown() {
                tracing::warn!(%error, "the last metrics could not be sent");
            }
        });
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, flush).await;
    }
}

fn tracers(endpoint: &str, resource: &Resource) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(|source| Error::Endpoint { endpoint: endpoint.to_owned(), source })?;
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.clone()).build())
}

/// Hands our own spans to the exporter; those of the transport below it would trace the export itself.
fn span_layer<S>(tracers: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracers.tracer("mainstay"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false)
        .with_filter(
            Targets::new().with_target("mainstay", LevelFilter::INFO).with_target(SPAN_TARGET, LevelFilter::DEBUG),
        )
}
