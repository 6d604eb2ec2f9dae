//! Background work has one home, where it is supervised, measured and ended.

use std::collections::BTreeSet;

use super::workspace::{root, rust_files};

/// Every file that starts a task or a thread which is no job, and why it may.
const NO_JOBS: [(&str, &str); 20] = [
    ("crates/contract/src/each.rs", "the cores that read the files of a contract, which waits for them"),
    ("crates/db/src/postgres/link.rs", "moves the bytes of a connection"),
    ("crates/db/src/postgres/pool.rs", "ends a query that nobody waits for"),
    (
        "crates/db/src/postgres/store.rs",
        "a write runs to its end when its caller goes away; connections are looked after",
    ),
    ("crates/db/src/sqlite/answers.rs", "wakes those whose writes were committed"),
    ("crates/db/src/sqlite/store.rs", "the threads that a store consists of"),
    ("crates/identity/src/verifier.rs", "one fetch, where a call has found the keys to be old"),
    ("crates/lsp/src/server.rs", "a look at what was typed, in a process that serves one editor"),
    ("crates/outbound/src/client.rs", "moves the bytes of a call, and ends with it"),
    ("crates/runtime/src/jobs/mod.rs", "here jobs begin"),
    ("crates/runtime/src/process/mod.rs", "the operators' port, and the one that leads to HTTPS, beside the clients'"),
    ("crates/runtime/src/server/connection.rs", "a connection"),
    ("crates/runtime/src/server/patient.rs", "an exchange of a connection that carries several"),
    ("crates/runtime/src/server/mod.rs", "hands a connection over to the one above"),
    ("crates/runtime/src/server/tunnel.rs", "a stream of a connection that speaks another protocol"),
    ("crates/runtime/src/shutdown.rs", "the signals that end jobs"),
    (
        "services/gateway/src/socket/identity.rs",
        "follows a credential as long as somebody calls with it, and ends with its socket",
    ),
    ("services/gateway/src/socket/session.rs", "the calls of a socket, which end with it"),
    ("services/mainstay/src/backup/postgres.rs", "uses the databases of a drill, which ends them"),
    ("services/mainstay/src/contract/side.rs", "git, which a command waits for"),
];

/// What a line starts that goes on by itself.
fn starts(line: &str) -> bool {
    let line = line.trim_start();
    !line.starts_with("//") && (line.contains("spawn(") || line.contains("spawn_local(")) && !line.contains("fn spawn(")
}

/// The code of a file without the tests at its end.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
}

fn begins_work() -> BTreeSet<String> {
    let sources = rust_files().into_iter().filter(|(path, _)| {
        path.contains("/src/") && !path.starts_with("crates/testkit/") && !path.starts_with("tests/")
    });
    sources.filter(|(_, text)| code(text).lines().any(starts)).map(|(path, _)| path).collect()
}

#[test]
fn whatever_goes_on_by_itself_is_a_job() {
    let known: BTreeSet<String> = NO_JOBS.iter().map(|(path, _)| (*path).to_owned()).collect();
    let found = begins_work();
    let strangers: Vec<&String> = found.difference(&known).collect();
    assert!(strangers.is_empty(), "background work stands in mainstay_runtime::jobs, not in {strangers:?}");
    let gone: Vec<&String> = known.difference(&found).collect();
    assert!(gone.is_empty(), "nothing is started any more in {gone:?}");
}

#[test]
fn a_task_is_found_however_it_is_started() {
    for line in [
        "tokio::spawn(work());",
        "    runtime.spawn(async {",
        "tasks.spawn(x)",
        "Builder::new().spawn(move || run())?;",
    ] {
        assert!(starts(line), "{line}");
    }
    for line in ["// tokio::spawn(work())", "spawn_blocking(hash)", "    pub fn spawn(self) {"] {
        assert!(!starts(line), "{line}");
    }
}

/// How a job gets its name.
const NAMED: [&str; 4] = ["Job::every(\"", "Job::continuous(\"", "Job::until_done(\"", "process.watch(\""];

#[test]
fn every_job_is_in_the_list_of_jobs() {
    let mut named = BTreeSet::new();
    for (path, text) in rust_files() {
        if !path.contains("/src/") || path.starts_with("crates/runtime/src/jobs/") {
            continue;
        }
        for opening in NAMED {
            let names = code(&text).split(opening).skip(1).filter_map(|rest| rest.split('"').next().map(str::to_owned));
            named.extend(names);
        }
    }
    assert_eq!(listed(), named, "the table in crates/runtime/README.md, and the jobs of the code");
}

/// The names in the table of jobs.
fn listed() -> BTreeSet<String> {
    let page = std::fs::read_to_string(root().join("crates/runtime/README.md")).expect("the page is there");
    let (_, table) = page.split_once("| job |").expect("the page has a table of jobs");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.split('`').nth(1).map(str::to_owned)).collect()
}
