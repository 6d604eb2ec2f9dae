//! Who may open a store, and what is said when it cannot be opened.

use std::os::unix::fs::PermissionsExt;

use mainstay_db::{Config, DataDir, Database, Engine, Error, RunInfo};
use mainstay_testkit::database;
use secrecy::ExposeSecret;

use crate::support::{add, keys, table};

#[tokio::test]
async fn a_store_in_use_is_locked_and_says_by_whom() {
    let db = database::fresh(Engine::Sqlite).await;
    let path = &db.place().path;
    let info = RunInfo { pid: std::process::id(), address: "http://127.0.0.1:7000".to_owned(), secret: "s".into() };
    info.write(path.parent().unwrap()).unwrap();
    let Err(error) = Database::open_sqlite(path, &Config::default()) else { panic!("opened twice") };
    let said = error.to_string();
    assert!(said.contains(&std::process::id().to_string()) && said.contains("127.0.0.1:7000"), "{said}");
    assert!(matches!(error, Error::Locked { .. }));
}

#[tokio::test]
async fn a_closed_store_can_be_opened_again() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    add(&db, "a").await.unwrap();
    keys(&db).await;
    let place = db.into_place().await;
    let db = Database::open_sqlite(&place.path, &place.config).unwrap();
    assert_eq!(keys(&db).await, ["a"]);
    assert!(!place.path.with_extension("db-wal").exists() || db.counters().batches == 0);
}

#[tokio::test]
async fn a_dropped_store_is_free() {
    let place = database::place(Engine::Sqlite).await;
    for _ in 0..3 {
        drop(Database::open_sqlite(&place.path, &place.config).unwrap());
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_damaged_with_a_remedy() {
    let place = database::place(Engine::Sqlite).await;
    std::fs::write(&place.path, "this is not a database, but long enough to be mistaken for one".repeat(100)).unwrap();
    let Err(error) = Database::open_sqlite(&place.path, &place.config) else { panic!("it was opened") };
    assert!(matches!(&error, Error::Corrupt { path, .. } if *path == place.path), "{error:?}");
    assert!(error.to_string().contains("backup"), "{error}");
}

#[tokio::test]
async fn damage_inside_a_file_is_told_when_it_is_read() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    for i in 0..50 {
        add(&db, &format!("{i}-{}", "x".repeat(1000))).await.unwrap();
    }
    let place = db.into_place().await;
    let mut bytes = std::fs::read(&place.path).unwrap();
    let size = bytes.len();
    bytes[4096..size].fill(0xff);
    std::fs::write(&place.path, bytes).unwrap();
    let db = Database::open_sqlite(&place.path, &place.config).unwrap();
    let all = crate::support::statement("SELECT id FROM t", &[]);
    let rows = mainstay_db::Rows::of(&[mainstay_record::Kind::Text]);
    let outcome = db.fetch(mainstay_db::Lane::Inline, &all, Vec::new(), rows).await;
    assert!(matches!(outcome, Err(Error::Corrupt { .. })), "{outcome:?}");
}

#[tokio::test]
async fn only_its_owner_can_read_a_store() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let folder = db.place().path.parent().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", entry.path().display());
    }
}

#[test]
fn one_process_has_a_data_directory_and_tells_how_to_reach_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let first = DataDir::lock(&path).unwrap();
    let info = RunInfo { pid: std::process::id(), address: "http://127.0.0.1:1".to_owned(), secret: "hush".into() };
    first.publish(&info).unwrap();
    assert_eq!(std::fs::metadata(path.join("run.json")).unwrap().permissions().mode() & 0o777, 0o600);
    let read = RunInfo::read(&path).unwrap();
    assert_eq!(
        (read.pid, read.address.as_str(), read.secret.expose_secret()),
        (info.pid, "http://127.0.0.1:1", "hush")
    );
    assert!(!format!("{read:?}").contains("hush"));
    let Err(Error::Locked { pid, address, .. }) = DataDir::lock(&path) else { panic!("locked twice") };
    assert_eq!((pid, address), (Some(info.pid), Some(info.address)));
    drop(first);
    assert!(RunInfo::read(&path).is_none());
    DataDir::lock(&path).unwrap();
}

#[test]
fn a_data_directory_that_is_a_file_is_called_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("auth")] {
        let Err(Error::Config(message)) = DataDir::lock(&path) else { panic!("a file was locked") };
        assert!(message.starts_with(&format!("{} is a file", file.display())), "{message}");
    }
}

/// Every store and every process of a data directory is asked, however little of it they use.
#[test]
fn a_data_directory_into_which_everybody_may_write_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    std::fs::create_dir(&path).unwrap();
    for (mode, is_refused) in [(0o777, true), (0o1777, true), (0o702, true), (0o755, false), (0o700, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let locked = DataDir::lock(&path).map(drop);
        let opened = Database::open_sqlite(&path.join("store.db"), &Config::default()).map(drop);
        for outcome in [locked, opened] {
            match outcome {
                Err(Error::Config(message)) => {
                    assert!(is_refused && message.contains("chmod 700") && message.contains("--data-dir"), "{message}");
                }
                outcome => assert!(!is_refused, "{mode:o}: {outcome:?}"),
            }
        }
    }
}

#[test]
fn nothing_starts_beside_a_restore_that_has_not_ended() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("restore.unfinished")).unwrap();
    let locked = DataDir::lock(folder.path()).map(drop);
    let opened = Database::open_sqlite(&folder.path().join("store.db"), &Config::default()).map(drop);
    for outcome in [locked, opened] {
        let Err(Error::Config(message)) = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("mainstay restore"), "{message}");
    }
    assert!(!folder.path().join("store.db").exists());
}

#[test]
fn an_unknown_setting_is_refused() {
    // Where a service stores is a setting of its own, not one of its store.
    for unknown in ["pool_sise", "database_url"] {
        let config: Result<Config, _> = serde_json::from_str(&format!("{{\"{unknown}\": 3}}"));
        assert!(config.unwrap_err().to_string().contains(unknown));
    }
    let config: Config = serde_json::from_str(r#"{"pool_size": 3}"#).unwrap();
    assert_eq!(config.pool_size, 3);
}
