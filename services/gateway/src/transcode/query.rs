//! Takes a query string apart.

use std::borrow::Cow;

use crate::route::{EscapeError, decode_query};

/// The most parameters that a request may have; each value of a repeated field counts.
pub const MAX_QUERY_PARAMETERS: usize = 1_000;

/// One decoded parameter. Names with a `$` are the system's (`$fields`), others are request fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter<'q> {
    pub name: Cow<'q, str>,
    pub value: Cow<'q, str>,
}

/// What is wrong with a query string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("a query has at most {MAX_QUERY_PARAMETERS} parameters")]
    TooMany,
    #[error("query parameter `{name}`: {error}")]
    Escape { name: String, error: EscapeError },
}

/// Reads `a=1&b.c=2`, in order. A parameter without `=` is empty; empty parts (`&&`) are passed over.
pub fn parameters(query: &str) -> impl Iterator<Item = Result<Parameter<'_>, QueryError>> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.enumerate().map(|(position, part)| {
        if position >= MAX_QUERY_PARAMETERS {
            return Err(QueryError::TooMany);
        }
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let failed = |error| QueryError::Escape { name: shown(name), error };
        Ok(Parameter { name: decode_query(name).map_err(failed)?, value: decode_query(value).map_err(failed)? })
    })
}

/// A name as an error message shows it: not longer than a reader needs.
pub fn shown(name: &str) -> String {
    const SHOWN: usize = 64;
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
