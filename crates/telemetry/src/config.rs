//! What an operator may choose.

use serde::{Deserialize, Serialize};

/// The settings of the section `telemetry`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which log lines are written, for example `info` or `info,mainstay::access=debug` (`tracing`'s filter syntax).
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where traces and metrics are sent over OTLP/gRPC, for example `http://127.0.0.1:4317`. Nowhere where absent.
    pub otlp_endpoint: Option<String>,
    /// Which part of the traces that start here is recorded, from 0.0 to 1.0. A caller's own decision is followed.
    pub trace_ratio: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config { log: "info".to_owned(), log_format: LogFormat::Auto, otlp_endpoint: None, trace_ratio: 1.0 }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One calm line per event.
    Text,
    /// One JSON object per line.
    Json,
}
