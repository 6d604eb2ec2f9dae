//! What a store says of itself is what a request would meet.

use std::process::Command;
use std::time::Duration;

use mainstay_db::{Config, Database, Engine, Error, Former};
use mainstay_testkit::cluster::Cluster;
#[cfg(target_os = "linux")]
use mainstay_testkit::faults::{EIO, Faults};
use mainstay_testkit::{both_engines, database, wait};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{add, batch, insert, keys, table};

both_engines! {
    async fn a_store_that_works_says_so(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        for _ in 0..3 {
            db.ping().await.unwrap();
        }
        add(&db, "a").await.unwrap();
        db.ping().await.unwrap();
        assert_eq!(keys(&db).await, ["a"]);
    }

    async fn a_store_that_was_used_and_has_nothing_in_it_is_no_first_start(engine: Engine) {
        let place = database::place(engine).await;
        let folder = place.path.parent().unwrap();
        let former = |accept: bool| Former::of(folder, "data", "keys/data", accept);
        let db = former(false).open(&place.config, &place.path).await.unwrap();
        table(&db).await;
        former(false).record().unwrap();
        db.close().await;
        // Used as before.
        let db = former(false).open(&place.config, &place.path).await.unwrap();
        batch(&db, "DROP TABLE t").await;
        db.close().await;
        if engine == Engine::Sqlite {
            std::fs::remove_file(&place.path).unwrap();
        }
        let Err(refused) = former(false).open(&place.config, &place.path).await else { panic!("it began anew") };
        assert!(matches!(refused, Error::Emptied { .. }), "{refused:?}");
        let said = refused.to_string();
        assert!(["mainstay restore", "--accept-empty", "stores/data"].iter().all(|word| said.contains(word)), "{said}");
        assert!(!place.path.exists(), "nothing was made where something is to be put back");
        let db = former(true).open(&place.config, &place.path).await.unwrap();
        assert!(db.is_blank().await.unwrap());
        db.close().await;
    }

    async fn a_key_tells_of_a_former_start_as_well(engine: Engine) {
        let place = database::place(engine).await;
        let folder = place.path.parent().unwrap();
        std::fs::create_dir(folder.join("keys")).unwrap();
        std::fs::write(folder.join("keys/data"), "used").unwrap();
        let refused = Former::of(folder, "data", "keys/data", false).open(&place.config, &place.path).await.err();
        assert!(matches!(&refused, Some(Error::Emptied { evidence, .. }) if evidence.ends_with("keys/data")), "{refused:?}");
        let other = Former::of(folder, "auth", "auth.key", false).open(&place.config, &place.path).await;
        other.expect("another service's key says nothing of this one").close().await;
    }
}

#[tokio::test]
async fn an_emptied_file_is_no_first_start() {
    let place = database::place(Engine::Sqlite).await;
    let folder = place.path.parent().unwrap();
    Former::of(folder, "auth", "auth.key", false).record().unwrap();
    std::fs::write(&place.path, "").unwrap();
    let refused = Former::of(folder, "auth", "auth.key", false).open(&place.config, &place.path).await.err();
    assert!(matches!(refused, Some(Error::Emptied { .. })), "{refused:?}");
}

#[tokio::test]
async fn no_write_is_acknowledged_into_a_file_that_is_not_the_stores_any_more() {
    for name in ["store.db", "store.db-wal"] {
        for replaced in [false, true] {
            let place = database::place(Engine::Sqlite).await;
            let db = Database::open_sqlite(&place.path, &place.config).unwrap();
            table(&db).await;
            add(&db, "a").await.unwrap();
            let (file, away) = (place.path.with_file_name(name), place.path.with_file_name("away"));
            std::fs::rename(&file, &away).unwrap();
            if replaced {
                std::fs::copy(&away, &file).unwrap();
            }
            let lost = add(&db, "b").await;
            assert!(matches!(lost, Err(Error::Unavailable(_))), "{name} {replaced}: {lost:?}");
            let said = db.ping().await.unwrap_err();
            let cause = std::error::Error::source(&said).unwrap().to_string();
            assert!(cause.contains(name) && cause.contains("deleted or replaced"), "{cause}");
            // It is enough to put it back.
            std::fs::rename(&away, &file).unwrap();
            add(&db, "c").await.unwrap();
            db.ping().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_deleted_file_is_noticed_by_readiness_though_nobody_writes() {
    let place = database::place(Engine::Sqlite).await;
    let db = Database::open_sqlite(&place.path, &place.config).unwrap();
    table(&db).await;
    db.ping().await.unwrap();
    std::fs::remove_file(&place.path).unwrap();
    assert!(matches!(db.ping().await, Err(Error::Unavailable(_))));
    // A reader that opens its connection now makes no other file.
    let statement = mainstay_db::Statement::text("SELECT 1");
    let read = db.fetch(mainstay_db::Lane::Heavy, &statement, Vec::new(), mainstay_db::Rows::default()).await;
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    assert!(!place.path.exists());
}

#[tokio::test]
async fn a_damaged_page_is_told_where_it_is_read_and_from_then_on_by_readiness() {
    let place = database::place(Engine::Sqlite).await;
    let db = Database::open_sqlite(&place.path, &place.config).unwrap();
    table(&db).await;
    for number in 0..200 {
        add(&db, &format!("{number:03}-{}", "x".repeat(400))).await.unwrap();
    }
    db.close().await;
    let mut bytes = std::fs::read(&place.path).unwrap();
    // Whole pages of the tail, which the schema is not in.
    let from = bytes.len() / 2 / 4096 * 4096;
    bytes[from..].fill(0xa5);
    std::fs::write(&place.path, bytes).unwrap();
    let db = Database::open_sqlite(&place.path, &place.config).unwrap();
    db.ping().await.expect("nobody has met it yet");
    for lane in [mainstay_db::Lane::Inline, mainstay_db::Lane::Heavy] {
        let all = mainstay_db::Statement::text("SELECT sum(length(id)) FROM t NOT INDEXED");
        let read = db.fetch(lane, &all, Vec::new(), mainstay_db::Rows::default()).await;
        assert!(matches!(read, Err(Error::Corrupt { .. })), "{lane:?}: {read:?}");
    }
    let said = db.ping().await.unwrap_err().to_string();
    assert!(said.contains("store.db is damaged") && said.contains("backup"), "{said}");
}

const CHILD: &str = "MAINSTAY_DB_TEST_FULL";

/// A disk that takes no more, and then again: the limit to the size of files, in a process of its own.
#[test]
fn a_full_disk_is_told_by_readiness_until_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact readiness::child_whose_disk_is_full --ignored --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("room again"), "{said}{}", String::from_utf8_lossy(&child.stderr));
}

#[tokio::test]
#[ignore = "runs as the child process of the test above"]
async fn child_whose_disk_is_full() {
    let Some(folder) = std::env::var_os(CHILD).map(std::path::PathBuf::from) else { return };
    let db = Database::open_sqlite(&folder.join("store.db"), &Config::default()).unwrap();
    table(&db).await;
    db.ping().await.unwrap();
    let before = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(300_000), maximum: before.maximum }).unwrap();
    let mut stored = 0;
    let refused = loop {
        match add(&db, &format!("{stored:05}-{}", "x".repeat(2_000))).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    // What is smaller may still fit: a ping's own write, for a while.
    wait::until("it says so", || async {
        let refused = add(&db, &"y".repeat(2_000)).await.is_err();
        db.ping().await.err().filter(|_| refused)
    })
    .await;
    assert_eq!(keys(&db).await.len(), stored, "what is stored is read all the same");
    setrlimit(Resource::Fsize, before).unwrap();
    wait::until("there is room again", || async { db.ping().await.ok() }).await;
    add(&db, "more").await.unwrap();
    assert_eq!(keys(&db).await.len(), stored + 1);
    println!("room again");
    tokio::time::timeout(Duration::from_secs(60), db.close()).await.unwrap();
}

/// A disk that takes writes and does not sync them: the page cache of the system is not what an acknowledged write may rest on.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_does_not_sync_is_told_by_readiness_until_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults::below(folder.path()).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "readiness::child_whose_disk_does_not_sync", "--ignored", "--nocapture"])
        .env(CHILD, folder.path())
        .envs(faults.variables().iter().cloned())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("synced again"),
        "{said}{}",
        String::from_utf8_lossy(&child.stderr)
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = Database::open_sqlite(&folder.path().join("store.db"), &Config::default()).unwrap();
        assert_eq!(keys(&db).await, ["after", "before"], "what was refused is not there");
        db.close().await;
    });
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "runs as the child process of the test above"]
async fn child_whose_disk_does_not_sync() {
    let (Some(folder), Some(faults)) =
        (std::env::var_os(CHILD).map(std::path::PathBuf::from), Faults::of_this_process())
    else {
        return;
    };
    let db = Database::open_sqlite(&folder.join("store.db"), &Config::default()).unwrap();
    table(&db).await;
    add(&db, "before").await.unwrap();
    db.ping().await.unwrap();
    faults.syncs_fail_with(EIO);
    // One by itself, and some in a group: each is told, and none can be read.
    for id in ["one", "two"] {
        let refused = add(&db, id).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }
    let group = (0..20).map(|number| {
        let db = db.clone();
        async move { add(&db, &format!("group-{number}")).await }
    });
    for refused in futures_util::future::join_all(group).await {
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }
    assert_eq!(keys(&db).await, ["before"], "nobody reads what is not stored, and reads go on");
    // Its own write meets what a request would: nobody has to come and fail.
    for _ in 0..3 {
        assert!(matches!(db.ping().await, Err(Error::Unavailable(_))));
    }
    faults.syncs_fail_with(0);
    db.ping().await.unwrap();
    add(&db, "after").await.unwrap();
    println!("synced again");
    db.close().await;
}

/// The first text of a statement's first row.
async fn word(db: &Database, sql: &str) -> String {
    let rows = mainstay_db::Rows::of(&[mainstay_record::Kind::Text]);
    let found =
        db.fetch(mainstay_db::Lane::Inline, &mainstay_db::Statement::text(sql), Vec::new(), rows).await.unwrap();
    if let mainstay_record::Value::Text(text) = &found.rows[0][0] { text.clone() } else { panic!("{found:?}") }
}

/// A page of a table that PostgreSQL cannot read any more is told by readiness while it is there, and no longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_page_of_postgres_is_told_until_it_is_gone() {
    for ends in ["TRUNCATE damaged", "DROP TABLE damaged"] {
        let cluster = Cluster::with(&["damage"]).await;
        let mut config = Config { pool_size: 8, ..Config::default() };
        config.database_url = Some(cluster.url("damage").into());
        let place = database::place(Engine::Sqlite).await;
        let db = Database::open(&config, &place.path).await.unwrap();
        table(&db).await;
        batch(&db, "CREATE TABLE damaged (id INT, text TEXT)").await;
        batch(&db, "INSERT INTO damaged SELECT i, repeat('x', 1000) FROM generate_series(1, 40) i; CHECKPOINT").await;
        let file = cluster.data().join(word(&db, "SELECT pg_relation_filepath('damaged')").await);
        cluster.stop();
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[3 * 8192..3 * 8192 + 64].fill(0xa5);
        std::fs::write(&file, bytes).unwrap();
        cluster.resume();
        wait::until("nobody has met it yet", || async { db.ping().await.ok() }).await;

        let all = mainstay_db::Statement::text("SELECT sum(id) FROM damaged");
        for lane in [mainstay_db::Lane::Inline, mainstay_db::Lane::Heavy] {
            let read = db.fetch(lane, &all, Vec::new(), mainstay_db::Rows::default()).await;
            assert!(matches!(read, Err(Error::Corrupt { .. })), "{lane:?}: {read:?}");
        }
        for _ in 0..2 {
            let said = db.ping().await.unwrap_err();
            let cause = std::error::Error::source(&said).unwrap().to_string();
            assert!(cause.contains("invalid page in block 3"), "{said}: {cause}");
        }
        add(&db, "a").await.expect("what is on other pages is there");
        assert!(db.ping().await.is_err(), "and says nothing of that one");
        batch(&db, ends).await;
        db.ping().await.expect("what is gone harms nobody");
        db.close().await;
    }
}

/// Has PostgreSQL say something of itself that cannot be brought about in a test.
async fn say(db: &Database, name: &str, words: &str) {
    batch(
        db,
        &format!(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{words}'; END $$;
             CREATE TRIGGER {name} BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.id LIKE '{name}%') EXECUTE FUNCTION {name}()"
        ),
    )
    .await;
}

#[tokio::test]
async fn postgres_without_room_is_told_until_a_write_is_stored() {
    let db = database::fresh(Engine::Postgres).await;
    table(&db).await;
    say(&db, "no_room", "could not extend file \"base/1/2\": No space left on device").await;
    let refused = add(&db, "no_room").await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}: nothing is stored, and that is known");
    assert!(matches!(db.ping().await, Err(Error::Unavailable(_))));
    add(&db, "room").await.unwrap();
    db.ping().await.unwrap();
}

#[tokio::test]
async fn a_value_that_postgres_cannot_put_together_is_damage_until_the_next_start() {
    let db = database::fresh(Engine::Postgres).await;
    table(&db).await;
    say(&db, "torn", "missing chunk number 0 for toast value 16400 in pg_toast_16384").await;
    for atomic in [mainstay_db::Atomic::Statement, mainstay_db::Atomic::Locked] {
        let met = db.write::<_, Error, _>(atomic, |conn| Box::pin(async move { insert(conn, "torn").await })).await;
        let met = met.unwrap_err();
        assert!(matches!(met, Error::Corrupt { .. }), "{met:?}");
        assert!(met.to_string().starts_with("the PostgreSQL database is damaged"), "{met}");
    }
    add(&db, "a").await.expect("all else is there");
    assert!(matches!(db.ping().await, Err(Error::Corrupt { .. })));
}
