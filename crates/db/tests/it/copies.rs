//! Copies of a store that is in use.

use std::collections::BTreeMap;

use mainstay_db::copies::{Inventory, copy_sqlite, faults, inventory, look_into};
use mainstay_db::{Conn, Engine, Error};
use mainstay_testkit::{both_engines, database};

use crate::support::{add, batch, table};

async fn read(conn: &mut Conn<'_>) -> Result<(Inventory, Vec<String>), Error> {
    Ok((inventory(conn).await?, faults(conn).await?))
}

#[tokio::test]
async fn a_copy_of_a_store_in_use_holds_what_was_acknowledged_before_and_is_whole() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    for key in 0..100 {
        add(&db, &format!("k{key}")).await.unwrap();
    }
    let copy = db.place().path.with_file_name("it's a copy.sqlite");
    copy_sqlite(&db.place().path, &copy).unwrap();
    add(&db, "late").await.unwrap();
    let (found, wrong) = look_into(&copy, |conn| Box::pin(read(conn))).await.unwrap();
    assert_eq!((found.tables, wrong), (BTreeMap::from([("t".to_owned(), 100)]), Vec::new()));
    assert!(copy_sqlite(&db.place().path, &copy).is_err(), "a copy overwrites nothing");
    assert!(copy_sqlite(&copy.with_file_name("nowhere"), &copy.with_file_name("new")).is_err());
    assert!(!copy.with_file_name("nowhere").exists(), "nothing is made where nothing was");
}

#[tokio::test]
async fn a_copy_with_a_row_that_refers_to_none_or_with_damaged_pages_is_told() {
    let place = database::place(Engine::Sqlite).await;
    let db = mainstay_db::Database::open(&place.config, &place.path).await.unwrap();
    let broken = "PRAGMA foreign_keys = OFF; CREATE TABLE a (id TEXT PRIMARY KEY); CREATE TABLE b (a TEXT REFERENCES a (id)); \
                  INSERT INTO b VALUES ('gone'), ('lost'); PRAGMA foreign_keys = ON";
    batch(&db, broken).await;
    db.close().await;
    let wrong = look_into(&place.path, |conn| Box::pin(faults(conn))).await.unwrap();
    assert_eq!(wrong, ["b refers to 2 missing rows of a"]);

    let mut bytes = std::fs::read(&place.path).unwrap();
    let last = bytes.len() - 4096;
    bytes[last..last + 64].fill(0xff);
    std::fs::write(&place.path, bytes).unwrap();
    let found = look_into(&place.path, |conn| Box::pin(faults(conn))).await;
    assert!(
        found.as_ref().is_ok_and(|wrong| wrong.iter().any(|line| line.contains("page") || line.contains("malformed"))),
        "{found:?}"
    );
}

both_engines! {
    async fn an_inventory_counts_each_table(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        add(&db, "one").await.unwrap();
        let found = db.snapshot(|conn| Box::pin(read(conn))).await.unwrap().0;
        assert_eq!(found, Inventory { migration: None, tables: BTreeMap::from([("t".to_owned(), 1)]) });
    }
}
