//! What the machine gives: descriptors, room on the disk, a clock.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use mainstay_db::RunInfo;
use mainstay_runtime::descriptors::room as room_for;
use mainstay_runtime::process::Role;
use mainstay_runtime::server::RESERVED_DESCRIPTORS;
use rustix::process::{Resource, getrlimit};

use super::finding::{Findings, Level};
use crate::backup::{System, size};

/// With less room than this, a store stops soon.
const LITTLE_ROOM: u64 = 1 << 30;
const NO_ROOM: u64 = 128 << 20;

/// How far in the future a file may have been written.
const SKEW: Duration = Duration::from_secs(60);

/// No clock of a machine that runs this program is right before this: 2026-01-01.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

/// Looks at the machine.
pub fn look(system: &System, findings: &mut Findings) {
    descriptors(system, findings);
    room(&system.common.data_dir, findings);
    clock(&system.common.data_dir, findings);
}

/// The hard limit: a server raises its own to that.
fn descriptors(system: &System, findings: &mut Findings) {
    let roles = [Role::All, Role::Auth, Role::Data, Role::Gateway];
    let folders = roles.map(|role| role.run_folder(&system.common.data_dir));
    let running = folders.iter().filter_map(|folder| RunInfo::read(folder)).find_map(|info| limit_of(info.pid));
    let (whose, limit) = match running {
        Some(limit) => ("the running server", limit),
        None => {
            ("this shell (a service manager may give others)", getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX))
        }
    };
    let wanted = system.common.max_connections;
    let room = room_for(wanted, Some(limit));
    if room < wanted {
        let what = format!(
            "{whose} may open {limit} files: with what stores need there is room for {room} connections, and max_connections asks \
             for {wanted}"
        );
        let needed = (wanted + RESERVED_DESCRIPTORS).next_power_of_two();
        let remedy = format!("LimitNOFILE={needed} in its unit (`ulimit -Hn` in a shell), or a lower max_connections");
        findings.add(Level::Warning, "descriptors", what, remedy);
    } else {
        findings.looked("descriptors", format!("{whose} may open {limit} files"));
    }
}

/// The hard limit of another process, where the system shows it.
fn limit_of(pid: u32) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(4)?.parse().ok()
}

fn room(folder: &Path, findings: &mut Findings) {
    let Ok(disk) = rustix::fs::statvfs(folder) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let place = folder.display().to_string();
    let remedy = "make room, or move the data directory to a larger disk; a server whose disk is full refuses writes";
    if free >= LITTLE_ROOM {
        findings.looked("disk", format!("{} are free", size(free)));
    } else {
        let level = if free < NO_ROOM { Level::Problem } else { Level::Warning };
        findings.add(level, place, format!("only {} are free", size(free)), remedy);
    }
    if disk.f_files > 0 && disk.f_favail == 0 {
        findings.add(
            Level::Problem,
            folder.display().to_string(),
            "the disk can hold no more files, however small",
            "remove some",
        );
    }
}

/// A clock that was turned back, or was never set.
fn clock(folder: &Path, findings: &mut Findings) {
    let now = SystemTime::now();
    let remedy = "set the clock (`timedatectl`, chrony): tokens, leases and times in records follow it";
    if now.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since < EARLIEST) {
        return findings.add(Level::Problem, "clock", "is years behind", remedy);
    }
    let written = |name: &str| fs::metadata(folder.join(name)).and_then(|file| file.modified()).ok();
    let names =
        ["auth.sqlite", "data.sqlite", "gateway.sqlite", "auth.sqlite-wal", "data.sqlite-wal", "run.json", "auth.key"];
    let ahead = names.iter().filter_map(|name| written(name)?.duration_since(now).ok()).max();
    match ahead.filter(|ahead| *ahead > SKEW) {
        Some(ahead) => {
            let what = format!("is {} s behind the time at which the stores were written", ahead.as_secs());
            findings.add(Level::Problem, "clock", what, remedy);
        }
        None => findings.looked("clock", "no file is from the future"),
    }
}
