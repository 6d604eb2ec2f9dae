//! What the names of a service resolve to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::lookup_host;

use super::config::Site;

/// How long it may take to resolve a name.
const PATIENCE: Duration = Duration::from_secs(2);

/// Resolves every site, all at once. A name that cannot be resolved now keeps what it resolved to; that is also why nothing is lost
/// where the name service is away.
pub(super) async fn resolve(sites: &[Site], before: &BTreeMap<SocketAddr, usize>) -> BTreeMap<SocketAddr, usize> {
    let found = join_all(sites.iter().map(one)).await;
    let mut all = BTreeMap::new();
    for (number, found) in found.into_iter().enumerate() {
        let kept = || before.iter().filter(|(_, of)| **of == number).map(|(address, _)| *address).collect();
        for address in found.unwrap_or_else(kept) {
            all.entry(address).or_insert(number);
        }
    }
    all
}

/// The addresses of a site; nothing where that cannot be found out.
async fn one(site: &Site) -> Option<Vec<SocketAddr>> {
    if let Some(literal) = site.literal {
        return Some(vec![SocketAddr::new(literal, site.port)]);
    }
    match tokio::time::timeout(PATIENCE, lookup_host((site.host.as_str(), site.port))).await {
        Ok(Ok(addresses)) => Some(addresses.collect()),
        Ok(Err(error)) => {
            tracing::debug!(host = %site.host, %error, "a name of an upstream cannot be resolved");
            None
        }
        Err(_) => {
            tracing::debug!(host = %site.host, "a name of an upstream is not resolved in time");
            None
        }
    }
}
