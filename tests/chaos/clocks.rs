//! Clocks that jump.

use mainstay_testkit::Engine;
use mainstay_testkit::faults::Faults;

use super::figures::{Failure, Figures};
use super::trial::{Pace, Trial};
use crate::support::{System, notes};

const HOUR: i64 = 3_600;

/// The clock of the wall jumps by hours, forwards and backwards, and in the end by a day. Whoever signs in afterwards is known.
pub async fn jump(engine: Engine, pace: Pace) -> Result<Figures, Failure> {
    let folder = notes::folder();
    let faults = Faults::below(folder.path()).map_err(Failure::NotHere)?;
    let system = System::one_with(engine, folder, |launch| faults.of(launch)).await;
    system.sign_up("ada@example.org").await;
    let mut trial = Trial::of(system, pace).await;
    for hours in [1, -2, 0, 24] {
        faults.clock_is_off_by(hours * HOUR);
        trial.recovers().await;
        trial.system.sign_in("ada@example.org").await.get("/auth/v1/accounts/me").await.ok();
    }
    // A process begins at another time than the one before ended at.
    faults.clock_is_off_by(-HOUR);
    trial.kill(|system| &mut system.gateway).await;
    trial.system.sign_in("ada@example.org").await.get("/auth/v1/accounts/me").await.ok();
    Ok(trial.ends("+1 h, −2 h, back, +24 h; started an hour ago").await)
}
