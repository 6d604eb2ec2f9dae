//! The application's own services, as they are configured: the way to each, and what keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;

use mainstay_contract::is_upstream_name;
use mainstay_runtime::channel::Channel;
use mainstay_runtime::channel::balance::{Balanced, Keeper, UpstreamConfig, UpstreamError};
use mainstay_telemetry::Metrics;

use crate::assertions::Asserting;
use crate::backends::Backends;

/// Finds what is wrong with the upstreams of the configuration, each as its path below `gateway` and what it has to be.
pub fn problems(upstreams: &BTreeMap<String, UpstreamConfig>) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (name, config) in upstreams {
        if !is_upstream_name(name) {
            let remedy =
                "must have a name of lower-case letters, digits, and single `-` or `_` between them".to_owned();
            problems.push((format!("upstreams.{name}"), remedy));
        }
        let own = config.problems().into_iter();
        problems.extend(own.map(|(path, remedy)| (format!("upstreams.{name}.{path}"), remedy)));
    }
    problems
}

/// Makes the ways to the upstreams. Gives them to the services behind, and what has to be done for them all the time.
///
/// # Errors
/// Says what of the configuration cannot be used.
pub fn connect(
    backends: Backends,
    upstreams: &BTreeMap<String, UpstreamConfig>,
    metrics: &Metrics,
) -> Result<(Backends, Option<Keeper>), UpstreamError> {
    let mut ways = Vec::new();
    for (name, config) in upstreams {
        let way = Balanced::new(name, config)?;
        way.observe(metrics);
        ways.push((name, way));
    }
    let keeper = (!ways.is_empty()).then(|| Keeper::of(ways.iter().map(|(_, way)| way)));
    let auth = Arc::clone(&backends.auth().channel);
    let named = ways.into_iter().map(|(name, way)| {
        let channel: Arc<dyn Channel> = Arc::new(Asserting::new(name, Arc::new(way), Arc::clone(&auth)));
        (name.as_str(), channel)
    });
    let named: Vec<_> = named.collect();
    Ok((backends.with_upstreams(named), keeper))
}
