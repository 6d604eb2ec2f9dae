//! Keeps callers from saying who they are in a header that only we may write.

use http::{HeaderMap, HeaderName};

/// What the names of our own internal metadata begin with.
const OWN_PREFIXES: [&str; 2] = ["x-mainstay-", "mainstay-"];

/// Names by which proxies and applications commonly pass an identity on. None of them means anything to us; they are
/// removed so that no service behind us is tempted to believe one.
const COMMON: [&str; 13] = [
    "x-user",
    "x-user-id",
    "x-user-email",
    "x-user-roles",
    "x-remote-user",
    "remote-user",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-authenticated-user",
    "x-forwarded-client-cert",
    "x-arr-clientcert",
    "client-cert",
];

/// What the names of common authenticating proxies begin with, and of those that pass a client's certificate on (RFC 9440 among
/// them).
const COMMON_PREFIXES: [&str; 14] = [
    "x-auth-request-",
    "x-ssl-client",
    "x-ssl-cert",
    "x-tls-client-",
    "ssl-client-",
    "x-client-cert",
    "x-client-dn",
    "x-client-verify",
    "cf-client-cert-",
    "cf-cert-",
    "client-cert-",
    "x-forwarded-tls-client-cert",
    "x-amzn-mtls-clientcert",
    "x-mtls-client",
];

/// Removes every header that claims an identity, in whichever way it is spelled: `_` for `-`, `-bin` at the end, twice.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let claimed: Vec<HeaderName> = headers.keys().filter(|name| claims_identity(name.as_str())).cloned().collect();
    for name in claimed {
        headers.remove(&name);
    }
}

/// Header names are lower-case already; this only has to undo the other disguises.
fn claims_identity(name: &str) -> bool {
    let may_claim = match name.as_bytes() {
        [b'x' | b'm' | b'r' | b'_' | b'-', ..] => true,
        // `client-cert`, `cf-cert-`, `ssl-client-`, and neither `content-type` nor `cookie`.
        [b'c', b'l' | b'f', ..] | [b's', b's', ..] => true,
        _ => false,
    };
    if !may_claim {
        return false;
    }
    let bare = name.strip_suffix("-bin").or_else(|| name.strip_suffix("_bin")).unwrap_or(name);
    let plain = bare.replace('_', "-");
    let plain = plain.trim_matches('-');
    OWN_PREFIXES.iter().chain(&COMMON_PREFIXES).any(|prefix| plain.starts_with(prefix)) || COMMON.contains(&plain)
}
