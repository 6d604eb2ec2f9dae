//! Writing a file anew, so that nothing of former rows is left in it.
//!
//! SQLite keeps what was deleted, or was other before, in free pages and in the free parts of pages, and what has been written
//! since the last time in the write-ahead log. `VACUUM` makes the file of what there is, and nothing else; then the log is cut.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;

use super::log;
use super::shared::Shared;
use crate::error::{Error, classify};
use crate::terms::Compacted;

/// How long what reads from the log is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does it, on the writer's connection, outside of any transaction.
pub(super) fn run(link: &mut SqliteConnection, path: &Path, shared: &Shared) -> Result<Compacted, Error> {
    link.batch_execute("VACUUM").map_err(|error| classify::sqlite(error, path, link))?;
    shared.gate.shut();
    let until = Instant::now() + PATIENCE;
    let cut = loop {
        if shared.gate.inside() == 0 && log::restart(link, shared) {
            break true;
        }
        if Instant::now() >= until {
            break false;
        }
        std::thread::sleep(log::LOOK_AGAIN);
    };
    shared.gate.open();
    Ok(if cut { Compacted::Rewritten } else { Compacted::LogInUse })
}
