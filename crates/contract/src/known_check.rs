//! Constraints on messages of Google's that are one value: `Any` and `FieldMask`, as documents hold them.

use serde_json::Value as Json;

/// What such a message must satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownCheck {
    /// The URL of the type of what is in an `Any`.
    TypeIn(Vec<String>),
    TypeNotIn(Vec<String>),
    /// The paths of a mask, in their order.
    PathsAre(Vec<String>),
    /// Each path is one of these, or below one.
    PathsIn(Vec<String>),
    PathsNotIn(Vec<String>),
}

impl KnownCheck {
    /// Whether a message is as it must be. One that is not set is nothing that could be wrong.
    pub(crate) fn holds(&self, message: &Json) -> bool {
        if message.is_null() {
            return true;
        }
        let url = || message.get("@type").and_then(Json::as_str).unwrap_or_default();
        let paths = || message.as_array().into_iter().flatten().filter_map(Json::as_str);
        match self {
            KnownCheck::TypeIn(urls) => urls.iter().any(|known| known == url()),
            KnownCheck::TypeNotIn(urls) => !urls.iter().any(|known| known == url()),
            KnownCheck::PathsAre(wanted) => paths().eq(wanted.iter().map(String::as_str)),
            KnownCheck::PathsIn(among) => paths().all(|path| is_among(among, path)),
            KnownCheck::PathsNotIn(among) => !paths().any(|path| is_among(among, path)),
        }
    }
}

/// Whether a path is one of these, or below one of them.
fn is_among(among: &[String], path: &str) -> bool {
    among
        .iter()
        .any(|outer| path.strip_prefix(outer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

impl std::fmt::Display for KnownCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KnownCheck::TypeIn(urls) => write!(f, "must be of one of the types {}", urls.join(", ")),
            KnownCheck::TypeNotIn(urls) => write!(f, "must be of none of the types {}", urls.join(", ")),
            KnownCheck::PathsAre(paths) if paths.is_empty() => f.write_str("must have no path"),
            KnownCheck::PathsAre(paths) => write!(f, "must have the paths {}", paths.join(", ")),
            KnownCheck::PathsIn(among) => write!(f, "must have no path but {} and what is below", among.join(", ")),
            KnownCheck::PathsNotIn(among) => write!(f, "must have no path of {} nor what is below", among.join(", ")),
        }
    }
}
