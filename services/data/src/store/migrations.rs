//! The service's own tables, step by step, for each engine.

use mainstay_db::{Database, EmbeddedMigrations, Error};

const SQLITE: EmbeddedMigrations = diesel_migrations::embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = diesel_migrations::embed_migrations!("migrations/postgres");

/// Brings the tables up to date. Refuses a store that a newer version has migrated.
pub async fn run(db: &Database) -> Result<(), Error> {
    db.migrate(SQLITE, POSTGRES).await
}
