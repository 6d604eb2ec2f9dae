//! The message of a call by GET, which is in the query.

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use mainstay_fault::{Fault, Reason};

use super::Codec;
use crate::protocol::gzip::Compression;
use crate::transcode::{Parameter, parameters};

/// Reads the query: `encoding` and `message`, and where they are needed `base64`, `compression` and `connect`.
pub fn message(query: &str, limit: usize) -> Result<(Codec, Bytes), Fault> {
    const NAMES: [&str; 5] = ["connect", "encoding", "message", "base64", "compression"];
    let mut given: [Option<String>; NAMES.len()] = Default::default();
    for parameter in parameters(query) {
        let Parameter { name, value } = parameter?;
        let Some(place) = NAMES.iter().position(|known| **known == *name) else {
            return Err(malformed(format!("a call by GET takes no query parameter `{}`", super::super::shown(&name))));
        };
        if given[place].replace(value.into_owned()).is_some() {
            return Err(malformed(format!("the query parameter `{name}` is given twice")));
        }
    }
    let [connect, encoding, message, base64, compression] = given;
    if connect.is_some_and(|version| version != "v1") {
        return Err(malformed("the version that the query parameter `connect` names is not spoken here; it is v1"));
    }
    let codec = match encoding.as_deref() {
        Some("json") => Codec::Json,
        Some("proto") => Codec::Proto,
        _ => return Err(malformed("the query parameter `encoding` has to be json or proto")),
    };
    let message = message.ok_or_else(|| malformed("the query parameter `message` is missing: it is the request"))?;
    let message = match base64.as_deref() {
        Some("1") => bytes(&message)?,
        None | Some("0" | "") if codec == Codec::Proto && !message.is_empty() => {
            return Err(malformed("a message in protobuf has to be in base64, and `base64=1` beside it"));
        }
        None | Some("0" | "") => message.into(),
        Some(_) => return Err(malformed("the query parameter `base64` has to be 1 or left out")),
    };
    let compression = Compression::of(compression.as_deref().unwrap_or_default().as_bytes(), "compression")?;
    Ok((codec, compression.undone(message, limit)?))
}

/// What a GET is told that has no message.
pub fn no_message() -> Fault {
    malformed("a call by GET has its message in the query: `?connect=v1&encoding=json&message=…`; or make it by POST")
}

/// Base64 for URLs, padded or not.
fn bytes(text: &str) -> Result<Bytes, Fault> {
    let bytes = BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes());
    bytes.map(Bytes::from).map_err(|error| {
        malformed(format!("the query parameter `message` is not base64 for URLs at character {}", error.position + 1))
    })
}

fn malformed(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(Reason::MalformedRequest).message(message)
}
