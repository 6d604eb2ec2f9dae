//! Where a call comes from: the other end of the connection, or what somebody who is trusted says is behind it.
//!
//! ```text
//! client ── proxy ── gateway ── auth          who says it           who believes it, and why
//!   │         └── x-forwarded-for ──▶ │       the proxy             whoever has it among `trusted_proxies`
//!   │                                 └──▶ │  the gateway           whoever knows its service account: it shows its key
//! ```
//!
//! Nobody else is believed: a client that sends these headers by itself changes nothing.

use crate::{Peer, has_any, texts};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use mainstay_identity::Authenticator;
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
static TOLD: [HeaderName; 2] = [PEER_VOUCHER, FORWARDED_FOR];

/// What a proxy adds the address to that it was called from; the last is the nearest.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose `x-forwarded-for` is believed: addresses and networks. None, unless configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

/// Says that a text is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address or a network; write 10.0.0.7, 10.0.0.0/8 or fd00::/8")]
pub struct NotANetwork(String);

impl TrustedProxies {
    /// Reads addresses and networks. Fails on the first text that is neither.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<TrustedProxies, NotANetwork> {
        texts
            .into_iter()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an address is one of theirs.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Walks the chain of proxies back from `nearest`, as long as each is trusted.
    fn client(&self, nearest: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = nearest;
        let values: Vec<&str> =
            headers.get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or_default()).collect();
        for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            // What a proxy wrote that is no address (`unknown`) hides what was before it.
            let Some(address) = self.contains(client).then(|| address(hop)).flatten() else { break };
            client = address;
        }
        client
    }
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
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

impl<'de> Deserialize<'de> for TrustedProxies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = texts::several(deserializer, "addresses and networks")?;
        TrustedProxies::new(texts.iter().map(String::as_str)).map_err(D::Error::custom)
    }
}
