use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// How many bits of an IPv6 address a network provider gives to one household or machine (RFC 6177): whoever has one address
/// of such a network has them all.
const IPV6_NETWORK: u8 = 64;

/// How many bits the networks of one site share, at most.
const IPV6_SITE: u8 = 48;

/// Who tries something, as far as a limit can tell: the network that the call comes from.
///
/// For IPv4 that is the single address. Networks of IPv4 addresses belong to many, and addresses are scarce enough to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A network of clients.
    Network(IpNet),
    /// This installation: the command line, or a call whose caller has no address.
    Inside,
}

impl Origin {
    /// Finds the network of the address that a call comes from.
    pub fn of(peer: Option<IpAddr>) -> Origin {
        match peer.map(|address| address.to_canonical()) {
            None => Origin::Inside,
            Some(IpAddr::V4(address)) => Origin::Network(Ipv4Net::from(address).into()),
            Some(IpAddr::V6(address)) => Origin::Network(IpNet::V6(Ipv6Net::new_assert(address, IPV6_NETWORK).trunc())),
        }
    }

    /// Finds the site that an IPv6 network belongs to. Its owner may have all of the site's 65,536 networks.
    pub(super) fn site(self) -> Option<IpNet> {
        match self {
            Origin::Network(IpNet::V6(network)) => {
                Some(IpNet::V6(Ipv6Net::new_assert(network.addr(), IPV6_SITE).trunc()))
            }
            Origin::Network(IpNet::V4(_)) | Origin::Inside => None,
        }
    }
}
