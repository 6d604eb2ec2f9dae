//! Stores: whether they can be read, and whether their tables are what the ledger says.

use std::fs;

use mainstay_testkit::Engine;

use super::{assert_told, doctor, text};
use crate::support::{System, notes};

#[tokio::test]
async fn what_somebody_changed_by_hand_is_named() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut system = System::one(engine, notes::folder()).await;
        system.gateway.stop().await;
        system.run_sql("ALTER TABLE notes_v1_note RENAME COLUMN body TO text").await;
        let (said, code) = doctor(system.gateway.launch(), &[]);
        assert_eq!(code, Some(2), "{said:#}");
        assert_told(&said, "problem", "data: notes_v1_note.body", &["the column is missing", "ADD COLUMN"]);
        let printed = text(&system.command(&["doctor"]));
        assert!(printed.contains("  problem    data: notes_v1_note.body: the column is missing\n"), "{printed}");
    }
}

#[tokio::test]
async fn what_weakens_a_store_is_a_warning_and_what_is_a_strangers_a_note() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let folder = crate::support::Folder::with(notes::FILE, &notes::contract(1));
        let mut system = System::one(engine, folder).await;
        system.gateway.stop().await;
        system.run_sql("CREATE TABLE somebody_elses (id INT)").await;
        system.run_sql("DROP INDEX notes_v1_note__extra_1_idx").await;
        let (said, code) = doctor(system.gateway.launch(), &[]);
        // The server of the tests may lose everything, which is told as well.
        assert_eq!(code, Some(if engine == Engine::Sqlite { 0 } else { 2 }), "{said:#}");
        assert_told(&said, "warning", "data: notes_v1_note", &["index"]);
        assert_told(&said, "note", "data: somebody_elses", &[]);
    }
}

#[tokio::test]
async fn files_that_are_no_stores_or_are_damaged_are_told() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    system.gateway.stop().await;
    notes::fill(&system, Engine::Sqlite, 2_000).await;
    let data = system.folder.path().join("data");
    fs::write(data.join("auth.sqlite"), "this is no database, however long one looks at it").expect("it is written");
    let path = data.join("data.sqlite");
    let mut bytes = fs::read(&path).expect("it is there");
    let from = bytes.len() / 2 / 4096 * 4096;
    bytes[from..from + 8 * 4096].fill(0xa5);
    fs::write(&path, bytes).expect("it is written");
    let (said, code) = doctor(system.gateway.launch(), &["--pages"]);
    assert_eq!(code, Some(2), "{said:#}");
    assert_told(&said, "problem", "auth (", &["damaged", "mend that first"]);
    assert_told(&said, "problem", "data (", &["mainstay restore"]);
}
