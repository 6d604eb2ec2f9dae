//! Which log lines are written.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

/// What the targets of our own log lines begin with.
pub(crate) const OURS: &str = "mainstay";

/// The most that libraries say unless the configuration names them: what they tell of their own life is of no interest to
/// an operator.
const OTHERS: LevelFilter = LevelFilter::WARN;

/// Why a text is no filter of log lines.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// A part of it has no level, or one that there is not: the library would take it for the name of a part of the program,
    /// and write everything of that.
    #[error(
        "{0:?} names no level; a level is off, error, warn, info, debug or trace, alone or for a part of the program, as in \
         info,mainstay::access=debug"
    )]
    Level(String),
    /// Its form is another one.
    #[error("is no log filter ({0}); write a level (info) or a list (info,mainstay::access=debug)")]
    Form(#[from] ParseError),
}

/// Reads a filter. A level alone is for our own lines; a library says no more than warnings unless it is named.
pub(crate) fn filter(text: &str) -> Result<EnvFilter, FilterError> {
    match parts(text).find(|part| !has_level(part)) {
        Some(part) => Err(FilterError::Level(part.to_owned())),
        None => Ok(EnvFilter::builder().parse(directives(text))?),
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Whether a part of a filter says a level. What is in brackets (spans and their fields) is the library's to read.
fn has_level(part: &str) -> bool {
    let level = match part.rsplit_once('=') {
        Some((_, level)) => level,
        None => part,
    };
    part.contains(['[', ']', '{', '}']) || (!level.is_empty() && level.parse::<LevelFilter>().is_ok())
}

fn directives(text: &str) -> String {
    let usual = format!("{OTHERS},{OURS}={}", LevelFilter::INFO);
    parts(text).fold(usual, |all, part| match part.parse::<LevelFilter>() {
        Ok(level) => format!("{all},{},{OURS}={level}", level.min(OTHERS)),
        Err(_) => format!("{all},{part}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_alone_is_for_our_own_lines() {
        for (text, expected) in [
            ("info", "warn,mainstay=info,warn,mainstay=info"),
            ("debug", "warn,mainstay=info,warn,mainstay=debug"),
            ("off", "warn,mainstay=info,off,mainstay=off"),
            ("ERROR", "warn,mainstay=info,error,mainstay=error"),
            ("mainstay::access=debug", "warn,mainstay=info,mainstay::access=debug"),
            ("", "warn,mainstay=info"),
        ] {
            assert_eq!(directives(text), expected);
        }
    }

    #[test]
    fn what_is_no_level_is_refused_with_those_that_there_are() {
        for text in [
            "loud",
            "verbose",
            "info,loud",
            "warning",
            "mainstay=loud",
            "info,hyper=",
            "hyper",
            "=debug=",
            "info debug",
        ] {
            let error = filter(text).unwrap_err().to_string();
            for level in ["off", "error", "warn", "info", "debug", "trace"] {
                assert!(error.contains(level), "{text}: {error}");
            }
        }
        for text in [
            "",
            "off",
            "INFO",
            "info, hyper=debug",
            "mainstay::access=debug",
            "2",
            "[request]=debug",
            "info,[call{a=b}]=trace",
        ] {
            assert!(filter(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_comes_last_about_a_target_holds() {
        let shown = filter("debug,notify=trace").unwrap().to_string();
        let mut parts: Vec<&str> = shown.split(',').collect();
        parts.sort_unstable();
        assert_eq!(parts, ["mainstay=debug", "notify=trace", "warn"]);
    }
}
