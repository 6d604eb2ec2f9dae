//! Log lines: text for people, JSON for machines, both on standard error.

use crate::init::{Base, Error};
use crate::{Config, LogFormat};
use std::fmt;
use std::io::IsTerminal as _;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, layer as fmt_layer};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

/// What the exporters say of their own life is of no interest to an operator unless the configuration asks for it.
const QUIETER: &str = "opentelemetry=warn,opentelemetry_sdk=warn,opentelemetry_otlp=warn";

/// Makes the layer that writes log lines as the configuration says.
pub(crate) fn layer(config: &Config) -> Result<Box<dyn Layer<Base> + Send + Sync>, Error> {
    let filter = EnvFilter::builder()
        .parse(format!("{QUIETER},{}", config.log))
        .map_err(|source| Error::Filter { filter: config.log.clone(), source })?;
    let terminal = std::io::stderr().is_terminal();
    let json = match config.log_format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    Ok(if json {
        fmt_layer().json().flatten_event(true).with_writer(std::io::stderr).with_filter(filter).boxed()
    } else {
        fmt_layer().event_format(Calm).with_ansi(terminal).with_writer(std::io::stderr).with_filter(filter).boxed()
    })
}

/// One line per event: the time of day (UTC), the level where it is not the usual one, the message, its fields.
struct Calm;

impl<S, N> FormatEvent<S, N> for Calm
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let ansi = out.has_ansi_escapes();
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (h, m, s) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let (word, colour) = match *event.metadata().level() {
            Level::ERROR => ("error ", "31"),
            Level::WARN => ("warning ", "33"),
            Level::INFO => ("", "0"),
            Level::DEBUG => ("debug ", "2"),
            Level::TRACE => ("trace ", "2"),
        };
        if ansi {
            write!(out, "\x1b[2m{h:02}:{m:02}:{s:02}\x1b[0m \x1b[{colour}m{word}\x1b[0m")?;
        } else {
            write!(out, "{h:02}:{m:02}:{s:02} {word}")?;
        }
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}
