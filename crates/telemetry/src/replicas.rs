//! What is seen of a service behind several addresses.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

/// How a service behind several addresses is, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplicaCounts {
    /// Addresses that calls go to.
    pub well: u64,
    /// Addresses that are left out: away, or not serving.
    pub left_out: u64,
    /// Calls that it has not finished.
    pub calls: u64,
    /// Calls that were asked once more, since the start.
    pub asked_again: u64,
}

/// Shows a service, read anew whenever somebody looks.
pub(crate) fn observe(meter: &Meter, service: &str, read: impl Fn() -> ReplicaCounts + Clone + Send + Sync + 'static) {
    let label = KeyValue::new("mainstay.service", service.to_owned());
    let of_state = |state: &'static str| [label.clone(), KeyValue::new("state", state)];
    let (well, left_out, label) = (of_state("well"), of_state("left_out"), [label.clone()]);
    let members = read.clone();
    meter
        .u64_observable_gauge("mainstay.replicas")
        .with_description("Addresses of a service that calls go to, and that are left out")
        .with_callback(move |observer| {
            let counts = members();
            observer.observe(counts.well, &well);
            observer.observe(counts.left_out, &left_out);
        })
        .build();
    let (calls, of_service) = (read.clone(), label.clone());
    meter
        .u64_observable_gauge("mainstay.replicas.calls")
        .with_description("Calls that a service has not finished")
        .with_callback(move |observer| observer.observe(calls().calls, &of_service))
        .build();
    meter
        .u64_observable_counter("mainstay.replicas.asked_again")
        .with_description("Calls to a service that were asked once more, because they were not answered")
        .with_callback(move |observer| observer.observe(read().asked_again, &label))
        .build();
}
