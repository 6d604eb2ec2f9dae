//! What the operating system knows about this process; read when somebody asks.

use opentelemetry::metrics::Meter;

/// The size of a page on every platform that this is read on.
const PAGE_BYTES: i64 = 4096;

/// Registers the process's gauges.
pub(crate) fn observe(meter: &Meter) {
    meter
        .i64_observable_up_down_counter("process.memory.usage")
        .with_unit("By")
        .with_description("Resident memory")
        .with_callback(|observer| {
            if let Some(bytes) = resident_bytes() {
                observer.observe(bytes, &[]);
            }
        })
        .build();
}

/// Reads the resident set from `/proc`; nothing where there is none.
fn resident_bytes() -> Option<i64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: i64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}
