//! Processes of Mainstay that are killed, or stand still.

use mainstay_testkit::Engine;
use mainstay_testkit::server::Server;

use super::figures::{Failure, Figures};
use super::trial::{Pace, Trial, cluster, three_on};
use crate::support::{System, notes};

/// One process with everything is killed.
pub async fn killed(engine: Engine, pace: Pace) -> Result<Figures, Failure> {
    let mut trial = Trial::one(engine, pace).await;
    for _ in 0..pace.of(1, 3) {
        trial.witness.goes_well().await;
        trial.kill(|system| &mut system.gateway).await;
    }
    Ok(trial.ends("").await)
}

/// Which of three processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Auth,
    Data,
    Gateway,
}

impl Which {
    fn of(self, system: &mut System) -> &mut Server {
        match self {
            Which::Auth => system.auth(),
            Which::Data => system.data(),
            Which::Gateway => &mut system.gateway,
        }
    }
}

/// One of three processes is killed.
pub async fn one_of_three_killed(engine: Engine, which: Which, pace: Pace) -> Result<Figures, Failure> {
    three(engine, pace, async |trial| {
        for _ in 0..pace.rounds() {
            trial.witness.goes_well().await;
            trial.kill(|system| which.of(system)).await;
        }
    })
    .await
}

/// One of three processes stands still. The others notice, and the gateway says so.
pub async fn one_of_three_frozen(engine: Engine, which: Which, pace: Pace) -> Result<Figures, Failure> {
    three(engine, pace, async |trial| {
        which.of(&mut trial.system).freeze();
        match which {
            Which::Gateway => trial.lasts().await,
            Which::Auth | Which::Data => trial.readiness_says(false).await,
        }
        trial.lasts().await;
        which.of(&mut trial.system).thaw();
        trial.recovers().await;
    })
    .await
}

async fn three(engine: Engine, pace: Pace, does: impl AsyncFnOnce(&mut Trial)) -> Result<Figures, Failure> {
    // A server of its own, which stores what it acknowledges.
    let cluster = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(cluster().await),
    };
    let system = match &cluster {
        Some(cluster) => three_on(cluster).await,
        None => System::three(engine, notes::folder()).await,
    };
    let mut trial = Trial::of(system, pace).await;
    does(&mut trial).await;
    Ok(trial.ends("").await)
}
