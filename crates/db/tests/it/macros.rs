//! One Diesel expression for both engines.

use diesel::prelude::*;
use mainstay_db as db;
use mainstay_db::{Atomic, Error, Lane};
use mainstay_testkit::{both_engines, database};

use crate::support::batch;

diesel::table! {
    users (id) {
        id -> Text,
        email -> Text,
        age -> BigInt,
    }
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
struct UserRow {
    id: String,
    email: String,
    age: i64,
}

fn user(id: &str, age: i64) -> UserRow {
    UserRow { id: id.to_owned(), email: format!("{id}@example.com"), age }
}

both_engines! {
    async fn a_diesel_expression_runs_on_both_engines(engine: Engine) {
        let store = database::fresh(engine).await;
        batch(&store, "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL, age BIGINT NOT NULL)").await;
        let both = [user("ada", 36), user("grace", 85)];
        let inserted: Result<usize, Error> = store
            .write(Atomic::Statement, move |conn| {
                let both = both.clone();
                Box::pin(async move {
                    db::execute!(conn, diesel::insert_into(users::table).values(&both[0]))
                })
            })
            .await;
        assert_eq!(inserted.unwrap(), 1);
        let returned: Result<Option<UserRow>, Error> = store
            .write(Atomic::Statement, move |conn| Box::pin(async move {
                let row = user("grace", 85);
                db::first!(conn, diesel::insert_into(users::table).values(&row).returning(UserRow::as_returning()) => UserRow)
            }))
            .await;
        assert_eq!(returned.unwrap(), Some(user("grace", 85)));
        let read: Result<_, Error> = store
            .read(Lane::Inline, |conn| Box::pin(async move {
                let old = db::load!(conn, users::table.filter(users::age.gt(40)).select(UserRow::as_select()) => UserRow)?;
                let nobody = db::first!(conn, users::table.find("nobody").select(UserRow::as_select()) => UserRow)?;
                Ok((old, nobody))
            }))
            .await;
        assert_eq!(read.unwrap(), (vec![user("grace", 85)], None));
    }

    async fn a_violated_constraint_comes_out_of_a_macro_by_name(engine: Engine) {
        let store = database::fresh(engine).await;
        batch(&store, "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL, age BIGINT NOT NULL);
            CREATE UNIQUE INDEX users_email_taken ON users (email)").await;
        let mut outcomes = Vec::new();
        for id in ["a", "b"] {
            let outcome: Result<usize, Error> = store
                .write(Atomic::Statement, move |conn| Box::pin(async move {
                    let row = UserRow { id: id.to_owned(), email: "same@example.com".to_owned(), age: 1 };
                    db::execute!(conn, diesel::insert_into(users::table).values(&row))
                }))
                .await;
            outcomes.push(outcome);
        }
        assert!(outcomes[0].is_ok());
        assert!(outcomes[1].as_ref().unwrap_err().violates("users_email_taken"));
    }
}
