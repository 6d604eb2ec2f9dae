//! What the machine gives.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use mainstay_testkit::Engine;
use mainstay_testkit::faults::Faults;
use mainstay_testkit::server::Launch;

use super::{assert_told, doctor};
use crate::support::{System, notes};

#[tokio::test]
async fn a_server_that_may_open_fewer_files_than_it_needs_is_told() {
    let system = System::one_with(Engine::Sqlite, notes::folder(), |launch| launch.limited("ulimit -n 300")).await;
    system.gateway.logged("there are descriptors for fewer connections than configured").await;
    let (said, code) = doctor(system.gateway.launch(), &[]);
    assert_eq!(code, Some(0), "it works: {said:#}");
    let words = [
        "the running server may open 300 files",
        "room for 150 connections",
        "asks for 8192",
        "LimitNOFILE=16384",
        "ulimit -Hn",
    ];
    assert_told(&said, "warning", "descriptors", &words);
    let fewer = system.gateway.launch().clone().environment("MAINSTAY__MAX_CONNECTIONS", "150");
    let (said, _) = doctor(&fewer, &[]);
    assert!(said["fine"].to_string().contains("may open 300 files"), "all of them have room: {said:#}");
}

/// A file system in memory, where this user may mount one.
struct Disk<'p>(&'p Path);

impl Disk<'_> {
    fn mounted<'p>(at: &'p Path, options: &str) -> Option<Disk<'p>> {
        fs::create_dir_all(at).expect("a folder can be made");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(at).stdin(Stdio::null()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Disk(at))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[tokio::test]
async fn a_disk_with_little_room_or_none_is_told() {
    let folder = notes::folder();
    let data = folder.path().join("data");
    for (options, level, words) in [
        ("mode=700,size=900m", "warning", &["only 900", "make room"][..]),
        ("mode=700,size=100m", "problem", &["only 100", "refuses writes"]),
        ("mode=700,size=2g,nr_inodes=1", "problem", &["no more files, however small", "remove some"]),
    ] {
        let Some(_disk) = Disk::mounted(&data, options) else {
            eprintln!("a small disk is not shown on this machine: mounting a tmpfs takes root");
            return;
        };
        let (said, code) = doctor(&Launch::new(folder.path()), &[]);
        assert_told(&said, level, "/data", words);
        assert_eq!(code, Some(if level == "problem" { 2 } else { 0 }), "{said:#}");
    }
}

#[tokio::test]
async fn a_clock_that_is_behind_is_told() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let launch = system.gateway.launch();
    let file = File::options().write(true).open(system.folder.path().join("data/auth.sqlite")).expect("it is there");
    file.set_modified(SystemTime::now() + Duration::from_secs(500)).expect("its time can be set");
    let (said, code) = doctor(launch, &[]);
    assert_eq!(code, Some(2), "{said:#}");
    assert_told(&said, "problem", "clock", &["s behind the time at which the stores were written", "timedatectl"]);

    match Faults::below(system.folder.path()) {
        Ok(faults) => {
            faults.clock_is_off_by(-30 * 365 * 24 * 3_600);
            let (said, code) = doctor(&faults.of(launch.clone()), &[]);
            assert_eq!(code, Some(2), "{said:#}");
            assert_told(&said, "problem", "clock", &["is years behind", "timedatectl"]);
        }
        Err(why) => eprintln!("a clock that was never set is not shown on this machine: {why}"),
    }
}
