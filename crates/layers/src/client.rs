//! Where a call comes from: the other end of the connection, or what somebody who is trusted says is behind it.
//!
//! ```text
//! client ── proxy ── gateway ── auth          who says it           who believes it, and why
//!   │         └── x-forwarded-for ──▶ │       the proxy             whoever has it among `trusted_proxies`
//!   │             or forwarded        │
//!   │                                 └──▶ │  the gateway           whoever knows its service account: it shows its key
//! ```
//!
//! Nobody else is believed: a client that sends these headers by itself changes nothing.

use crate::{Peer, forwarded, has_any, texts};
use http::header::FORWARDED;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use mainstay_identity::Authenticator;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Where a service of the platform says that the call which it passes on comes from.
pub const PEER_ADDRESS: HeaderName = HeaderName::from_static("x-mainstay-peer");

/// Where it says what the client of that call says of itself, if it does.
pub const PEER_AGENT: HeaderName = HeaderName::from_static("x-mainstay-peer-agent");

/// What a client says of itself (`user-agent`), in the extensions of a call that somebody passes on.
#[derive(Debug, Clone)]
pub struct PeerAgent(pub HeaderValue);

/// The service's own credential beside it, without which it is not believed.
pub const PEER_VOUCHER: HeaderName = HeaderName::from_static("x-mainstay-peer-voucher");

/// With what somebody says where a call comes from.
static TOLD: [HeaderName; 3] = [PEER_VOUCHER, FORWARDED_FOR, FORWARDED];

/// What a proxy adds the address to that it was called from; the last is the nearest.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// In which header proxies say where a client is. One is read and never the other: a proxy that writes the one passes the other on
/// as the client wrote it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    /// A list of addresses, to which each proxy adds whom it was called by.
    #[default]
    XForwardedFor,
    /// The standard one (RFC 7239), of which `for` counts.
    Forwarded,
}

/// The proxies that are believed where a client is: addresses and networks. None, unless configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Arc<[IpNet]>,
    header: ProxyHeader,
}

/// Says that a text is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address or a network; write 10.0.0.7, 10.0.0.0/8 or fd00::/8")]
pub struct NotANetwork(String);

impl TrustedProxies {
    /// Reads addresses and networks. Fails on the first text that is neither.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<TrustedProxies, NotANetwork> {
        let texts = texts.into_iter().map(str::trim).filter(|text| !text.is_empty());
        Ok(TrustedProxies { networks: texts.map(network).collect::<Result<_, _>>()?, header: ProxyHeader::default() })
    }

    /// The same proxies, which say it in this header.
    #[must_use]
    pub fn saying_by(self, header: ProxyHeader) -> TrustedProxies {
        TrustedProxies { header, ..self }
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Whether an address is one of theirs.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Walks the chain of proxies back from `nearest`, as long as each is trusted.
    fn client(&self, nearest: IpAddr, headers: &HeaderMap) -> IpAddr {
        match self.header {
            ProxyHeader::XForwardedFor => {
                let lines = lines(headers, FORWARDED_FOR);
                let hops = lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
                self.walk(nearest, hops.map(|hop| std::str::from_utf8(hop).ok().and_then(address)))
            }
            ProxyHeader::Forwarded => {
                let lines = lines(headers, FORWARDED);
                self.walk(nearest, lines.rev().flat_map(forwarded::hops).map(|hop| hop.and_then(address)))
            }
        }
    }

    /// Goes from hop to hop, the last first. What a proxy wrote that is no address (`unknown`) hides what was before it.
    fn walk(&self, nearest: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut client = nearest;
        for hop in hops {
            let Some(address) = hop.filter(|_| self.contains(client)) else { break };
            client = address;
        }
        client
    }
}

/// The lines of a header. What a client wrote into one may be no text, and takes nothing from what a proxy has added behind it.
fn lines(headers: &HeaderMap, name: HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}

fn network(text: &str) -> Result<IpNet, NotANetwork> {
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    parsed.map(|network| network.trunc()).map_err(|_| NotANetwork(text.to_owned()))
}

/// Reads an address as proxies write it: with a port or without, in brackets or without.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim().trim_matches('"');
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let parsed = bare.parse().or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()));
    parsed.ok().map(|address: IpAddr| address.to_canonical())
}

/// Puts the address that a call comes from into its extensions. Runs before the headers that say it are taken away.
pub(crate) fn settle(parts: &mut Parts, services: &Authenticator, proxies: &TrustedProxies) {
    let Some(told) = parts.extensions.get::<Peer>().map(|peer| peer.address) else { return };
    let client = match has_any(&parts.headers, &TOLD) {
        true => match vouched(&parts.headers, services) {
            Some(vouched) => {
                parts.headers.remove(PEER_AGENT).map(|agent| parts.extensions.insert(PeerAgent(agent)));
                vouched
            }
            None => proxies.client(told.to_canonical(), &parts.headers),
        },
        false => told.to_canonical(),
    };
    if client != told
        && let Some(peer) = parts.extensions.get_mut::<Peer>()
    {
        peer.address = client;
    }
}

/// The address that a service of the platform vouches for.
fn vouched(headers: &HeaderMap, services: &Authenticator) -> Option<IpAddr> {
    let voucher = headers.get(PEER_VOUCHER)?.to_str().ok()?;
    let address = headers.get(PEER_ADDRESS)?.to_str().ok()?;
    services.is_service(voucher).then(|| address.parse().ok()).flatten()
}

impl Serialize for TrustedProxies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.networks.iter().map(ToString::to_string))
    }
}

impl<'de> Deserialize<'de> for TrustedProxies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = texts::several(deserializer, "addresses and networks")?;
        TrustedProxies::new(texts.iter().map(String::as_str)).map_err(D::Error::custom)
    }
}
