//! How many connections one peer has open, and what it asks over all of them.

use mainstay_layers::{Requests, TrustedProxies};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the connections of each peer. A proxy that is trusted has as many as it likes: others are behind it. All clones are one.
#[derive(Debug, Clone)]
pub(super) struct Peers {
    most: usize,
    trusted: TrustedProxies,
    open: Arc<Mutex<HashMap<IpAddr, Open>>>,
}

/// What a peer has.
#[derive(Debug)]
struct Open {
    connections: usize,
    requests: Requests,
}

/// The place of one connection.
#[derive(Debug)]
pub(super) struct Place {
    peer: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, Open>>>,
    requests: Requests,
}

impl Peers {
    pub(super) fn new(most: usize, trusted: TrustedProxies) -> Peers {
        Peers { most, trusted, open: Arc::default() }
    }

    /// Whether an address is that of a proxy that is trusted.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.contains(address.to_canonical())
    }

    /// Lets a connection in; nothing where its peer has as many as it may have.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let peer = peer(address);
        let is_trusted = self.trusts(address);
        let mut all = lock(&self.open);
        let open = all.entry(peer).or_insert_with(|| Open { connections: 0, requests: Requests::counted() });
        if open.connections >= self.most && !is_trusted {
            return None;
        }
        open.connections += 1;
        let requests = if is_trusted { Requests::default() } else { open.requests.clone() };
        Some(Place { peer, open: self.open.clone(), requests })
    }
}

impl Place {
    /// The requests of the peer, over all of its connections.
    pub(super) fn requests(&self) -> Requests {
        self.requests.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = lock(&self.open);
        if let Some(open) = all.get_mut(&self.peer) {
            open.connections -= 1;
            if open.connections == 0 {
                all.remove(&self.peer);
            }
        }
    }
}

/// Who has an address. Whoever has one of IPv6 has its network of 64 bits.
pub fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn lock(open: &Mutex<HashMap<IpAddr, Open>>) -> MutexGuard<'_, HashMap<IpAddr, Open>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_peer_has_so_many_places_and_each_comes_back() {
        let peers = Peers::new(2, TrustedProxies::default());
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let first = peers.enter(one).unwrap();
        let second = peers.enter(one).unwrap();
        assert!(peers.enter(one).is_none());
        let others = peers.enter(other).unwrap();
        drop(first);
        let third = peers.enter(one).unwrap();
        drop((second, third, others));
        assert!(lock(&peers.open).is_empty(), "nothing is kept of who was there");
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer_and_an_address_of_ipv4_is_itself_however_it_is_written() {
        let peers = Peers::new(1, TrustedProxies::default());
        let _first = peers.enter(address("2001:db8:1:2::1")).unwrap();
        assert!(peers.enter(address("2001:db8:1:2:ffff::9")).is_none());
        let _next = peers.enter(address("2001:db8:1:3::1")).unwrap();
        let _v4 = peers.enter(address("192.0.2.1")).unwrap();
        assert!(peers.enter(address("::ffff:192.0.2.1")).is_none());
        assert!(peers.enter(address("192.0.2.2")).is_some());
    }

    #[test]
    fn a_proxy_that_is_trusted_has_as_many_as_it_likes() {
        let peers = Peers::new(1, TrustedProxies::new(["10.0.0.0/8"]).unwrap());
        let places: Vec<Place> = (0..10).map(|_| peers.enter(address("10.1.2.3")).unwrap()).collect();
        assert_eq!(places.len(), 10);
    }
}
