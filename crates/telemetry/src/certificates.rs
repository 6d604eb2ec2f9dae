//! What is seen of the certificates that a port shows.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

/// When a certificate is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateEnd {
    /// The first name that it has; empty where it has none.
    pub name: String,
    /// The file that it is in: what has to be renewed.
    pub file: String,
    /// From when on clients refuse it.
    pub not_after: SystemTime,
}

/// Shows certificates, read anew whenever somebody looks.
pub(crate) fn observe(meter: &Meter, read: impl Fn() -> Vec<CertificateEnd> + Send + Sync + 'static) {
    meter
        .f64_observable_gauge("mainstay.tls.certificate.not_after")
        .with_unit("s")
        .with_description("When a certificate is over, in seconds since 1970")
        .with_callback(move |observer| {
            for CertificateEnd { name, file, not_after } in read() {
                let labels = [KeyValue::new("name", name), KeyValue::new("file", file)];
                let since = not_after.duration_since(UNIX_EPOCH).unwrap_or_default();
                observer.observe(since.as_secs_f64(), &labels);
            }
        })
        .build();
}
