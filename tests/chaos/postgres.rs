//! A server of PostgreSQL that goes away in all ways that there are.

use mainstay_testkit::Engine;
use mainstay_testkit::cluster::Cluster;
use mainstay_testkit::proxy::Proxy;

use super::figures::{Failure, Figures};
use super::trial::{Pace, Trial, address_of, cluster, on_cluster};
use crate::support::{System, notes};

/// One process on a server that the test may do anything to.
async fn trial(pace: Pace, cluster: &Cluster) -> Trial {
    // No store of the shared server is made.
    let system = System::one_with(Engine::Sqlite, notes::folder(), |launch| on_cluster(launch, cluster, None)).await;
    Trial::of(system, pace).await
}

/// Every process of the server is killed at once, and the server is started again.
pub async fn killed(pace: Pace) -> Result<Figures, Failure> {
    let cluster = cluster().await;
    let mut trial = trial(pace, &cluster).await;
    for _ in 0..pace.rounds() {
        trial.witness.goes_well().await;
        blocking(|| cluster.kill());
        trial.readiness_says(false).await;
        trial.lasts().await;
        blocking(|| cluster.resume());
        trial.recovers().await;
    }
    Ok(trial.ends("").await)
}

/// The server is restarted, as an upgrade does it.
pub async fn restarted(pace: Pace) -> Result<Figures, Failure> {
    let cluster = cluster().await;
    let mut trial = trial(pace, &cluster).await;
    for _ in 0..pace.rounds() {
        trial.witness.goes_well().await;
        blocking(|| cluster.restart());
        trial.recovers().await;
    }
    Ok(trial.ends("").await)
}

/// Somebody ends all connections, again and again.
pub async fn sessions_ended(pace: Pace) -> Result<Figures, Failure> {
    let cluster = cluster().await;
    let mut trial = trial(pace, &cluster).await;
    for _ in 0..pace.of(2, 8) {
        trial.witness.goes_well().await;
        end_sessions(&cluster);
        trial.recovers().await;
    }
    Ok(trial.ends("").await)
}

/// Ends every connection to the server but the one that asks for it.
pub fn end_sessions(cluster: &Cluster) {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND \
               backend_type = 'client backend'";
    cluster.run(sql);
}

/// The server stands still, and closes nothing.
pub async fn frozen(pace: Pace) -> Result<Figures, Failure> {
    let cluster = cluster().await;
    let mut trial = trial(pace, &cluster).await;
    for _ in 0..pace.of(1, 2) {
        trial.witness.goes_well().await;
        cluster.freeze();
        trial.readiness_says(false).await;
        trial.lasts().await;
        cluster.thaw();
        trial.recovers().await;
    }
    Ok(trial.ends("").await)
}

/// Everything on the way to the server gets lost: what there is first, then new connections as well.
pub async fn cut_off(pace: Pace) -> Result<Figures, Failure> {
    let cluster = cluster().await;
    let proxy = Proxy::to(address_of(&cluster)).await;
    let by = Some(proxy.address());
    let system = System::one_with(Engine::Sqlite, notes::folder(), |launch| on_cluster(launch, &cluster, by)).await;
    let mut trial = Trial::of(system, pace).await;
    proxy.lose_connections();
    trial.recovers().await;
    proxy.lose_everything();
    trial.readiness_says(false).await;
    trial.lasts().await;
    proxy.heal();
    trial.recovers().await;
    Ok(trial.ends("").await)
}

/// The clients go on meanwhile: they are on other threads.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
