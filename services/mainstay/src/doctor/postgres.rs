//! PostgreSQL servers: whether they keep what they acknowledge, and have room for all who come.

use std::collections::BTreeMap;

use mainstay_db::server::{self, Facts};
use mainstay_db::{Database, Lane};
use mainstay_identity::{Clock as _, SystemClock};

use super::finding::{Findings, Level};
use crate::backup::left_behind;

/// The connections that may be made to each server, by what tells servers apart, with how many it takes.
pub type Servers = BTreeMap<String, (u64, u64)>;

/// The oldest version that PostgreSQL's own community still mends.
const OLDEST: u64 = 140_000;

/// How far the server's clock may be from ours, microseconds.
const SKEW: u64 = 2_000_000;
const WRONG: u64 = 60_000_000;

/// Looks at the server behind a database.
pub async fn look(
    database: &Database,
    place: &str,
    (pool, strict): (usize, bool),
    servers: &mut Servers,
    findings: &mut Findings,
) {
    let asked = SystemClock.now_micros();
    let facts: Result<Facts, mainstay_db::Error> = database.snapshot(|conn| Box::pin(server::facts(conn))).await;
    let answered = SystemClock.now_micros();
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => return findings.add(Level::Problem, place, error.to_string(), "let the role read pg_settings"),
    };
    let is_new = !servers.contains_key(&facts.server);
    let (taken, _) = servers.entry(facts.server.clone()).or_insert((0, limit(&facts)));
    *taken += pool as u64;
    if is_new {
        left_of_drills(database, findings).await;
    }
    promises(&facts, place, findings);
    version(&facts, place, findings);
    clock(&facts, place, (asked, answered), findings);
    if facts.is_superuser {
        let level = if strict { Level::Warning } else { Level::Note };
        let what = "the role is a superuser, and needs no more than to own its database";
        findings.add(level, place, what, "CREATE ROLE mainstay LOGIN; ALTER DATABASE … OWNER TO mainstay;");
    }
}

/// Databases that only a drill which was killed can have left.
async fn left_of_drills(database: &Database, findings: &mut Findings) {
    let left = database.read(Lane::Heavy, |conn| Box::pin(left_behind(conn))).await;
    for name in left.unwrap_or_default() {
        let remedy = format!("the next drill (`mainstay restore --verify`) removes it, or DROP DATABASE {name};");
        findings.add(Level::Warning, format!("PostgreSQL: {name}"), "was left of a drill that was killed", remedy);
    }
}

fn limit(facts: &Facts) -> u64 {
    number(facts, "max_connections").saturating_sub(number(facts, "superuser_reserved_connections"))
}

/// Whether each server has room for the pools of all services; replicas come on top.
pub fn connections(servers: &Servers, findings: &mut Findings) {
    for (taken, limit) in servers.values().filter(|(taken, limit)| taken > limit) {
        let what =
            format!("the pools may open {taken} connections, and the server takes {limit}: some would be refused");
        let remedy = "raise max_connections, or lower auth.database_pool_size and data.store.pool_size";
        findings.add(Level::Problem, "PostgreSQL: max_connections", what, remedy);
    }
}

/// What PostgreSQL must do for an acknowledged write to be there after a loss of power.
fn promises(facts: &Facts, place: &str, findings: &mut Findings) {
    let promises = [
        ("fsync", Level::Problem, "a loss of power damages the database"),
        ("full_page_writes", Level::Problem, "a loss of power damages pages that were half written"),
        (
            "synchronous_commit",
            Level::Problem,
            "writes are acknowledged before they are stored, and a crash loses them",
        ),
        ("autovacuum", Level::Warning, "tables grow without end, and the database stops in time"),
    ];
    for (setting, level, what) in promises {
        if value(facts, setting) == "off" {
            findings.add(
                level,
                format!("{place}: {setting}"),
                format!("is off: {what}"),
                format!("ALTER SYSTEM SET {setting} = on; SELECT pg_reload_conf();"),
            );
        }
    }
    let encoding = value(facts, "server_encoding");
    if encoding != "UTF8" {
        let remedy = "make a database with ENCODING 'UTF8' and restore into it";
        findings.add(
            Level::Problem,
            place,
            format!("the database's encoding is {encoding}: not every text can be stored"),
            remedy,
        );
    }
}

fn version(facts: &Facts, place: &str, findings: &mut Findings) {
    let number = number(facts, "server_version_num");
    if number < OLDEST {
        let what = format!("PostgreSQL {} is no longer maintained", value(facts, "server_version"));
        findings.add(Level::Warning, place, what, format!("upgrade to {} or newer", OLDEST / 10_000));
    }
}

fn clock(facts: &Facts, place: &str, (asked, answered): (i64, i64), findings: &mut Findings) {
    let now = facts.now_micros;
    // It was read at some moment between the two.
    let off = if now < asked { asked.abs_diff(now) } else { u64::try_from(now - answered).unwrap_or(0) };
    if off > SKEW {
        let level = if off > WRONG { Level::Problem } else { Level::Warning };
        let what = format!(
            "its clock is {} s from this machine's: leases and times in records follow one, tokens the other",
            off / 1_000_000
        );
        findings.add(level, format!("{place}: clock"), what, "set both clocks (`timedatectl`, chrony)");
    }
}

fn value<'f>(facts: &'f Facts, name: &str) -> &'f str {
    facts.settings.get(name).map_or("", String::as_str)
}

fn number(facts: &Facts, name: &str) -> u64 {
    value(facts, name).parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(settings: &[(&str, &str)], look: impl Fn(&Facts, &str, &mut Findings)) -> Vec<(Level, String)> {
        let mut facts = Facts::default();
        facts.settings.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut findings = Findings::default();
        look(&facts, "data (PostgreSQL)", &mut findings);
        findings
            .all()
            .into_iter()
            .map(|finding| (finding.level, format!("{}|{}|{}", finding.place, finding.what, finding.remedy)))
            .collect()
    }

    #[test]
    fn a_version_that_nobody_mends_any_more_is_told() {
        let old = found(&[("server_version", "13.22"), ("server_version_num", "130022")], version);
        let told = "data (PostgreSQL)|PostgreSQL 13.22 is no longer maintained|upgrade to 14 or newer";
        assert_eq!(old, [(Level::Warning, told.to_owned())]);
        assert_eq!(found(&[("server_version_num", "140000")], version), []);
    }
}
