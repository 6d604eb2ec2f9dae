//! Connections to a file, and what they are set to.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::error::{Error, classify};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    Reader,
}

/// Stands first: everything after it may find the file locked for a moment.
const WAIT: &str = "PRAGMA busy_timeout = 5000";

/// `synchronous = FULL`: an acknowledged write survives a loss of power. Group commit pays for it. The journal and
/// checkpoint sizes stay at their defaults: a recycled log flushes faster than a growing one. A log that a long read made
/// large is cut to 64 MiB when it begins anew.
const WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA cache_size = -16000; PRAGMA journal_size_limit = 67108864;";

const READER: &str = "PRAGMA query_only = ON; PRAGMA cache_size = -8000;";

const BOTH: &str = "PRAGMA mmap_size = 268435456; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";

/// Opens a connection. Fails with [`Error::Corrupt`] on a file that is no database.
pub(super) fn connect(path: &Path, role: Role) -> Result<SqliteConnection, Error> {
    let name = path
        .to_str()
        .ok_or_else(|| Error::Config(format!("{} is not UTF-8: SQLite needs a path that is", path.display())))?;
    // A leading `file:` or `:memory:` would be taken for more than a path.
    let name = if path.is_absolute() { name.to_owned() } else { format!("./{name}") };
    let mut link =
        SqliteConnection::establish(&name).map_err(|error| classify::sqlite_by_message(&error.to_string(), path))?;
    let settings = if role == Role::Writer { WRITER } else { READER };
    for batch in [WAIT, settings, BOTH, "SELECT count(*) FROM sqlite_schema"] {
        if let Err(error) = link.batch_execute(batch) {
            return Err(classify::sqlite(error, path, &mut link));
        }
    }
    if role == Role::Writer {
        let mode = setting(&mut link, "SELECT journal_mode AS value FROM pragma_journal_mode", path)?;
        if mode != "wal" {
            return Err(Error::Config(format!(
                "{} lies on a file system that cannot share memory, which SQLite's write-ahead log needs: use a local disk",
                path.display()
            )));
        }
    }
    Ok(link)
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

fn setting(link: &mut SqliteConnection, sql: &str, path: &Path) -> Result<String, Error> {
    match diesel::sql_query(sql).get_result::<Setting>(link) {
        Ok(setting) => Ok(setting.value),
        Err(error) => Err(classify::sqlite(error, path, link)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_waits_for_the_disk_and_checks_foreign_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut link = connect(&path, Role::Writer).unwrap();
        let mut read = |sql| setting(&mut link, sql, &path).unwrap();
        assert_eq!(read("SELECT CAST(synchronous AS TEXT) AS value FROM pragma_synchronous"), "2");
        assert_eq!(read("SELECT CAST(foreign_keys AS TEXT) AS value FROM pragma_foreign_keys"), "1");
        assert_eq!(read("SELECT journal_mode AS value FROM pragma_journal_mode"), "wal");
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        connect(&path, Role::Writer).unwrap().batch_execute("CREATE TABLE t (a)").unwrap();
        let error = connect(&path, Role::Reader).unwrap().batch_execute("INSERT INTO t VALUES (1)").unwrap_err();
        assert!(error.to_string().contains("readonly"), "{error}");
    }
}
