//! What the gateway does without being asked.

use mainstay_runtime::channel::balance::{KEEP_INTERVAL, Keeper};
use mainstay_runtime::{Job, Jobs, Readiness};

use crate::backends::Backends;
use crate::limits::{Follow, LOOK_INTERVAL};
use crate::readiness::{PROBE_INTERVAL, Probes};
use crate::watch::{ContractWatch, LONGEST_WAIT, SHORTEST_WAIT};

/// Starts all jobs of the gateway: it follows the contract, asks the services behind whether they serve, where the application's own
/// are, and whether the Redis is there in which calls are counted.
pub fn start(
    jobs: &Jobs,
    contract: ContractWatch,
    (backends, keeper, limits): (&Backends, Option<Keeper>, Option<Follow>),
    readiness: &Readiness,
) {
    let follow = Job::every("contract", SHORTEST_WAIT).at_once().retried(SHORTEST_WAIT, LONGEST_WAIT).quiet();
    jobs.start(follow, contract);
    jobs.start(Job::every("backends", PROBE_INTERVAL).at_once().quiet(), Probes::new(backends, readiness));
    if let Some(keeper) = keeper {
        jobs.start(Job::every("upstreams", KEEP_INTERVAL).at_once().quiet(), keeper);
    }
    if let Some(limits) = limits {
        jobs.start(Job::every("rate limits", LOOK_INTERVAL).at_once().quiet(), limits);
    }
}
