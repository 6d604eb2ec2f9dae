//! Log lines: text for people, JSON for machines, both on standard error.

use crate::filter::{FilterError, OURS, filter};
use crate::json_line::JsonLine;
use crate::{Config, LogFormat, bridged};
use std::fmt;
use std::io::IsTerminal as _;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, layer as fmt_layer};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// The subscriber that layers of the log are made for.
pub(crate) type Base = Registry;

/// Makes the layer that writes log lines as the configuration says.
pub(crate) fn layer(config: &Config) -> Result<Box<dyn Layer<Base> + Send + Sync>, FilterError> {
    let filter = filter(&config.log)?;
    let terminal = std::io::stderr().is_terminal();
    let json = match config.log_format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let layer = fmt_layer().with_ansi(terminal && !json).with_writer(std::io::stderr);
    Ok(if json {
        layer.fmt_fields(JsonFields::new()).event_format(JsonLine).with_filter(filter).boxed()
    } else {
        layer.event_format(Calm).with_filter(filter).boxed()
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
        let target = bridged::target(event);
        if !target.starts_with(OURS) {
            write!(out, "{target}: ")?;
        }
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}
