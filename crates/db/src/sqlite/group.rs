//! Group commit: many callers' writes in one transaction, each its own.

use std::path::Path;

use diesel::sqlite::SqliteConnection;

use super::job::Task;
use super::verbs::{BEGIN, BEGIN_IMMEDIATE, COMMIT, RELEASE, ROLLBACK, ROLLBACK_TO, SAVEPOINT, Verb};
use crate::conn::Promise;
use crate::error::{Error, classify};

/// Why a group could not be stored as it is.
enum Trouble {
    /// A job without savepoint failed after it had changed something: run them again, each with a savepoint.
    Unclean,
    /// The transaction is gone: nobody's work is stored.
    Lost(Error),
}

/// Runs the jobs in one transaction and stores those that succeed. After this every job has its result, and no result
/// may be sent before: even a refusal may rest on what an earlier job of the group wrote.
pub(super) fn run(link: &mut SqliteConnection, path: &Path, tasks: &mut [Box<dyn Task>]) -> Result<(), Error> {
    if let [task] = tasks
        && task.promise() == Promise::Statement
    {
        lone(link, path, &mut **task);
        return Ok(());
    }
    let lost = match attempt(link, path, tasks, false) {
        Ok(()) => return Ok(()),
        Err(Trouble::Lost(error)) => error,
        Err(Trouble::Unclean) => match attempt(link, path, tasks, true) {
            Ok(()) => return Ok(()),
            Err(Trouble::Lost(error)) => error,
            Err(Trouble::Unclean) => Error::internal("a savepoint did not hold"),
        },
    };
    let lost = Error::unavailable(lost);
    tasks.iter_mut().for_each(|task| task.fail(lost.clone()));
    Err(lost)
}

/// Runs a statement that nobody shares a commit with: SQLite stores or undoes it by itself.
fn lone(link: &mut SqliteConnection, path: &Path, task: &mut dyn Task) {
    crate::failpoint!("db.group.run", path.to_str().unwrap_or_default());
    if !task.abandoned() {
        task.run(link, path);
    }
}

fn attempt(
    link: &mut SqliteConnection,
    path: &Path,
    tasks: &mut [Box<dyn Task>],
    careful: bool,
) -> Result<(), Trouble> {
    verb(&BEGIN_IMMEDIATE, link, path)?;
    // A job that is alone needs no savepoint: the transaction is its own.
    let alone = tasks.len() == 1;
    let mut keep = true;
    for task in tasks {
        if task.abandoned() {
            continue;
        }
        let savepoint = !alone && (careful || task.fails_late());
        let undo = run_one(link, path, &mut **task, savepoint)?;
        if undo && alone {
            keep = false;
        } else if undo {
            let _ = ROLLBACK.run(link);
            return Err(Trouble::Unclean);
        }
    }
    crate::failpoint!("db.group.run", path.to_str().unwrap_or_default());
    if keep { verb(&COMMIT, link, path) } else { verb(&ROLLBACK, link, path) }
}

/// Runs one job. True where it failed, changed something, and no savepoint has undone that.
fn run_one(link: &mut SqliteConnection, path: &Path, task: &mut dyn Task, savepoint: bool) -> Result<bool, Trouble> {
    if savepoint {
        verb(&SAVEPOINT, link, path)?;
    }
    let ran = task.run(link, path);
    if ran.shaken {
        still_open(link)?;
    }
    if savepoint {
        if !ran.ok {
            verb(&ROLLBACK_TO, link, path)?;
        }
        verb(&RELEASE, link, path)?;
    }
    Ok(!ran.ok && ran.changed && !savepoint)
}

/// Some errors (a full disk, a failing read, a trigger's `RAISE(ROLLBACK)`) make SQLite roll the whole transaction back
/// by itself. What came after it would then be stored statement by statement. A second BEGIN is refused exactly while a transaction is open.
fn still_open(link: &mut SqliteConnection) -> Result<(), Trouble> {
    if BEGIN.run(link).is_err() {
        return Ok(());
    }
    let _ = ROLLBACK.run(link);
    Err(Trouble::Lost(Error::internal("SQLite rolled the transaction back")))
}

fn verb(verb: &Verb, link: &mut SqliteConnection, path: &Path) -> Result<(), Trouble> {
    verb.run(link).map_err(|error| {
        let error = classify::sqlite(error, path, link);
        // What cannot be stored must not linger. Where SQLite has rolled back already, this fails, which is fine.
        let _ = ROLLBACK.run(link);
        Trouble::Lost(error)
    })
}
