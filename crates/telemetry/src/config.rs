//! What an operator may choose.

use crate::filter::filter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings of the section `telemetry`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which log lines are written: a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), and others for parts of the
    /// program (`info,mainstay::access=debug,hyper=warn`; `tracing`'s filter syntax). A level alone is for our own lines;
    /// libraries say no more than warnings unless they are named. The access log, a line for each request, is written by
    /// `mainstay::access` at `debug`.
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

impl Config {
    /// Finds everything that is wrong with the values, each as its path and what it has to be.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if let Err(error) = filter(&self.log) {
            problems.push(("log", error.to_string()));
        }
        if let Some(endpoint) = &self.otlp_endpoint
            && !is_endpoint(endpoint)
        {
            problems.push(("otlp_endpoint", "is no address of a collector; write http://host:4317".to_owned()));
        }
        if !(0.0..=1.0).contains(&self.trace_ratio) {
            problems.push(("trace_ratio", "must be between 0.0 and 1.0".to_owned()));
        }
        problems
    }
}

fn is_endpoint(text: &str) -> bool {
    let uri = text.parse::<http::Uri>();
    uri.is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    })
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One calm line per event.
    Text,
    /// One JSON object per line.
    Json,
}
