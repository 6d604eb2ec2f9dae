//! Origins, as browsers write them.

use crate::texts;
use http::uri::Authority;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// The origins whose pages may call: each is written out. None, unless configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Arc<BTreeSet<Box<str>>>);

/// Says that a text is not an origin as browsers send it, so that it would never be equal to one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} {why}")]
pub struct NotAnOrigin {
    text: String,
    why: &'static str,
}

impl Origins {
    /// Reads origins such as `https://app.example.com` and `http://localhost:5173`. Fails on the first text that no browser
    /// would send.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Origins, NotAnOrigin> {
        let read = |text: &str| match why_not(text) {
            None => Ok(Box::from(text)),
            Some(why) => Err(NotAnOrigin { text: text.to_owned(), why }),
        };
        texts.into_iter().map(read).collect::<Result<BTreeSet<_>, _>>().map(|origins| Origins(Arc::new(origins)))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, origin: &str) -> bool {
        self.0.contains(origin)
    }
}

/// Why a text is no origin as a browser writes it (the HTML standard's "ASCII serialization of an origin").
fn why_not(text: &str) -> Option<&'static str> {
    const FORM: &str = "is not an origin; write it as browsers do, https://app.example.com or http://localhost:5173";
    match text {
        "*" => return Some("would let the pages of everybody in; name each origin"),
        "null" => return Some("is what many pages are at once that have no origin of their own; it cannot be let in"),
        _ => {}
    }
    let Some((scheme, rest)) = text.split_once("://") else { return Some(FORM) };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
    if rest.contains('*') {
        return Some("has a `*`; origins are compared as they are, so name each");
    }
    if rest.ends_with('/') {
        return Some("ends with a slash, which browsers leave out");
    }
    if rest.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) || text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Some("has letters that browsers never send: write it in small ASCII letters, other scripts as xn--…");
    }
    let authority = rest.parse::<Authority>().ok();
    let Some((_, port)) = authority.as_ref().and_then(parted) else { return Some(FORM) };
    match (scheme, port) {
        _ if !is_scheme => Some(FORM),
        ("http", Some(80)) | ("https", Some(443)) => Some("names the usual port, which browsers leave out"),
        _ => None,
    }
}

/// A host and its port. Nothing where there is a user's name, or a port that no browser writes so.
fn parted(authority: &Authority) -> Option<(&str, Option<u16>)> {
    let host = Some(authority.host()).filter(|host| !host.is_empty())?;
    let rest = authority.as_str().strip_prefix(host)?;
    let Some(port) = rest.strip_prefix(':') else { return rest.is_empty().then_some((host, None)) };
    let plain = !port.starts_with('0') && port.bytes().all(|digit| digit.is_ascii_digit());
    let port = plain.then(|| port.parse().ok()).flatten()?;
    Some((host, Some(port)))
}

/// Whether pages of an origin come from the browser's own machine (RFC 6761, section 6.3): `localhost`, a name below it, or a
/// loopback address, on any port.
pub(super) fn is_loopback(origin: &str) -> bool {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let authority = rest.and_then(|rest| rest.parse::<Authority>().ok());
    let Some((host, _)) = authority.as_ref().and_then(parted) else { return false };
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || literal.and_then(|host| host.parse::<Ipv6Addr>().ok()).is_some_and(|address| address.is_loopback())
}

impl Serialize for Origins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

impl<'de> Deserialize<'de> for Origins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = texts::several(deserializer, "origins")?;
        Origins::new(texts.iter().map(String::as_str)).map_err(D::Error::custom)
    }
}
