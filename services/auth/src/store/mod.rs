//! Rows and the queries on them. Every function takes a connection, so that they compose inside a transaction.

pub mod accounts;
pub mod audit;
pub mod challenges;
pub mod emails;
pub mod erasures;
pub mod factors;
pub mod first_administrator;
pub mod identities;
pub mod invitations;
pub mod mails;
pub mod members;
pub mod oauth;
pub mod one_time_secrets;
pub mod organisations;
pub mod recovery_codes;
pub mod removing;
pub mod revocations;
mod schema;
pub mod search;
pub mod service_accounts;
pub mod sessions;
pub mod sign_ups;
pub mod signing_keys;

use mainstay_db::EmbeddedMigrations;

/// The tables on SQLite.
pub const SQLITE_MIGRATIONS: EmbeddedMigrations = diesel_migrations::embed_migrations!("migrations/sqlite");

/// The tables on PostgreSQL, under the same numbers.
pub const POSTGRES_MIGRATIONS: EmbeddedMigrations = diesel_migrations::embed_migrations!("migrations/postgres");

/// Says that a row holds what this version never wrote.
#[derive(Debug, thiserror::Error)]
#[error("{table}.{column} holds a value that no version of this service writes")]
pub struct DamagedRow {
    pub table: &'static str,
    pub column: &'static str,
}
