//! Connections to a file, and what they are set to.

use std::borrow::Cow;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::functions;
use crate::error::{Error, classify};

/// Makes a connection give its page cache back.
pub(super) const SHRINK: &str = "PRAGMA shrink_memory";

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Writer {
        log_limit_bytes: u64,
    },
    Reader,
    /// Reads all of a file that another process uses, and makes another one of it.
    Copier,
}

/// The writer's page cache, KiB. What it sorts for an index stays below this, too, before it goes to a temporary file.
const WRITER_CACHE_KIB: u32 = 16_000;

/// Each reader's page cache, KiB. There is one reader for each worker that reads inline and one for each thread of the
/// heavy lane, in each store.
const READER_CACHE_KIB: u32 = 8_000;

/// Stands first: everything after it may find the file locked for a moment.
pub(super) const WAIT: &str = "PRAGMA busy_timeout = 5000";

/// Temporary b-trees and sorters have a cache of 2 MiB each (the writer's sorters: its page cache) and go to a file
/// beyond that: a sort takes disk, not memory. The file is not mapped: each connection would map it anew after every
/// commit that it sees, which costs more than the copies that it saves, and each mapping counts as resident.
const BOTH: &str = "PRAGMA temp_store = FILE; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF;";

/// What a connection is set to for its role.
///
/// `synchronous = FULL`: an acknowledged write survives a loss of power. Group commit pays for it. The checkpoint size
/// stays at its default: a recycled log flushes faster than a growing one. A log that long reads made larger than
/// `log_limit_bytes` is cut when it begins anew; [`super::log`] sees to it that it does.
fn settings(role: Role, name: &str) -> String {
    match role {
        Role::Writer { log_limit_bytes } => format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA cache_size = -{WRITER_CACHE_KIB}; PRAGMA journal_size_limit = {log_limit_bytes}; \
             PRAGMA temp_store_directory = '{}';",
            folder(name).replace('\'', "''")
        ),
        // `query_only` would refuse what is written to the copy, too.
        Role::Copier => format!("PRAGMA cache_size = -{READER_CACHE_KIB};"),
        Role::Reader => format!("PRAGMA query_only = ON; PRAGMA cache_size = -{READER_CACHE_KIB};"),
    }
}

/// Where temporary files go: beside the store, because `/tmp` may be memory. They have no name there once they are open.
/// The setting holds for the whole process, so of several stores the last one that was opened decides.
fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or(".", |(folder, _)| if folder.is_empty() { "/" } else { folder })
}

/// The path as SQLite takes it.
pub(super) fn name(path: &Path) -> Result<String, Error> {
    let name = path
        .to_str()
        .ok_or_else(|| Error::Config(format!("{} is not UTF-8: SQLite needs a path that is", path.display())))?;
    // A leading `file:` or `:memory:` would be taken for more than a path.
    Ok(if path.is_absolute() { name.to_owned() } else { format!("./{name}") })
}

/// What a connection runs before anything else. The last of it finds out whether the file is a database.
pub(super) fn batches(role: Role, name: &str) -> [Cow<'static, str>; 4] {
    [WAIT.into(), settings(role, name).into(), BOTH.into(), "SELECT count(*) FROM sqlite_schema".into()]
}

/// Opens a connection. Fails with [`Error::Corrupt`] on a file that is no database.
pub(super) fn connect(path: &Path, role: Role) -> Result<SqliteConnection, Error> {
    let name = name(path)?;
    // A reader finds the file or none: it must not make another one.
    if role == Role::Reader && !path.exists() {
        return Err(Error::unavailable(format!("{} is not there any more", path.display())));
    }
    let mut link =
        SqliteConnection::establish(&name).map_err(|error| classify::sqlite_by_message(&error.to_string(), path))?;
    let known = link.register_collation(mainstay_record::FOLD, mainstay_record::compare_folded);
    if let Err(error) = known.and_then(|()| functions::register(&mut link)) {
        return Err(classify::sqlite(error, path, &mut link));
    }
    for batch in batches(role, &name) {
        if let Err(error) = link.batch_execute(&batch) {
            return Err(classify::sqlite(error, path, &mut link));
        }
    }
    if let Role::Writer { .. } = role {
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

    #[derive(QueryableByName)]
    struct Mapped {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        mmap_size: i64,
    }

    const WRITER: Role = Role::Writer { log_limit_bytes: 1 << 20 };

    #[test]
    fn every_connection_has_a_bounded_cache_maps_nothing_and_sorts_in_files_beside_the_store() {
        let folder = tempfile::Builder::new().prefix("it's ").tempdir().unwrap();
        let path = folder.path().join("store.db");
        for (role, cache) in [(WRITER, WRITER_CACHE_KIB), (Role::Reader, READER_CACHE_KIB)] {
            let mut link = connect(&path, role).unwrap();
            let mut read = |name: &str| {
                let sql = format!("SELECT CAST({name} AS TEXT) AS value FROM pragma_{name}");
                setting(&mut link, &sql, &path).unwrap()
            };
            assert_eq!(read("cache_size"), format!("-{cache}"));
            assert_eq!(read("temp_store"), "1");
            let mapped: Mapped = diesel::sql_query("PRAGMA mmap_size").get_result(&mut link).unwrap();
            assert_eq!(mapped.mmap_size, 0);
        }
    }

    #[test]
    fn the_writer_waits_for_the_disk_and_checks_foreign_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut link = connect(&path, WRITER).unwrap();
        let mut read = |sql| setting(&mut link, sql, &path).unwrap();
        assert_eq!(read("SELECT CAST(synchronous AS TEXT) AS value FROM pragma_synchronous"), "2");
        assert_eq!(read("SELECT CAST(foreign_keys AS TEXT) AS value FROM pragma_foreign_keys"), "1");
        assert_eq!(read("SELECT journal_mode AS value FROM pragma_journal_mode"), "wal");
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        connect(&path, WRITER).unwrap().batch_execute("CREATE TABLE t (a)").unwrap();
        let error = connect(&path, Role::Reader).unwrap().batch_execute("INSERT INTO t VALUES (1)").unwrap_err();
        assert!(error.to_string().contains("readonly"), "{error}");
    }
}
