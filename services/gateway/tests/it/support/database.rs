//! A store of the test's own.

use mainstay_db::{Config, Database};
use tempfile::TempDir;

/// A fresh SQLite file, deleted with the folder.
pub fn sqlite() -> (Database, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_sqlite(&folder.path().join("gateway.sqlite"), &Config::default()).unwrap();
    (database, folder)
}
