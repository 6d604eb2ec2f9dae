//! Names of hosts, and their ports.

use super::{is_ipv4, is_ipv6};

/// The longest name of a host.
const MAX_BYTES: usize = 253;
/// The longest label of one.
const MAX_LABEL_BYTES: usize = 63;

/// A last label of digits alone would be taken for an address.
pub(super) fn is_hostname(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or_default();
    text.len() <= MAX_BYTES && name.split('.').all(is_label) && !last.bytes().all(|b| b.is_ascii_digit())
}

/// Letters, digits and hyphens, with none of these at an end.
pub(super) fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// `example.com:443`, `[::1]:8080`: the port must be there.
pub(super) fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => is_ipv6(address),
        None => is_hostname(host) || is_ipv4(host),
    };
    is_host && number(port, u16::MAX.into()).is_some()
}

/// A number up to `most`, written without leading zeros.
pub(super) fn number(text: &str, most: u32) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|number| plain && *number <= most)
}
