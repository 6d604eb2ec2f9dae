//! Embedded migrations, run alike on both engines.

use std::error::Error as StdError;

use diesel::backend::Backend;
use diesel::migration::MigrationSource;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::error::Error;

/// What a migration fails with.
type Failure = Box<dyn StdError + Send + Sync>;

/// Runs what is pending, each migration in a transaction of its own. The caller makes sure that it is alone, and says
/// with `classify` what an engine's failure means.
pub(crate) fn run<DB, C>(
    link: &mut C,
    migrations: &EmbeddedMigrations,
    classify: impl Fn(Failure) -> Error,
) -> Result<(), Error>
where
    DB: Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let mut all = MigrationSource::<DB>::migrations(migrations).map_err(Error::internal)?;
    all.sort_by_cached_key(|migration| migration.name().version().to_string());
    let known: Vec<String> = all.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = link.applied_migrations().map_err(&classify)?;
    let applied: Vec<String> = applied.iter().map(ToString::to_string).collect();
    if let Some(found) = applied.iter().filter(|version| !known.contains(version)).max() {
        let known = known.last().map_or_else(|| "none".to_owned(), String::clone);
        return Err(Error::NewerSchema { found: found.clone(), known });
    }
    for (version, migration) in known.iter().zip(&all) {
        if !applied.contains(version) {
            crate::failpoint!("db.migrate.step", version);
            link.run_migration(&**migration).map_err(&classify)?;
        }
    }
    Ok(())
}
