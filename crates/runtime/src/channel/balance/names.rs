//! What the names of a service resolve to.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::net::lookup_host;

use super::config::Site;

/// Resolves every site. A name that cannot be resolved now keeps what it resolved to; that is also why nothing is lost where the
/// name service is away.
pub(super) async fn resolve(sites: &[Site], before: &BTreeMap<SocketAddr, usize>) -> BTreeMap<SocketAddr, usize> {
    let mut found = BTreeMap::new();
    for (number, site) in sites.iter().enumerate() {
        if let Some(literal) = site.literal {
            found.entry(SocketAddr::new(literal, site.port)).or_insert(number);
            continue;
        }
        match lookup_host((site.host.as_str(), site.port)).await {
            Ok(addresses) => {
                for address in addresses {
                    found.entry(address).or_insert(number);
                }
            }
            Err(error) => {
                tracing::debug!(host = %site.host, %error, "a name of an upstream cannot be resolved");
                let kept = before.iter().filter(|(_, of)| **of == number);
                found.extend(kept.map(|(address, of)| (*address, *of)));
            }
        }
    }
    found
}
