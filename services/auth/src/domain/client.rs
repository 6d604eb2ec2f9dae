use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Longest description of a client that is kept, in characters.
pub const MAX_USER_AGENT: usize = 256;

/// How many bits of an address are kept: enough to tell one place from another, too few to tell one household.
const IPV4_BITS: u8 = 24;
const IPV6_BITS: u8 = 48;

/// What is remembered of the client that began a session, for its owner to recognise it by. Nothing is decided by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// What it said of itself: visible ASCII and single blanks; empty where it said nothing.
    pub user_agent: String,
    /// The network that it came from, `203.0.113.0/24`; empty where that is not known.
    pub network: String,
}

impl Client {
    /// Describes a client by its `user-agent` header and its address. Of the header, everything but visible ASCII is left out.
    pub fn new(user_agent: &[u8], address: Option<IpAddr>) -> Client {
        let visible = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        let kept: String = user_agent.iter().filter(|byte| visible(byte)).map(|byte| char::from(*byte)).collect();
        let words: Vec<&str> = kept.split_whitespace().collect();
        let user_agent: String = words.join(" ").chars().take(MAX_USER_AGENT).collect();
        Client { user_agent, network: address.map(network).unwrap_or_default() }
    }
}

fn network(address: IpAddr) -> String {
    let network = match address.to_canonical() {
        IpAddr::V4(address) => IpNet::V4(Ipv4Net::new_assert(address, IPV4_BITS).trunc()),
        IpAddr::V6(address) => IpNet::V6(Ipv6Net::new_assert(address, IPV6_BITS).trunc()),
    };
    network.to_string()
}
