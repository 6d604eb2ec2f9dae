//! Texts of a known form: the formats of `buf.validate`, each by the standard that it names.

mod host;
mod uri;

use std::net::{Ipv4Addr, Ipv6Addr};

/// A form that a text has or has not. An empty text has none of them, but is a reference to where one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As HTML's e-mail input takes it: stricter than RFC 5322, and what servers deliver to.
    Email,
    /// RFC 1034.
    Hostname,
    Ip,
    Ipv4,
    Ipv6,
    /// RFC 3986.
    Uri,
    UriRef,
    /// A host name or an address of either version.
    Address,
    Uuid,
    /// A UUID without its hyphens.
    Tuuid,
    IpWithPrefixLen,
    Ipv4WithPrefixLen,
    Ipv6WithPrefixLen,
    /// The same with no bit set behind the prefix: a network.
    IpPrefix,
    Ipv4Prefix,
    Ipv6Prefix,
    HostAndPort,
    Ulid,
    /// A full name of protobuf's: `shop.v1.Product`.
    ProtobufFqn,
    /// The same with a dot in front.
    ProtobufDotFqn,
    /// RFC 7230; not `strict`: no line ends in it.
    HeaderName {
        strict: bool,
    },
    HeaderValue {
        strict: bool,
    },
}

impl Format {
    /// Finds the format that an option of `StringRules` stands for.
    pub fn of(option: &str) -> Option<Format> {
        Some(match option {
            "email" => Format::Email,
            "hostname" => Format::Hostname,
            "ip" => Format::Ip,
            "ipv4" => Format::Ipv4,
            "ipv6" => Format::Ipv6,
            "uri" => Format::Uri,
            "uri_ref" => Format::UriRef,
            "address" => Format::Address,
            "uuid" => Format::Uuid,
            "tuuid" => Format::Tuuid,
            "ip_with_prefixlen" => Format::IpWithPrefixLen,
            "ipv4_with_prefixlen" => Format::Ipv4WithPrefixLen,
            "ipv6_with_prefixlen" => Format::Ipv6WithPrefixLen,
            "ip_prefix" => Format::IpPrefix,
            "ipv4_prefix" => Format::Ipv4Prefix,
            "ipv6_prefix" => Format::Ipv6Prefix,
            "host_and_port" => Format::HostAndPort,
            "ulid" => Format::Ulid,
            "protobuf_fqn" => Format::ProtobufFqn,
            "protobuf_dot_fqn" => Format::ProtobufDotFqn,
            _ => return None,
        })
    }

    /// Says whether a text has the form.
    pub fn matches(self, text: &str) -> bool {
        match self {
            Format::Email => is_email(text),
            Format::Hostname => host::is_hostname(text),
            Format::Ip => is_ipv4(text) || is_ipv6(text),
            Format::Ipv4 => is_ipv4(text),
            Format::Ipv6 => is_ipv6(text),
            Format::Uri => uri::is_uri(text),
            Format::UriRef => uri::is_reference(text),
            Format::Address => host::is_hostname(text) || is_ipv4(text) || is_ipv6(text),
            Format::Uuid => is_uuid(text),
            Format::Tuuid => text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()),
            Format::IpWithPrefixLen => ipv4_prefix(text, false) || ipv6_prefix(text, false),
            Format::Ipv4WithPrefixLen => ipv4_prefix(text, false),
            Format::Ipv6WithPrefixLen => ipv6_prefix(text, false),
            Format::IpPrefix => ipv4_prefix(text, true) || ipv6_prefix(text, true),
            Format::Ipv4Prefix => ipv4_prefix(text, true),
            Format::Ipv6Prefix => ipv6_prefix(text, true),
            Format::HostAndPort => host::is_host_and_port(text),
            Format::Ulid => is_ulid(text),
            Format::ProtobufFqn => is_full_name(text),
            Format::ProtobufDotFqn => text.strip_prefix('.').is_some_and(is_full_name),
            Format::HeaderName { strict: true } => {
                // A comma is none of RFC 7230's, but is what the rule's own expression takes (`+-.` is a range in it).
                let name = text.strip_prefix(':').unwrap_or(text);
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+,-.^_|~`".contains(&b))
            }
            Format::HeaderName { strict: false } => !text.is_empty() && !text.contains(['\0', '\n', '\r']),
            Format::HeaderValue { strict: true } => !text.bytes().any(|b| (b < b' ' && b != b'\t') || b == 0x7f),
            Format::HeaderValue { strict: false } => !text.contains(['\0', '\n', '\r']),
        }
    }

    /// What a text of the form is: `must be …`.
    pub fn noun(self) -> &'static str {
        match self {
            Format::Email => "an e-mail address",
            Format::Hostname => "a host name",
            Format::Ip => "an IP address",
            Format::Ipv4 => "an IPv4 address",
            Format::Ipv6 => "an IPv6 address",
            Format::Uri => "a URI",
            Format::UriRef => "a URI or a relative reference",
            Format::Address => "a host name or an IP address",
            Format::Uuid => "a UUID",
            Format::Tuuid => "a UUID without hyphens",
            Format::IpWithPrefixLen => "an IP address with the length of its prefix",
            Format::Ipv4WithPrefixLen => "an IPv4 address with the length of its prefix",
            Format::Ipv6WithPrefixLen => "an IPv6 address with the length of its prefix",
            Format::IpPrefix => "an IP network",
            Format::Ipv4Prefix => "an IPv4 network",
            Format::Ipv6Prefix => "an IPv6 network",
            Format::HostAndPort => "a host and a port",
            Format::Ulid => "a ULID",
            Format::ProtobufFqn => "a full name of protobuf's",
            Format::ProtobufDotFqn => "a full name of protobuf's with a dot in front",
            Format::HeaderName { strict: true } => "the name of an HTTP header",
            Format::HeaderName { strict: false } => "the name of an HTTP header, without line ends",
            Format::HeaderValue { strict: true } => "the value of an HTTP header",
            Format::HeaderValue { strict: false } => "the value of an HTTP header, without line ends",
        }
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_local = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b);
    let label = |label: &str| host::is_label(label);
    !local.is_empty() && local.bytes().all(is_local) && domain.split('.').all(label)
}

fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

/// RFC 4291, with a zone (RFC 4007) or without.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(|zone| !zone.is_empty() && !zone.contains('\0'))
}

/// A network has no bit set behind its prefix.
fn ipv4_prefix(text: &str, network: bool) -> bool {
    let Some((address, length)) = parts(text, 32) else { return false };
    let Ok(address) = address.parse::<Ipv4Addr>() else { return false };
    !network || u32::MAX.checked_shr(length).is_none_or(|behind| address.to_bits() & behind == 0)
}

fn ipv6_prefix(text: &str, network: bool) -> bool {
    let Some((address, length)) = parts(text, 128) else { return false };
    let Ok(address) = address.parse::<Ipv6Addr>() else { return false };
    !network || u128::MAX.checked_shr(length).is_none_or(|behind| address.to_bits() & behind == 0)
}

/// An address and the length of a prefix, written without leading zeros.
fn parts(text: &str, most: u32) -> Option<(&str, u32)> {
    let (address, length) = text.split_once('/')?;
    host::number(length, most).map(|length| (address, length))
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let hex = |group: &&str| group.bytes().all(|b| b.is_ascii_hexdigit());
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(hex)
}

/// Crockford's base 32, in which the first of 26 digits has room for three bits.
fn is_ulid(text: &str) -> bool {
    let digit = |b: u8| b.is_ascii_alphanumeric() && !b"ILOU".contains(&b.to_ascii_uppercase());
    text.len() == 26 && text.bytes().all(digit) && text.starts_with(|c: char| ('0'..='7').contains(&c))
}

fn is_full_name(text: &str) -> bool {
    let name = |name: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(inner)
    };
    text.split('.').all(name)
}
