//! Why telemetry cannot start, and where metrics are sent.

use crate::filter::FilterError;
use opentelemetry_otlp::{MetricExporter, WithExportConfig as _};

/// Says why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter of the log does not parse.
    #[error("telemetry.log: {0}")]
    Filter(#[from] FilterError),
    /// The exporter refuses its endpoint.
    #[error("telemetry.otlp_endpoint: {endpoint:?} cannot be used; write http://host:4317")]
    Endpoint {
        /// What was configured.
        endpoint: String,
        /// Why.
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// The ratio is no part of a whole.
    #[error("telemetry.trace_ratio: {0} is not between 0.0 and 1.0")]
    Ratio(f64),
    /// The registry of the metrics cannot be set up.
    #[error("the metrics cannot be set up")]
    Metrics(#[source] opentelemetry_sdk::error::OTelSdkError),
}

/// Makes the exporter of metrics.
pub(crate) fn metric_exporter(endpoint: &str) -> Result<MetricExporter, Error> {
    MetricExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(|source| Error::Endpoint { endpoint: endpoint.to_owned(), source })
}
