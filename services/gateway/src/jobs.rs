//! What the gateway does without being asked.

use mainstay_runtime::channel::balance::{KEEP_INTERVAL, Keeper};
use mainstay_runtime::{Job, Jobs, Readiness};

use crate::backends::Backends;
use crate::readiness::{PROBE_INTERVAL, Probes};
use crate::watch::{ContractWatch, LONGEST_WAIT, SHORTEST_WAIT};

/// Starts all jobs of the gateway: it follows the contract, asks the services behind whether they serve, and where the
/// application's own are.
pub fn start(
    jobs: &Jobs,
    contract: ContractWatch,
    (backends, keeper): (&Backends, Option<Keeper>),
    readiness: &Readiness,
) {
    let follow = Job::every("contract", SHORTEST_WAIT).at_once().retried(SHORTEST_WAIT, LONGEST_WAIT).quiet();
    jobs.start(follow, contract);
    jobs.start(Job::every("backends", PROBE_INTERVAL).at_once().quiet(), Probes::new(backends, readiness));
    if let Some(keeper) = keeper {
        jobs.start(Job::every("upstreams", KEEP_INTERVAL).at_once().quiet(), keeper);
    }
}
