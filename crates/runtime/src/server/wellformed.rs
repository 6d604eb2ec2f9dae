//! What the parser lets through and HTTP does not: requests that two readers could understand in two ways.
//!
//! A proxy in front that reads a request differently than the server behind it can be made to pass on what it would refuse
//! (request smuggling, poisoned links). Such a request is refused before anybody looks at it.

use super::framing::Flaw;
use bytes::Bytes;
use http::header::{HOST, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Uri, Version};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::rarely;
use std::net::Ipv6Addr;

/// Checks a request, and gives its path the one spelling that everything behind reads.
///
/// `flaw` is what its head had that the parser takes away.
pub(super) fn admit<B>(request: &mut Request<B>, flaw: Option<Flaw>) -> Result<(), Fault> {
    if flaw == Some(Flaw::BareLineFeed) {
        return Err(malformed("a line of the request's head ends without a carriage return"));
    }
    transfer_coding(request.headers(), flaw == Some(Flaw::TwoLengths))?;
    host(request)?;
    canonical_path(request.uri_mut());
    Ok(())
}

/// RFC 9112, section 6.1. The last coding decides where the body ends, so the parser is content with it; what the body is
/// then, only somebody who knows the others can say.
fn transfer_coding(headers: &HeaderMap, two_lengths: bool) -> Result<(), Fault> {
    if rarely(headers, &TRANSFER_ENCODING).is_none() {
        return Ok(());
    }
    let mut lines = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = lines.next() else { return Ok(()) };
    if two_lengths {
        return Err(malformed("the request has both content-length and transfer-encoding; send one of them"));
    }
    if lines.next().is_none() && coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let message = "the only transfer-encoding that is supported is `chunked`, once";
    Err(Fault::new(Reason::Unimplemented).message(message))
}

/// RFC 9112, section 3.2 and RFC 9113, section 8.3.1: a request names one host, and names it once or twice the same.
fn host<B>(request: &Request<B>) -> Result<(), Fault> {
    let target = request.uri().authority();
    if target.is_some_and(|target| target.as_str().contains('@')) {
        return Err(malformed("the request's host has a user's name before it"));
    }
    let mut lines = request.headers().get_all(HOST).iter();
    let (first, second) = (lines.next(), lines.next());
    match (first, target) {
        _ if second.is_some() => Err(malformed("the request has more than one host header")),
        (Some(host), _) if !is_authority(host.as_bytes()) => Err(malformed("the request's host header is no host")),
        (Some(host), Some(target)) if !same(target, host.as_bytes(), request.uri().scheme()) => {
            Err(malformed("the request names one host in its target and another one in its host header"))
        }
        (None, None) if request.version() != Version::HTTP_10 => Err(malformed("the request has no host header")),
        (None, Some(_)) if request.version() == Version::HTTP_11 => {
            Err(malformed("the request has no host header, which HTTP/1.1 wants beside a whole URL too"))
        }
        _ => Ok(()),
    }
}

fn malformed(message: &'static str) -> Fault {
    Fault::new(Reason::MalformedRequest).message(message)
}

/// Whether a text is a host with or without a port (RFC 3986, section 3.2). A comma, which it allows, separates two values
/// for readers who join headers.
fn is_authority(text: &[u8]) -> bool {
    let (name, port) = split(text);
    let literal = name.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    let is_name = match literal {
        Some(address) => std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => !name.is_empty() && name.iter().all(|byte| is_unreserved(*byte) || b"!$&'()*+;=%".contains(byte)),
    };
    is_name && port.is_none_or(|port| port.len() <= 5 && port.iter().all(u8::is_ascii_digit))
}

/// A host and its port, if it has one.
fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let literal = text.iter().position(|byte| *byte == b']').map_or(0, |end| end + 1);
    match text[literal..].iter().position(|byte| *byte == b':') {
        Some(colon) => (&text[..literal + colon], Some(&text[literal + colon + 1..])),
        None => (text, None),
    }
}

/// Whether a request's target and its host header name the same host; a port that is left out is the scheme's.
fn same(target: &Authority, host: &[u8], scheme: Option<&Scheme>) -> bool {
    let target = target.as_str().as_bytes();
    if target.eq_ignore_ascii_case(host) {
        return true;
    }
    let usual: &[u8] = if scheme == Some(&Scheme::HTTPS) { b"443" } else { b"80" };
    let ((one, one_port), (other, other_port)) = (split(target), split(host));
    let port = |port: Option<&'_ [u8]>| port.filter(|port| !port.is_empty()).unwrap_or(usual).to_vec();
    one.eq_ignore_ascii_case(other) && port(one_port) == port(other_port)
}

/// Decodes what need not have been encoded (RFC 3986, section 6.2.2.2): `/sh%6Fp` is `/shop`. What means something else when
/// it is decoded, as `%2F` does, stays.
fn canonical_path(uri: &mut Uri) {
    let Some(path) = decoded(uri.path()) else { return };
    let whole = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::from_maybe_shared(Bytes::from(whole)).ok();
    if let Ok(canonical) = Uri::from_parts(parts) {
        *uri = canonical;
    }
}

/// The path in its canonical spelling; nothing where it has that already, as nearly every path does.
fn decoded(path: &str) -> Option<String> {
    let first = path.find('%')?;
    let mut out = String::with_capacity(path.len());
    out.push_str(&path[..first]);
    let mut rest = &path[first..];
    while let Some(escape) = rest.find('%') {
        out.push_str(&rest[..escape]);
        rest = &rest[escape..];
        let byte = rest.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|byte| is_unreserved(*byte)) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &rest[3..];
            }
            None => {
                out.push('%');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    (out.len() < path.len()).then_some(out)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_need_not_be_encoded_is_decoded_once_and_nothing_else() {
        for (path, canonical) in [
            ("/sh%6Fp/v1", "/shop/v1"),
            ("/%73%68%6f%70", "/shop"),
            ("/a%2Db%2E%5F%7e", "/a-b._~"),
            ("/a%2Fb%2fc", "/a%2Fb%2fc"),
            ("/a%3Ab%20c%25", "/a%3Ab%20c%25"),
            ("/%2561", "/%2561"),
            ("/%+1%4/%zz%", "/%+1%4/%zz%"),
            ("/c%C3%BC", "/c%C3%BC"),
            ("/plain", "/plain"),
        ] {
            assert_eq!(decoded(path).as_deref().unwrap_or(path), canonical, "{path}");
        }
        let mut uri: Uri = "http://x/%61?b=%61".parse().unwrap();
        canonical_path(&mut uri);
        assert_eq!(uri, "http://x/a?b=%61");
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in ["x", "localhost:8080", "a-b.example", "127.0.0.1", "[::1]", "[::1]:80", "x:", "a_b", "x%20y"] {
            assert!(is_authority(host.as_bytes()), "{host}");
        }
        for host in
            ["", ":80", "x y", "a,b", "x:y", "x:999999", "[::1", "::1", "[x]", "[::1]x", "a/b", "u@x", "ü", "x#", "x?"]
        {
            assert!(!is_authority(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn a_port_that_is_left_out_is_the_schemes() {
        let target = Authority::from_static("Example.org");
        for (host, scheme, expected) in [
            ("example.ORG", Scheme::HTTP, true),
            ("example.org:80", Scheme::HTTP, true),
            ("example.org:", Scheme::HTTP, true),
            ("example.org:443", Scheme::HTTPS, true),
            ("example.org:443", Scheme::HTTP, false),
            ("example.org.", Scheme::HTTP, false),
            ("example.com", Scheme::HTTP, false),
        ] {
            assert_eq!(same(&target, host.as_bytes(), Some(&scheme)), expected, "{host}");
        }
    }
}
