//! A service's own tables.

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use mainstay_db::{Database, Engine, Error};
use mainstay_testkit::{both_engines, database};

use crate::support::number;

const SQLITE: EmbeddedMigrations = embed_migrations!("tests/migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("tests/migrations/postgres");
const OLD_SQLITE: EmbeddedMigrations = embed_migrations!("tests/migrations/old_sqlite");
const OLD_POSTGRES: EmbeddedMigrations = embed_migrations!("tests/migrations/old_postgres");

both_engines! {
    async fn migrations_run_once(engine: Engine) {
        let db = database::fresh(engine).await;
        db.migrate(OLD_SQLITE, OLD_POSTGRES).await.unwrap();
        db.migrate(SQLITE, POSTGRES).await.unwrap();
        db.migrate(SQLITE, POSTGRES).await.unwrap();
        assert_eq!(number(&db, "SELECT count(*) FROM people").await, 1);
    }

    async fn a_store_of_a_newer_version_is_refused(engine: Engine) {
        let db = database::fresh(engine).await;
        db.migrate(SQLITE, POSTGRES).await.unwrap();
        let Err(Error::NewerSchema { found, known }) = db.migrate(OLD_SQLITE, OLD_POSTGRES).await else {
            panic!("the newer store was taken")
        };
        assert_eq!((found.as_str(), known.as_str()), ("20260102000000", "20260101000000"));
    }
}

#[tokio::test]
async fn damage_that_a_migration_finds_is_told_with_the_file_and_a_remedy() {
    let db = database::fresh(Engine::Sqlite).await;
    db.migrate(SQLITE, POSTGRES).await.unwrap();
    let place = db.into_place().await;
    let mut bytes = std::fs::read(&place.path).unwrap();
    bytes[4096..].fill(0xff);
    std::fs::write(&place.path, bytes).unwrap();
    let db = Database::open_sqlite(&place.path, &place.config).unwrap();
    let error = db.migrate(SQLITE, POSTGRES).await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { path, .. } if *path == place.path), "{error:?}");
}

#[tokio::test]
async fn processes_that_start_together_migrate_once() {
    let place = database::place(Engine::Postgres).await;
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let config = place.config.clone();
        starts.spawn(async move {
            let db = Database::open(&config, std::path::Path::new("")).await?;
            db.migrate(SQLITE, POSTGRES).await
        });
    }
    starts.join_all().await.into_iter().collect::<Result<Vec<_>, Error>>().unwrap();
    let db = Database::open(&place.config, &place.path).await.unwrap();
    assert_eq!(number(&db, "SELECT count(*) FROM people").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_run_on_a_runtime_with_many_threads_too() {
    let db = database::fresh(Engine::Postgres).await;
    db.migrate(SQLITE, POSTGRES).await.unwrap();
    assert_eq!(number(&db, "SELECT count(*) FROM people").await, 1);
}
