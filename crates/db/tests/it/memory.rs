//! What a long read takes of the memory does not grow with what it reads.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use mainstay_db::{Config, Database, Lane, Sink};
use mainstay_record::Row;

use crate::support::{batch, number, statement};

const CHILD: &str = "MAINSTAY_DB_TEST_MEMORY";

/// What the test sorts: much more than it may take.
const SORTED_MIB: u64 = 96;

/// The reader's page cache and the sort's own, 10 MiB together, with room for what the process does besides.
const ALLOWED_MIB: u64 = 32;

/// In a process of its own, because the memory of a process is that of all its tests.
#[cfg(target_os = "linux")]
#[test]
fn a_long_sort_goes_to_a_file_beside_the_store_and_takes_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "memory::child_that_sorts", "--ignored", "--nocapture"])
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("sorted"), "{said}{}", String::from_utf8_lossy(&child.stderr));
}

#[tokio::test]
#[ignore = "runs as the child process of the test above"]
async fn child_that_sorts() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let db = Database::open_sqlite(&folder.join("store.db"), &Config::default()).unwrap();
    let fill = "CREATE TABLE wide (id BIGINT PRIMARY KEY, body TEXT NOT NULL); \
         INSERT INTO wide WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < MIB) \
         SELECT i, printf('%08d', (i * 7919) % MIB) || hex(zeroblob(524288)) FROM n";
    batch(&db, &fill.replace("MIB", &SORTED_MIB.to_string())).await;
    number(&db, "SELECT count(*) FROM wide").await;
    let before = resident_mib();
    let list = statement("SELECT body FROM wide ORDER BY body LIMIT 1001", &[]);
    let watch = db.fetch(Lane::Heavy, &list, Vec::new(), Watch::over(&folder)).await.unwrap();
    assert_eq!(watch.rows, SORTED_MIB);
    assert!(watch.spilled, "nothing was written beside the store");
    let most = watch.resident_mib;
    assert!(most < before + ALLOWED_MIB, "resident: {before} MiB before, {most} MiB while it sorted");
    println!("sorted");
}

/// Looks at the process while a sorted result is read: all of it is sorted before the first row comes.
struct Watch {
    folder: PathBuf,
    rows: u64,
    resident_mib: u64,
    spilled: bool,
}

impl Watch {
    fn over(folder: &Path) -> Watch {
        Watch { folder: folder.to_owned(), rows: 0, resident_mib: 0, spilled: false }
    }
}

impl Sink for Watch {
    fn row<R: Row>(&mut self, _: &R) -> ControlFlow<()> {
        self.rows += 1;
        self.resident_mib = self.resident_mib.max(resident_mib());
        self.spilled |= has_temporary_file(&self.folder);
        ControlFlow::Continue(())
    }
}

/// What the process holds in memory, mapped files included.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Says whether SQLite has a temporary file open in this folder; it is deleted as soon as it is open.
fn has_temporary_file(folder: &Path) -> bool {
    let open =
        std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    let begins = format!("{}/etilqs_", folder.display());
    open.into_iter().any(|file| file.to_string_lossy().starts_with(&begins))
}
