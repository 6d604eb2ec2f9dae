//! What the gateway keeps: the application's contract as it saw it last.

mod contract;

use mainstay_db::{Database, EmbeddedMigrations, Error};

pub use contract::{StoredContract, revision};

const SQLITE: EmbeddedMigrations = diesel_migrations::embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = diesel_migrations::embed_migrations!("migrations/postgres");

/// Brings the gateway's tables up to date. Fails where they are of a newer program.
pub async fn migrate(database: &Database) -> Result<(), Error> {
    database.migrate(SQLITE, POSTGRES).await
}
