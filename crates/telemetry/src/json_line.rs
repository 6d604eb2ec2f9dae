//! One JSON object per event.

use crate::bridged;
use std::fmt::{self, Write as _};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Time, level, the event's fields, the innermost span's fields, target.
pub(crate) struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut time = String::with_capacity(32);
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut fields = Fields(String::with_capacity(128));
        event.record(&mut fields);
        write!(out, "{{\"timestamp\":\"{time}\",\"level\":\"{}\"{}", event.metadata().level(), fields.0)?;
        if let Some(span) = context.lookup_current()
            && let Some(fields) = span.extensions().get::<FormattedFields<N>>()
            && !fields.is_empty()
        {
            write!(out, ",\"span\":{fields}")?;
        }
        writeln!(out, ",\"target\":{}}}", quoted(&bridged::target(event)))
    }
}

/// Fields as members of an object, each after a comma.
struct Fields(String);

impl Fields {
    fn put(&mut self, field: &Field, json: &str) {
        if !bridged::is_own(field) {
            let name = field.name().strip_prefix("r#").unwrap_or(field.name());
            let _ = write!(self.0, ",{}:{json}", quoted(name));
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinities and nothing that is not a number.
        self.put(field, &serde_json::to_string(&value).unwrap_or_default());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, if value { "true" } else { "false" });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, &quoted(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &quoted(&format!("{value:?}")));
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::fmt::format::JsonFields;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Written {
        type Writer = Written;

        fn make_writer(&'a self) -> Written {
            self.clone()
        }
    }

    /// The lines that are written, without their time.
    fn lines(act: impl FnOnce()) -> Vec<serde_json::Value> {
        let written = Written::default();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine)
            .with_writer(written.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, act);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .map(|mut line: serde_json::Value| {
                let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
                assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
                line
            })
            .collect()
    }

    #[test]
    fn a_line_is_an_object_of_the_events_fields() {
        let error = std::io::Error::other("no \"luck\"\n");
        let written = lines(|| {
            tracing::warn!(%error, count = 3, ratio = f64::NAN, ok = true, r#type = "a\u{1}", "line {}", 1);
        });
        let expected = serde_json::json!({
            "level": "WARN", "message": "line 1", "error": "no \"luck\"\n", "count": 3, "ratio": null, "ok": true,
            "type": "a\u{1}", "target": "mainstay_telemetry::json_line::tests",
        });
        assert_eq!(written, [expected]);
    }

    #[test]
    fn the_innermost_span_is_told_with_the_event() {
        let written = lines(|| {
            let _entered = tracing::info_span!("request", request_id = "r1").entered();
            tracing::info!("inside");
        });
        assert_eq!(written[0]["span"], serde_json::json!({"request_id": "r1"}));
    }
}
