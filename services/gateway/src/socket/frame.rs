//! What is said over a WebSocket: each frame is a JSON object (`WEBSOCKET.md` has all of them).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::REQUEST_ID;
use mainstay_runtime::channel::FIELD_MASK;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a call may have of metadata. Who calls is no metadata: it is said for the socket, and verified.
const METADATA: [HeaderName; 4] =
    [FIELD_MASK, REQUEST_ID, HeaderName::from_static("traceparent"), HeaderName::from_static("tracestate")];

/// A frame as it came.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Received<'f> {
    id: Option<u64>,
    #[serde(borrow)]
    method: Option<Cow<'f, str>>,
    #[serde(borrow)]
    message: Option<&'f RawValue>,
    metadata: Option<BTreeMap<String, String>>,
    timeout: Option<String>,
    credit: Option<u32>,
    #[serde(default)]
    end: bool,
    #[serde(default)]
    cancel: bool,
    auth: Option<Auth>,
}

/// Who calls from here on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Auth {
    token: Option<SecretString>,
}

/// What a frame asks for.
#[derive(Debug)]
pub enum Frame<'f> {
    /// Whoever has this token calls from here on; without one, nobody.
    Auth(Option<SecretString>),
    /// A call begins.
    Begin { id: u64, begin: Begin<'f>, more: More<'f> },
    /// A call goes on.
    More { id: u64, more: More<'f> },
}

/// How a call begins.
#[derive(Debug)]
pub struct Begin<'f> {
    pub method: Cow<'f, str>,
    metadata: BTreeMap<String, String>,
    timeout: Option<String>,
}

/// How a call goes on.
#[derive(Debug)]
pub struct More<'f> {
    pub message: Option<&'f str>,
    /// How many more messages of the answer are taken.
    pub credit: Option<u32>,
    /// Nothing more is sent.
    pub end: bool,
    pub cancel: bool,
}

impl<'f> Frame<'f> {
    /// Reads a frame. Fails with MALFORMED_REQUEST, naming the place.
    pub fn read(text: &'f str) -> Result<Frame<'f>, Fault> {
        // An array would be taken for the values of an object.
        if !text.trim_start().starts_with('{') {
            return Err(wrong("it is no JSON object, which every frame is"));
        }
        let received: Received<'f> = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
        let Received { id, method, message, metadata, timeout, credit, end, cancel, auth } = received;
        let more = More { message: message.map(RawValue::get), credit, end, cancel };
        let says_of_a_call = more.says_anything() || method.is_some() || metadata.is_some() || timeout.is_some();
        match (auth, id, method) {
            (Some(auth), None, None) if !says_of_a_call => Ok(Frame::Auth(auth.token)),
            (Some(_), ..) => Err(wrong("`auth` is a frame of its own")),
            (None, None, _) => Err(wrong("`id` is missing, which says what call the frame is of")),
            (None, Some(0), _) => Err(wrong("`id` is 0, and begins at 1")),
            (None, Some(id), Some(method)) => {
                let begin = Begin { method, metadata: metadata.unwrap_or_default(), timeout };
                Ok(Frame::Begin { id, begin, more })
            }
            (None, Some(_), None) if metadata.is_some() || timeout.is_some() => {
                Err(wrong("`metadata` and `timeout` belong to the frame that has the `method`"))
            }
            (None, Some(_), None) if !more.says_anything() => Err(wrong(
                "it says nothing: a frame has `method`, `message`, `credit`, `end` or `cancel` beside its `id`",
            )),
            (None, Some(id), None) => Ok(Frame::More { id, more }),
        }
    }
}

impl More<'_> {
    fn says_anything(&self) -> bool {
        self.message.is_some() || self.credit.is_some() || self.end || self.cancel
    }
}

fn wrong(what: &str) -> Fault {
    Fault::new(Reason::MalformedRequest).message(format!("the frame cannot be read: {what}"))
}

impl Begin<'_> {
    /// The path of the method; nothing where no method can be called so.
    pub fn path(&self) -> Option<String> {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'_');
        let (service, method) = self.method.split_once('/')?;
        (service.split('.').all(is_word) && is_word(method)).then(|| format!("/{service}/{method}"))
    }

    /// What the call's request has in its head.
    pub fn headers(&self) -> Result<HeaderMap, Fault> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.metadata {
            let known = METADATA.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name));
            let header = known.ok_or_else(|| {
                let taken = METADATA.each_ref().map(HeaderName::as_str).join(", ");
                misfit(&format!("metadata.{name}"), &format!("is not taken here; what is: {taken}"))
            })?;
            let value = HeaderValue::from_str(value)
                .map_err(|_| misfit(&format!("metadata.{name}"), "must be visible ASCII, on one line"))?;
            headers.insert(header, value);
        }
        Ok(headers)
    }

    /// How long the call may take, and how a header says it.
    pub fn timeout(&self) -> Result<Option<(Duration, HeaderValue)>, Fault> {
        let Some(text) = &self.timeout else { return Ok(None) };
        let read = || {
            let seconds = text.strip_suffix('s')?;
            let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
            let are_digits = |text: &str, most: usize| {
                (1..=most).contains(&text.len()) && text.bytes().all(|sign| sign.is_ascii_digit())
            };
            if !are_digits(whole, 8) || !are_digits(fraction, 9) {
                return None;
            }
            let nanos = format!("{fraction:0<9}").parse().ok()?;
            Some((Duration::new(whole.parse().ok()?, nanos), HeaderValue::from_str(seconds).ok()?))
        };
        read().map(Some).ok_or_else(|| misfit("timeout", "must be seconds, as in `5s` or `2.5s`"))
    }
}

fn misfit(place: &str, why: &str) -> Fault {
    Fault::new(Reason::InvalidArgument).message(format!("`{place}` {why}")).violation(place, why)
}

/// A message of an answer; `is_last` where it is all of it.
pub fn message(id: u64, json: &[u8], is_last: bool) -> String {
    let end = if is_last { ",\"end\":true" } else { "" };
    format!("{{\"id\":{id},\"message\":{}{end}}}", String::from_utf8_lossy(json))
}

/// The end of a call that went well.
pub fn end(id: u64) -> String {
    format!("{{\"id\":{id},\"end\":true}}")
}

/// The end of a call that did not.
pub fn failed(id: u64, mut fault: Fault) -> String {
    format!("{{\"id\":{id},\"end\":true,{}", error(&mut fault))
}

/// So many more messages of a call are taken.
pub fn credit(id: u64, messages: u32) -> String {
    format!("{{\"id\":{id},\"credit\":{messages}}}")
}

/// Who calls is known, for so long.
pub fn known(expires_in: Option<Duration>) -> String {
    match expires_in {
        Some(expires_in) => format!("{{\"auth\":{{\"expiresIn\":\"{}s\"}}}}", expires_in.as_secs()),
        None => "{\"auth\":{}}".to_owned(),
    }
}

/// Nobody calls from here on, and why.
pub fn unknown(mut fault: Fault) -> String {
    format!("{{\"auth\":{{{}}}", error(&mut fault))
}

/// What is wrong with the socket as a whole, before it is closed.
pub fn broken(mut fault: Fault) -> String {
    format!("{{{}", error(&mut fault))
}

/// A fault as it stands in every protocol that speaks JSON, `"error":{…}`, and the brace that closes what it stands in.
fn error(fault: &mut Fault) -> String {
    fault.log();
    String::from_utf8_lossy(&fault.to_json()[1..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn refused(text: &str) -> String {
        Frame::read(text).unwrap_err().text().to_owned()
    }

    #[test]
    fn a_frame_says_who_calls_or_how_a_call_begins_or_goes_on() {
        let Ok(Frame::Auth(Some(token))) = Frame::read(r#"{"auth": {"token": "t"}}"#) else { panic!("no auth") };
        assert_eq!(token.expose_secret(), "t");
        assert!(matches!(Frame::read(r#"{"auth":{}}"#), Ok(Frame::Auth(None))));
        let text = r#"{"id":1,"method":"a.B/C","message":{"x": [1]},"timeout":"2.5s","credit":3,"end":true}"#;
        let Ok(Frame::Begin { id, begin, more }) = Frame::read(text) else { panic!("no begin") };
        assert_eq!((id, begin.path().as_deref(), more.message), (1, Some("/a.B/C"), Some(r#"{"x": [1]}"#)));
        assert_eq!((more.credit, more.end, more.cancel), (Some(3), true, false));
        let (timeout, header) = begin.timeout().unwrap().unwrap();
        assert_eq!((timeout, header.to_str().unwrap()), (Duration::from_millis(2_500), "2.5"));
        let Ok(Frame::More { id: 7, more }) = Frame::read(r#"{"id":7,"cancel":true}"#) else { panic!("no more") };
        assert!(more.cancel && !more.end && more.message.is_none());
    }

    #[test]
    fn what_is_no_frame_is_told_where_it_is_wrong() {
        for (text, said) in [
            ("", "no JSON object"),
            ("[1]", "no JSON object"),
            ("{\"id\":1,", "line 1 column 8"),
            ("{\"id\":1,\"metod\":\"a\"}", "unknown field `metod`"),
            ("{\"id\":1,\"id\":2}", "duplicate field `id`"),
            ("{\"id\":-1,\"end\":true}", "column 8"),
            ("{\"id\":1.5,\"end\":true}", "column 9"),
            ("{\"id\":\"1\",\"end\":true}", "column 9"),
            ("{\"id\":0,\"end\":true}", "begins at 1"),
            ("{\"end\":true}", "`id` is missing"),
            ("{\"id\":1}", "it says nothing"),
            ("{\"id\":1,\"timeout\":\"1s\",\"end\":true}", "belong to the frame"),
            ("{\"id\":1,\"auth\":{}}", "a frame of its own"),
            ("{\"auth\":{},\"end\":true}", "a frame of its own"),
            ("{\"auth\":{\"user\":\"1\"}}", "unknown field `user`"),
        ] {
            assert!(refused(text).contains(said), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn a_call_brings_no_identity_and_nothing_that_no_header_has() {
        let begin = |frame: &str| match Frame::read(frame) {
            Ok(Frame::Begin { begin, .. }) => begin.headers().map(|headers| headers.len()),
            other => panic!("{other:?}"),
        };
        let with = |name: &str| format!(r#"{{"id":1,"method":"a.B/C","metadata":{{"{name}":"x"}}}}"#);
        for name in ["x-goog-fieldmask", "X-Request-Id", "traceparent", "tracestate"] {
            assert_eq!(begin(&with(name)).unwrap(), 1, "{name}");
        }
        for name in [
            "authorization",
            "Authorization",
            "x-mainstay-peer",
            "X_Mainstay_Peer",
            "x-user-id-bin",
            "cookie",
            "host",
            "",
        ] {
            let fault = begin(&with(name)).unwrap_err();
            assert_eq!(fault.violations()[0].field, format!("metadata.{name}"));
        }
        let two_lines = r#"{"id":1,"method":"a.B/C","metadata":{"traceparent":"a\r\nx-user: 1"}}"#;
        assert!(begin(two_lines).is_err());
    }

    #[test]
    fn a_method_is_a_name_and_nothing_that_a_path_could_be() {
        for method in ["", "/", "a.B", "/a.B/C", "a.B/C/D", "a.B/C?x", "a.B/C#x", "a.B/%43", "../x", "a.B/", "a b/C"] {
            let frame = serde_json::json!({"id": 1, "method": method}).to_string();
            let Ok(Frame::Begin { begin, .. }) = Frame::read(&frame) else { panic!("{method}") };
            assert_eq!(begin.path(), None, "{method}");
        }
        for timeout in ["5", "s", "-1s", "1.s", ".5s", "1e3s", "123456789s", "1.0000000001s", "5 s"] {
            let frame = serde_json::json!({"id": 1, "method": "a.B/C", "timeout": timeout}).to_string();
            let Ok(Frame::Begin { begin, .. }) = Frame::read(&frame) else { panic!("{timeout}") };
            assert_eq!(begin.timeout().unwrap_err().violations()[0].field, "timeout", "{timeout}");
        }
    }

    #[test]
    fn what_is_sent_is_json() {
        let fault = || Fault::new(Reason::TokenExpired);
        for (text, expected) in [
            (message(1, b"{\"a\":1}", false), r#"{"id":1,"message":{"a":1}}"#),
            (message(1, b"{}", true), r#"{"id":1,"message":{},"end":true}"#),
            (end(2), r#"{"id":2,"end":true}"#),
            (credit(3, 8), r#"{"id":3,"credit":8}"#),
            (known(None), r#"{"auth":{}}"#),
            (known(Some(Duration::from_millis(9_900))), r#"{"auth":{"expiresIn":"9s"}}"#),
        ] {
            assert_eq!(text, expected);
        }
        for text in [failed(4, fault()), unknown(fault()), broken(fault())] {
            let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let error = json.get("error").unwrap_or_else(|| &json["auth"]["error"]);
            assert_eq!((&error["status"], &error["code"]), (&"UNAUTHENTICATED".into(), &401.into()), "{text}");
        }
    }
}
