//! Which of several processes does what only one may do: a row per job that says who, and until when.
//!
//! The table is one of the service's own, made by its migrations: `mainstay_leases (job TEXT PRIMARY KEY, holder TEXT, until
//! BIGINT)`, all of it NOT NULL. The time is the database's, since the clocks of replicas differ.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use mainstay_record::{Kind, Value};

use crate::database::Database;
use crate::error::Error;
use crate::statement::Statement;
use crate::terms::{Atomic, Engine};

/// A statement in the words of each engine.
struct Both {
    sqlite: Arc<Statement>,
    postgres: Arc<Statement>,
}

impl Both {
    /// Writes the engine's clock, in microseconds since 1970 UTC, where the text has `NOW`.
    fn new(text: &str, binds: &[Kind]) -> Both {
        let with = |now: &str| Statement::with_binds(&text.replace("NOW", now), binds);
        Both {
            sqlite: with("CAST(unixepoch('subsec') * 1000000 AS INTEGER)"),
            postgres: with("CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"),
        }
    }

    fn of(&self, engine: Engine) -> Arc<Statement> {
        Arc::clone(match engine {
            Engine::Sqlite => &self.sqlite,
            Engine::Postgres => &self.postgres,
        })
    }
}

static TAKE: LazyLock<Both> = LazyLock::new(|| {
    let text = "INSERT INTO mainstay_leases AS l (job, holder, until) VALUES (?, ?, NOW + ?) ON CONFLICT (job) DO UPDATE SET \
                holder = excluded.holder, until = excluded.until WHERE l.holder = excluded.holder OR l.until <= NOW";
    Both::new(text, &[Kind::Text, Kind::Text, Kind::Int])
});

static RELEASE: LazyLock<Both> = LazyLock::new(|| {
    Both::new("UPDATE mainstay_leases SET until = 0 WHERE job = ? AND holder = ?", &[Kind::Text, Kind::Text])
});

/// Takes the lease of a job for a while, or keeps it for another while. False where somebody else has it.
pub async fn take(database: &Database, job: &str, holder: &str, lasts: Duration) -> Result<bool, Error> {
    let lasts = i64::try_from(lasts.as_micros()).unwrap_or(i64::MAX / 2);
    let binds = vec![Value::Text(job.to_owned()), Value::Text(holder.to_owned()), Value::Int(lasts)];
    Ok(change(database, &TAKE, binds).await? > 0)
}

/// Gives a lease back, if it is still the holder's.
pub async fn release(database: &Database, job: &str, holder: &str) -> Result<(), Error> {
    let binds = vec![Value::Text(job.to_owned()), Value::Text(holder.to_owned())];
    change(database, &RELEASE, binds).await.map(|_| ())
}

async fn change(database: &Database, text: &Both, binds: Vec<Value>) -> Result<usize, Error> {
    let statement = text.of(database.engine());
    let changed = database.write(Atomic::Statement, move |conn| {
        let (statement, binds) = (Arc::clone(&statement), binds.clone());
        Box::pin(async move { conn.execute(&statement, &binds).await })
    });
    changed.await
}
