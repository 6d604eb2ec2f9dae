//! Why there can be no pages.

use std::io;
use std::path::PathBuf;

/// Says why there can be no pages.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    #[error("gateway.pages.folder: {path} cannot be read")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("gateway.pages.folder: the texts in {path} cannot be read")]
    Texts {
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error("gateway.pages.folder: {path} has a text `{key}`, which no page shows{}", said(.near))]
    UnknownText { path: PathBuf, key: String, near: String },
    #[error("gateway.pages.default_locale: there are no texts in `{0}`; add a file {0}.toml to gateway.pages.folder")]
    NoSuchLanguage(String),
    #[error("a page cannot be written")]
    Template(#[from] minijinja::Error),
    #[error("gateway.pages.return_to has what no header can have")]
    Policy(#[from] http::header::InvalidHeaderValue),
}

fn said(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("; `{key}` is one that they do") }
}
