//! Which addresses are of the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Where no call goes, whatever is configured: the metadata services of clouds, which give whoever asks the keys of the machine,
/// and what is next to this machine without being configured by anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Never;

const fn four(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn six(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// What IANA's registry of special purpose addresses (RFC 6890) does not give to the public internet, and multicast.
const SPECIAL_FOUR: [Ipv4Net; 16] = [
    four(0, 0, 0, 0, 8),
    four(10, 0, 0, 0, 8),
    four(100, 64, 0, 0, 10),
    four(127, 0, 0, 0, 8),
    four(169, 254, 0, 0, 16),
    four(172, 16, 0, 0, 12),
    four(192, 0, 0, 0, 24),
    four(192, 0, 2, 0, 24),
    four(192, 31, 196, 0, 24),
    four(192, 52, 193, 0, 24),
    four(192, 88, 99, 0, 24),
    four(192, 168, 0, 0, 16),
    four(198, 18, 0, 0, 15),
    four(198, 51, 100, 0, 24),
    four(203, 0, 113, 0, 24),
    four(224, 0, 0, 0, 3),
];

/// Global unicast; everything else is special.
const GLOBAL_SIX: Ipv6Net = six([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// What of it is special all the same: protocol assignments with Teredo, documentation, 6to4 (judged by what is in it), SRv6.
const SPECIAL_SIX: [Ipv6Net; 4] = [
    six([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    six([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    six([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    six([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16),
];

const NEVER: [IpNet; 7] = [
    IpNet::V4(four(0, 0, 0, 0, 8)),
    IpNet::V4(four(169, 254, 0, 0, 16)),
    IpNet::V4(four(100, 100, 100, 200, 32)),
    IpNet::V4(four(224, 0, 0, 0, 3)),
    IpNet::V6(six([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10)),
    IpNet::V6(six([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128)),
    IpNet::V6(six([0xff00, 0, 0, 0, 0, 0, 0, 0], 8)),
];

/// Says whether an address is one of those that are never called.
pub fn never(address: IpAddr) -> Option<Never> {
    let inner = innermost(address);
    NEVER.iter().any(|network| network.contains(&inner) || network.contains(&address)).then_some(Never)
}

/// Says whether an address is one of the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match innermost(address) {
        IpAddr::V4(four) => !SPECIAL_FOUR.iter().any(|network| network.contains(&four)),
        IpAddr::V6(six) => GLOBAL_SIX.contains(&six) && !SPECIAL_SIX.iter().any(|network| network.contains(&six)),
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped and compatible ones, those of NAT64 (RFC 6052) and of 6to4 (RFC 3056).
/// Every other is its own.
pub(crate) fn innermost(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let [a, b, c, d, e, f, g, h] = six.segments();
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0, 0, 0, 0, 0xffff, 0) => last(g, h),
        // `::` and `::1` are addresses of their own.
        (0, 0, 0, 0, 0, 0) if g != 0 || h > 1 => last(g, h),
        (0x64, 0xff9b, 0, 0, 0, 0) | (0x64, 0xff9b, 1, _, _, _) => last(g, h),
        (0x2002, _, _, _, _, _) => last(b, c),
        _ => address,
    }
}
