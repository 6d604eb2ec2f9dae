//! URIs (RFC 3986, appendix A), by the grammar and not by what anybody would open.

use std::net::Ipv6Addr;

const UNRESERVED: &[u8] = b"-._~";
const SUB_DELIMS: &[u8] = b"!$&'()*+,;=";

/// `scheme:…`
pub(super) fn is_uri(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && is_rest(rest, true))
}

/// A URI, or a reference that lacks its scheme: the empty one, too.
pub(super) fn is_reference(text: &str) -> bool {
    is_uri(text) || is_rest(text, false)
}

fn is_scheme(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(inner)
}

/// What follows the scheme, or all of a relative reference.
fn is_rest(text: &str, absolute: bool) -> bool {
    let (text, fragment) = text.split_once('#').map_or((text, ""), |(text, fragment)| (text, fragment));
    let (text, query) = text.split_once('?').map_or((text, ""), |(text, query)| (text, query));
    let behind = |text| is_encoded(text, b":@/?");
    behind(query) && behind(fragment) && is_hierarchical(text, absolute)
}

fn is_hierarchical(text: &str, absolute: bool) -> bool {
    if let Some(rest) = text.strip_prefix("//") {
        let path = rest.find('/').unwrap_or(rest.len());
        return is_authority(&rest[..path]) && is_path(&rest[path..]);
    }
    // The first part of a relative path would be taken for a scheme.
    let first = text.split('/').next().unwrap_or_default();
    is_path(text) && (absolute || !first.contains(':'))
}

fn is_path(text: &str) -> bool {
    text.split('/').all(|segment| is_encoded(segment, b":@"))
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').map_or(("", text), |(user, host)| (user, host));
    if !is_encoded(user, b":") {
        return false;
    }
    let (host, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((literal, port)) if is_literal(literal) => ("", port),
            _ => return false,
        },
        None => host.find(':').map_or((host, ""), |colon| host.split_at(colon)),
    };
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    is_port && is_encoded(host, b"") && decodes(host)
}

/// An address of version 6, with a zone (RFC 6874) or without, or of a version to come.
fn is_literal(text: &str) -> bool {
    if let Some(future) = text.strip_prefix(['v', 'V']) {
        let is_version = |version: &str| !version.is_empty() && version.bytes().all(|b| b.is_ascii_hexdigit());
        let plain = |b: u8| is_plain(b, b":");
        let parts = future.split_once('.');
        return parts.is_some_and(|(version, rest)| is_version(version) && !rest.is_empty() && rest.bytes().all(plain));
    }
    let (address, zone) = text.split_once("%25").map_or((text, None), |(address, zone)| (address, Some(zone)));
    let is_zone = |zone: &str| {
        let unreserved =
            |text: &str| text.bytes().all(|b| b == b'%' || b.is_ascii_alphanumeric() || UNRESERVED.contains(&b));
        !zone.is_empty() && unreserved(zone) && is_encoded(zone, b"") && decodes(zone)
    };
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_zone)
}

fn is_plain(b: u8, more: &[u8]) -> bool {
    b.is_ascii_alphanumeric() || UNRESERVED.contains(&b) || SUB_DELIMS.contains(&b) || more.contains(&b)
}

/// Whether all characters stand for themselves, or are written as `%41`.
fn is_encoded(text: &str, more: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let good = match b {
            b'%' => [bytes.next(), bytes.next()].iter().all(|b| b.is_some_and(|b| b.is_ascii_hexdigit())),
            b => is_plain(b, more),
        };
        if !good {
            return false;
        }
    }
    true
}

/// A host's escapes are those of UTF-8.
fn decodes(text: &str) -> bool {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        rest = match (first, more) {
            (b'%', [high, low, more @ ..]) => {
                let (Some(high), Some(low)) = (hex(*high), hex(*low)) else { return false };
                decoded.push(high << 4 | low);
                more
            }
            (b, more) => {
                decoded.push(*b);
                more
            }
        };
    }
    std::str::from_utf8(&decoded).is_ok()
}
