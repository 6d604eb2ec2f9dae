//! `kill -9` under load: what was acknowledged is there, and nothing is half there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use mainstay_testkit::wait::until;
use tokio::task::JoinSet;

use crate::support::{System, notes};

const CLIENTS: usize = 64;

/// How many acknowledgements there are, at least, when the server is killed.
const ACKNOWLEDGED: usize = 600;

mainstay_testkit::both_engines! {
    async fn every_acknowledged_create_survives_kill_nine(engine: Engine) {
        let mut system = System::one(engine, notes::folder()).await;
        let mut known = BTreeSet::new();
        for round in 0..2 {
            let acknowledged = killed_while_creating(&mut system, round).await;
            known.extend(acknowledged);
            system.gateway.restart().await;
            let found = notes::all(&system.http()).await;
            let lost: Vec<&String> = known.iter().filter(|id| !found.contains_key(*id)).collect();
            assert!(lost.is_empty(), "{} of {} acknowledged notes are lost: {lost:?}", lost.len(), known.len());
            found.values().for_each(|note| notes::assert_whole(note, 0));
            // One request for each client may have been written without being answered.
            assert!(found.len() <= known.len() + CLIENTS * (round + 1), "{} found, {} acknowledged", found.len(), known.len());
        }
    }
}

/// Lets the clients create notes and kills the server meanwhile. Returns the ids that were acknowledged.
async fn killed_while_creating(system: &mut System, round: usize) -> BTreeSet<String> {
    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let mut clients = JoinSet::new();
    let shared = system.http();
    for client in 0..CLIENTS {
        let (http, acknowledged) = (shared.clone(), Arc::clone(&acknowledged));
        clients.spawn(async move {
            for number in 0.. {
                let id = format!("r{round}-c{client}-{number}");
                let path = format!("/notes/v1/notes?noteId={id}");
                let Ok(answer) = http.send(http::Method::POST, &path, Some(&notes::note(&id))).await else { return };
                assert_eq!(answer.status, 200, "{}", answer.text());
                acknowledged.lock().expect("no client panicked with the lock").insert(id);
            }
        });
    }
    until("enough creates are acknowledged", || async {
        let so_far = acknowledged.lock().expect("no client panicked with the lock").len();
        (so_far >= ACKNOWLEDGED || clients.is_empty()).then_some(())
    })
    .await;
    system.gateway.kill().await;
    while let Some(ended) = clients.join_next().await {
        ended.expect("every create is acknowledged or not answered");
    }
    let acknowledged = acknowledged.lock().expect("no client panicked with the lock").clone();
    assert!(acknowledged.len() >= ACKNOWLEDGED, "the clients ended early");
    acknowledged
}
