//! Disks that take no more, cannot be written, do not sync or cannot be read, and files that somebody deletes.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mainstay_testkit::Engine;
use mainstay_testkit::faults::{EIO, ENOSPC, EROFS, ESTALE, Faults};
use tempfile::TempDir;

use super::figures::{Failure, Figures};
use super::trial::{Pace, Trial};
use crate::support::{System, notes};

/// A small file system in memory. It goes with this value, after the servers on it.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mounted() -> Result<SmallDisk, Failure> {
        let folder = tempfile::Builder::new().prefix("mainstay-test-disk-").tempdir().expect("a folder can be made");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=40m,mode=700", "none"]).arg(folder.path()).stdin(Stdio::null());
        match mount.output() {
            Ok(output) if output.status.success() => Ok(SmallDisk(folder)),
            Ok(output) => Err(not_here(&String::from_utf8_lossy(&output.stderr))),
            Err(error) => Err(not_here(&error.to_string())),
        }
    }

    /// Fills it to its last byte.
    fn fill(&self) -> PathBuf {
        let path = self.0.path().join("ballast");
        let mut file = File::create(&path).expect("a file can be made");
        let mut piece = vec![0; 64 << 10];
        while !piece.is_empty() {
            if file.write_all(&piece).is_err() {
                piece.truncate(piece.len() / 2);
            }
        }
        path
    }
}

fn not_here(why: &str) -> Failure {
    Failure::NotHere(format!("a small disk takes root, who may mount a tmpfs ({})", why.trim()))
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// The disk has no room any more, for a while.
pub async fn full(pace: Pace) -> Result<Figures, Failure> {
    let disk = SmallDisk::mounted()?;
    let data = disk.0.path().join("data").to_string_lossy().into_owned();
    let system =
        System::one_with(Engine::Sqlite, notes::folder(), |launch| launch.environment("MAINSTAY__DATA_DIR", data))
            .await;
    let mut trial = Trial::of(system, pace).await;
    for _ in 0..pace.rounds() {
        trial.witness.goes_well().await;
        let ballast = disk.fill();
        trial.readiness_says(false).await;
        reads_go_on(&trial).await;
        trial.lasts().await;
        fs::remove_file(ballast).expect("it is there");
        trial.recovers().await;
    }
    Ok(trial.ends("").await)
}

async fn reads_go_on(trial: &Trial) {
    trial.system.http().get("/notes/v1/notes?pageSize=3").await.ok();
}

/// What a disk does to whoever writes, syncs or reads.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    Full,
    ReadOnly,
    WritesFail,
    SyncsFail,
    Away,
    Damaged,
}

impl Fault {
    fn begins(self, faults: &Faults) {
        match self {
            Fault::Full => faults.writes_fail_with(ENOSPC),
            Fault::ReadOnly => faults.writes_fail_with(EROFS),
            Fault::WritesFail => faults.writes_fail_with(EIO),
            Fault::SyncsFail => faults.syncs_fail_with(EIO),
            Fault::Away => faults.reads_fail_with(ESTALE),
            Fault::Damaged => faults.reads_fail_with(EIO),
        }
    }

    fn ends(faults: &Faults) {
        faults.writes_fail_with(0);
        faults.syncs_fail_with(0);
        faults.reads_fail_with(0);
    }
}

/// A system whose disk has faults when the test wants them.
async fn faulty(pace: Pace) -> Result<(Trial, Faults), Failure> {
    let folder = notes::folder();
    let faults = Faults::below(folder.path()).map_err(Failure::NotHere)?;
    let system = System::one_with(Engine::Sqlite, folder, |launch| faults.of(launch)).await;
    Ok((Trial::of(system, pace).await, faults))
}

/// The disk has a fault for a while; in the end the process is killed among others, so that what it had not stored is gone.
pub async fn ill(fault: Fault, pace: Pace) -> Result<Figures, Failure> {
    let (mut trial, faults) = faulty(pace).await?;
    // What a disk once could not read counts as damaged until the next start.
    let heals = !matches!(fault, Fault::Damaged);
    for _ in 0..if heals { pace.rounds() } else { 0 } {
        trial.witness.goes_well().await;
        fault.begins(&faults);
        trial.readiness_says(false).await;
        if !matches!(fault, Fault::Away) {
            reads_go_on(&trial).await;
        }
        trial.lasts().await;
        Fault::ends(&faults);
        trial.recovers().await;
    }
    fault.begins(&faults);
    trial.readiness_says(false).await;
    let before = trial.system.gateway.pid();
    trial.system.gateway.kill().await;
    Fault::ends(&faults);
    trial.system.gateway.respawn();
    trial.memory.moved(before, trial.system.gateway.pid());
    trial.recovers().await;
    let mut figures = trial.ends("").await;
    if !heals {
        // What cannot be read is said to be damaged: of all answers that is the true one.
        let before = figures.found.wrong.len();
        figures.found.wrong.retain(|wrong| !wrong.contains("DATA_DAMAGED"));
        figures.said =
            format!("500 DATA_DAMAGED × {}; it is damaged until the next start", before - figures.found.wrong.len());
    }
    Ok(figures)
}

/// The file of the data service is moved away under the running server, and put back.
pub async fn deleted(pace: Pace) -> Result<Figures, Failure> {
    let mut trial = Trial::one(Engine::Sqlite, pace).await;
    let data = trial.system.folder.path().join("data");
    for _ in 0..pace.rounds() {
        trial.witness.goes_well().await;
        moved(&data, "data.sqlite", "away.sqlite");
        trial.readiness_says(false).await;
        trial.lasts().await;
        moved(&data, "away.sqlite", "data.sqlite");
        trial.recovers().await;
    }
    Ok(trial.ends("put back in the end").await)
}

fn moved(folder: &Path, from: &str, to: &str) {
    fs::rename(folder.join(from), folder.join(to)).expect("it can be moved");
}
