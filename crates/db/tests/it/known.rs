//! Writes that are known whole before the store is asked.

use std::sync::Arc;

use mainstay_db::{Error, Gate, Known, Step, Stored};
use mainstay_record::Kind;
use mainstay_testkit::{both_engines, database};

use crate::support::{add, batch, keys, number, statement, table, text};

fn insert(id: &str) -> Step {
    Step { statement: statement("INSERT INTO t (id) VALUES (?)", &[Kind::Text]), binds: Arc::new([text(id)]) }
}

/// A place, if it is free.
struct Place(&'static str);

impl Place {
    fn step(&self, sql: &str) -> Step {
        Step { statement: statement(sql, &[Kind::Text]), binds: Arc::new([text(self.0)]) }
    }
}

impl Gate for Place {
    fn taken(&self) -> Option<Step> {
        Some(self.step("SELECT 1 FROM places WHERE id = ?"))
    }

    fn take(&self) -> Step {
        self.step("INSERT INTO places (id) VALUES (?) ON CONFLICT DO NOTHING")
    }
}

fn gate(id: &'static str) -> Arc<dyn Gate> {
    Arc::new(Place(id))
}

async fn places(db: &mainstay_db::Database) -> i64 {
    number(db, "SELECT count(*) FROM places").await
}

both_engines! {
    async fn what_is_known_is_stored_in_one_go(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        let steps = vec![insert("a")];
        assert_eq!(db.store(None, Known { steps, ..Known::default() }).await.unwrap(), Stored::All);
        let steps = (0..300).map(|n| insert(&format!("b{n:03}"))).collect();
        assert_eq!(db.store(None, Known { steps, ..Known::default() }).await.unwrap(), Stored::All);
        assert_eq!(keys(&db).await.len(), 301);
        assert_eq!(db.store(None, Known::default()).await.unwrap(), Stored::All, "nothing is no error");
    }

    async fn the_first_step_that_fails_is_named_and_nothing_is_stored(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        add(&db, "taken").await.unwrap();
        for at in [0, 1, 150] {
            let steps = (0..at).map(|n| insert(&format!("n{n}"))).chain(["taken", "z", "taken"].map(insert)).collect();
            let failed = db.store(None, Known { steps, ..Known::default() }).await.unwrap_err();
            assert_eq!(failed.at, Some(at));
            assert!(failed.error.violates("t_pkey"), "{failed:?}");
            assert_eq!(keys(&db).await, ["taken"]);
        }
    }

    async fn behind_a_closed_gate_nothing_is_stored(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        batch(&db, "CREATE TABLE places (id TEXT NOT NULL PRIMARY KEY)").await;
        let known = |ids: &[&str]| Known {
            gate: Some(gate("p")),
            steps: ids.iter().map(|id| insert(id)).collect(),
            ..Known::default()
        };
        assert_eq!(db.store(None, known(&["a", "b"])).await.unwrap(), Stored::All);
        assert_eq!(db.store(None, known(&["c"])).await.unwrap(), Stored::Nothing);
        assert_eq!(keys(&db).await, ["a", "b"]);
    }

    async fn a_gate_is_taken_back_with_what_is_behind_it(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        batch(&db, "CREATE TABLE places (id TEXT NOT NULL PRIMARY KEY)").await;
        add(&db, "taken").await.unwrap();
        let failed = db.store(None, Known { gate: Some(gate("p")), steps: vec![insert("taken")], ..Known::default() });
        assert!(matches!(failed.await.unwrap_err().error, Error::UniqueViolation { .. }));
        assert_eq!(places(&db).await, 0);
    }

    async fn a_statement_that_does_it_all_is_taken_instead(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        let whole = |sql: &str| Known {
            gate: Some(gate("not run")),
            steps: vec![insert("nor this")],
            together: Some(Step { statement: statement(sql, &[]), binds: Arc::new([]) }),
        };
        let made = "INSERT INTO t (id) SELECT 'whole' WHERE NOT EXISTS (SELECT 1 FROM t)";
        assert_eq!(db.store(None, whole(made)).await.unwrap(), Stored::All);
        assert_eq!(db.store(None, whole(made)).await.unwrap(), Stored::Nothing, "the gate in it is closed");
        assert_eq!(keys(&db).await, ["whole"]);
    }
}
