//! A field gets another name while everybody works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mainstay_testkit::Engine;
use mainstay_testkit::http::Http;
use mainstay_testkit::server::Launch;
use mainstay_testkit::wait::until;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Folder, System, notes};

/// Rows in the table when its column is renamed.
const ROWS: usize = 10_000;

/// Calls that each kind of client must have made under the old name, and under the new one.
const ENOUGH: usize = 40;

mainstay_testkit::both_engines! {
    async fn a_field_is_renamed_under_ten_thousand_rows_without_a_failed_call(engine: Engine) {
        let system = filled(engine).await;
        let clients = Clients::start(vec![system.http()]);
        rename_and_check(&system, clients, &[system.http()]).await;
    }
}

/// A system with the first generation's contract and many rows.
async fn filled(engine: Engine) -> System {
    let mut system = System::one_with(engine, notes::folder(), follower_keys).await;
    system.gateway.stop().await;
    notes::fill(&system, engine, ROWS).await;
    system.gateway.restart().await;
    system
}

/// Processes that share databases share the keys that seal them.
fn follower_keys(launch: Launch) -> Launch {
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    launch
        .environment("MAINSTAY__AUTH__KEY_ENCRYPTION_KEY", key)
        .environment("MAINSTAY__DATA__KEY_ENCRYPTION_KEY", key)
        .environment("MAINSTAY__DATA__CONTRACT_POLL_MS", "300")
}

mod a_second_instance_follows_a_rename_without_a_failed_call {
    use super::*;

    #[tokio::test]
    async fn on_postgres() {
        let system = filled(Engine::Postgres).await;
        // The second instance works in a folder of its own: it sees the new contract in the database only.
        let elsewhere = Folder::with(notes::FILE, &notes::contract(0));
        let launch = system.gateway.launch().clone().port(mainstay_testkit::server::free_port());
        let launch = launch
            .contracts(&elsewhere.contracts())
            .environment("MAINSTAY__DATA_DIR", elsewhere.path().join("data").to_string_lossy());
        let second = launch.start().await;
        let servers = [system.http(), second.http()];
        rename_and_check(&system, Clients::start(servers.to_vec()), &servers).await;
    }
}

async fn rename_and_check(system: &System, clients: Clients, servers: &[Http]) {
    clients.have_called(ENOUGH).await;
    system.folder.write(notes::FILE, &notes::contract(1));
    for http in servers {
        until("the new name is served", || async {
            let note = http.get("/notes/v1/notes/f0").await.ok();
            (!note["title1"].is_null()).then_some(())
        })
        .await;
    }
    system.gateway.logged("rename field   notes.example.org/Note  title_0 -> title_1").await;
    assert_eq!(system.gateway.log().matches("rename field").count(), 1, "{}", system.gateway.log());
    clients.have_called(ENOUGH).await;
    let written = clients.finish().await;
    for http in servers {
        let found = notes::all(http).await;
        assert_eq!(found.len(), ROWS + written);
        found.values().for_each(|note| notes::assert_whole(note, 1));
    }
}

/// Clients that read, list, create and change notes until they are told to stop. Every failed call fails the test.
struct Clients {
    stop: Arc<AtomicBool>,
    calls: Vec<Arc<AtomicUsize>>,
    written: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

impl Clients {
    fn start(servers: Vec<Http>) -> Clients {
        let mut clients =
            Clients { stop: Arc::default(), calls: Vec::new(), written: Arc::default(), tasks: JoinSet::new() };
        for (server, http) in servers.into_iter().enumerate() {
            for kind in 0..4 {
                let (stop, calls) = (Arc::clone(&clients.stop), Arc::new(AtomicUsize::new(0)));
                clients.calls.push(Arc::clone(&calls));
                let (http, written) = (http.clone(), Arc::clone(&clients.written));
                clients.tasks.spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        call(&http, kind, server, calls.load(Ordering::Relaxed), &written).await;
                        calls.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        clients
    }

    /// Waits until each client has made so many calls more.
    async fn have_called(&self, more: usize) {
        let before: Vec<usize> = self.calls.iter().map(|calls| calls.load(Ordering::Relaxed)).collect();
        until("the clients have called", || async {
            let all =
                self.calls.iter().zip(&before).all(|(calls, before)| calls.load(Ordering::Relaxed) >= before + more);
            let failed = self.tasks.is_empty();
            (all || failed).then_some(())
        })
        .await;
    }

    /// Ends the clients. Returns how many notes they created.
    async fn finish(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("no call failed");
        }
        self.written.load(Ordering::Relaxed)
    }
}

async fn call(http: &Http, kind: usize, server: usize, number: usize, written: &AtomicUsize) {
    match kind {
        0 => assert_title(&http.get(&format!("/notes/v1/notes/f{}", number % ROWS)).await.ok()),
        1 => {
            let page = http.get("/notes/v1/notes?pageSize=20&orderBy=weight&filter=weight%20%3D%207").await.ok();
            page["notes"].as_array().expect("a page").iter().for_each(assert_title);
        }
        2 => {
            let id = format!("n{server}-{number}");
            // The old name is understood under both contracts.
            let created = http.post(&format!("/notes/v1/notes?noteId={id}"), notes::note(&id)).await.ok();
            assert_title(&created);
            written.fetch_add(1, Ordering::Relaxed);
        }
        _ => assert_title(&http.patch(&format!("/notes/v1/notes/f{server}"), json!({"weight": 7})).await.ok()),
    }
}

/// A note has its title, under one of the two names.
fn assert_title(note: &Value) {
    let id = note["name"].as_str().unwrap_or_default().trim_start_matches("notes/");
    let titles: Vec<&str> = ["title0", "title1"].iter().filter_map(|name| note[*name].as_str()).collect();
    assert_eq!(titles, [format!("title of {id}")], "{note}");
}
