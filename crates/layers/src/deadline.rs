//! How long a call may take.

use crate::{End, Ending, has_any};
use http::{HeaderMap, HeaderName};
use mainstay_fault::{Fault, Reason};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const CONNECT_TIMEOUT_MS: HeaderName = HeaderName::from_static("connect-timeout-ms");
const SERVER_TIMEOUT: HeaderName = HeaderName::from_static("x-server-timeout");
static TIMEOUTS: [HeaderName; 3] = [GRPC_TIMEOUT, CONNECT_TIMEOUT_MS, SERVER_TIMEOUT];

/// The deadline of a unary call whose caller gives none.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest deadline of a unary call; what a caller asks beyond it is cut.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(300);

/// What callers get where they ask for nothing, and at most.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For unary calls without a deadline.
    pub default: Duration,
    /// For unary calls with one.
    pub max: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts { default: DEFAULT_TIMEOUT, max: MAX_TIMEOUT }
    }
}

impl Timeouts {
    /// Finds until when a call may take. A stream has no deadline unless its caller gives one. Fails where the caller has
    /// no time left.
    pub(crate) fn deadline(&self, headers: &HeaderMap, streams: bool, now: Instant) -> Result<Option<Instant>, Fault> {
        let asked = asked(headers)?;
        let timeout = match (asked, streams) {
            (None, true) => return Ok(None),
            (Some(asked), true) => asked,
            (None, false) => self.default,
            (Some(asked), false) => asked.min(self.max),
        };
        if timeout.is_zero() {
            return Err(Fault::new(Reason::DeadlineExceeded));
        }
        Ok(now.checked_add(timeout))
    }
}

/// Gives the work up when its time is over. The timer is set only once the work has to wait: most of it does not, and a
/// timer costs more than its wait.
pub(crate) async fn within<T>(
    mut end: Option<End>,
    mut work: Pin<&mut impl Future<Output = Result<T, Fault>>>,
) -> Result<T, Fault> {
    let mut timer = None;
    poll_fn(|cx| {
        let polled = work.as_mut().poll(cx);
        if polled.is_ready() {
            return polled;
        }
        timer = timer.take().or_else(|| end.take().map(Ending::from));
        timer.as_mut().map_or(Poll::Pending, |timer| timer.poll(cx).map(Err))
    })
    .await
}

/// Reads what the caller asked for: gRPC's header, Connect's, or `x-server-timeout` in seconds for plain HTTP.
fn asked(headers: &HeaderMap) -> Result<Option<Duration>, Fault> {
    type Parse = fn(&str) -> Option<Duration>;
    const FORMS: [(HeaderName, Parse, &str); 3] = [
        (GRPC_TIMEOUT, parse_grpc, "1 to 8 digits and one of H, M, S, m, u, n"),
        (CONNECT_TIMEOUT_MS, parse_milliseconds, "1 to 10 digits"),
        (SERVER_TIMEOUT, parse_seconds, "seconds, for example 2.5"),
    ];
    if !has_any(headers, &TIMEOUTS) {
        return Ok(None);
    }
    for (name, parse, form) in FORMS {
        let Some(value) = headers.get(&name) else { continue };
        return match value.to_str().ok().and_then(parse) {
            Some(timeout) => Ok(Some(timeout)),
            None => Err(Fault::new(Reason::InvalidArgument)
                .message(format!("the header {name} is not a timeout; it is {form}"))
                .meta("header", name.as_str())),
        };
    }
    Ok(None)
}

/// `Timeout` of gRPC over HTTP/2: at most eight digits and a unit.
fn parse_grpc(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let value = digits_up_to(digits, 8)?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

fn parse_milliseconds(text: &str) -> Option<Duration> {
    digits_up_to(text, 10).map(Duration::from_millis)
}

/// Whole seconds with an optional fraction of at most nine digits.
fn parse_seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let seconds = digits_up_to(whole, 8)?;
    let value = digits_up_to(fraction, 9)?;
    let nanos = value * 10u64.pow(9 - u32::try_from(fraction.len()).ok()?);
    Some(Duration::new(seconds, u32::try_from(nanos).ok()?))
}

/// Digits only: `parse` alone would take a sign.
fn digits_up_to(text: &str, most: usize) -> Option<u64> {
    let fits = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn grpc_timeouts_have_six_units() {
        let read = |text| parse_grpc(text).map(|timeout| timeout.as_nanos());
        assert_eq!(read("2H"), Some(7_200_000_000_000));
        assert_eq!(read("3M"), Some(180_000_000_000));
        assert_eq!(read("4S"), Some(4_000_000_000));
        assert_eq!(read("5m"), Some(5_000_000));
        assert_eq!(read("6u"), Some(6_000));
        assert_eq!(read("7n"), Some(7));
        assert_eq!(read("99999999H"), Some(99_999_999 * 3600 * 1_000_000_000));
    }

    #[test]
    fn what_is_no_timeout_is_refused() {
        for text in ["", "S", "123456789S", "+1S", "1", "1s", "-1S", "1 S", "١S"] {
            assert_eq!(parse_grpc(text), None, "{text:?}");
        }
        for text in ["", ".", "1.", ".5", "1.0000000001", "-1", "1e3", "NaN"] {
            assert_eq!(parse_seconds(text), None, "{text:?}");
        }
        assert_eq!(parse_milliseconds("12345678901"), None);
    }

    #[test]
    fn seconds_may_have_a_fraction() {
        assert_eq!(parse_seconds("2.5"), Some(Duration::from_millis(2500)));
        assert_eq!(parse_seconds("0.000000001"), Some(Duration::from_nanos(1)));
        assert_eq!(parse_seconds("30"), Some(Duration::from_secs(30)));
    }

    #[test]
    fn a_unary_call_always_has_a_deadline_and_a_stream_only_its_callers() {
        let now = Instant::now();
        let timeouts = Timeouts::default();
        let none = HeaderMap::new();
        assert_eq!(timeouts.deadline(&none, false, now).unwrap(), Some(now + DEFAULT_TIMEOUT));
        assert_eq!(timeouts.deadline(&none, true, now).unwrap(), None);
        let mut long = HeaderMap::new();
        long.insert(GRPC_TIMEOUT, "99999999H".parse().unwrap());
        assert_eq!(timeouts.deadline(&long, false, now).unwrap(), Some(now + MAX_TIMEOUT));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC{0,16}") {
            let _ = (parse_grpc(&text), parse_seconds(&text), parse_milliseconds(&text));
        }
    }
}
