//! Group commit: many callers' writes in one transaction, each its own.

use std::path::Path;

use diesel::sqlite::SqliteConnection;

use super::job::Task;
use super::shared::Shared;
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
pub(super) fn run(link: &mut SqliteConnection, shared: &Shared, tasks: &mut [Box<dyn Task>]) -> Result<(), Error> {
    let stored = together(link, shared, tasks);
    match &stored {
        Ok(Stored::Something) => shared.condition.stored(),
        Ok(Stored::Nothing) => {}
        Err(lost) => shared.condition.failed(lost),
    }
    stored.map(drop)
}

/// What became of a group.
enum Stored {
    Something,
    Nothing,
}

fn together(link: &mut SqliteConnection, shared: &Shared, tasks: &mut [Box<dyn Task>]) -> Result<Stored, Error> {
    if let [task] = tasks
        && task.promise() == Promise::Statement
    {
        return Ok(lone(link, shared, &mut **task));
    }
    let lost = match attempt(link, shared, tasks, false) {
        Ok(stored) => return Ok(stored),
        Err(Trouble::Lost(error)) => error,
        Err(Trouble::Unclean) => match attempt(link, shared, tasks, true) {
            Ok(stored) => return Ok(stored),
            Err(Trouble::Lost(error)) => error,
            Err(Trouble::Unclean) => Error::internal("a savepoint did not hold"),
        },
    };
    let lost = match lost {
        // It says more than that the store is unavailable.
        damaged @ Error::Corrupt { .. } => damaged,
        lost => Error::unavailable(lost),
    };
    tasks.iter_mut().for_each(|task| task.fail(lost.clone()));
    Err(lost)
}

/// Runs a statement that nobody shares a commit with: SQLite stores or undoes it by itself.
fn lone(link: &mut SqliteConnection, shared: &Shared, task: &mut dyn Task) -> Stored {
    crate::failpoint!("db.group.run", shared.path.to_str().unwrap_or_default());
    if task.abandoned() {
        return Stored::Nothing;
    }
    let ran = task.run(link, &shared.path);
    if let Some(error) = &ran.failed {
        shared.condition.failed(error);
    }
    if ran.ok && ran.changed { Stored::Something } else { Stored::Nothing }
}

fn attempt(
    link: &mut SqliteConnection,
    shared: &Shared,
    tasks: &mut [Box<dyn Task>],
    careful: bool,
) -> Result<Stored, Trouble> {
    let path = &shared.path;
    verb(&BEGIN_IMMEDIATE, link, path)?;
    // A job that is alone needs no savepoint: the transaction is its own.
    let alone = tasks.len() == 1;
    let (mut keep, mut stored) = (true, Stored::Nothing);
    for task in tasks {
        if task.abandoned() {
            continue;
        }
        let savepoint = !alone && (careful || task.fails_late());
        match run_one(link, shared, &mut **task, savepoint)? {
            One::Stored => stored = Stored::Something,
            One::NothingToStore => {}
            One::ToUndo if alone => keep = false,
            One::ToUndo => {
                let _ = ROLLBACK.run(link);
                return Err(Trouble::Unclean);
            }
        }
    }
    crate::failpoint!("db.group.run", path.to_str().unwrap_or_default());
    verb(if keep { &COMMIT } else { &ROLLBACK }, link, path)?;
    Ok(stored)
}

/// How a job of a group ended.
enum One {
    Stored,
    NothingToStore,
    /// It failed, changed something, and no savepoint has undone that.
    ToUndo,
}

fn run_one(link: &mut SqliteConnection, shared: &Shared, task: &mut dyn Task, savepoint: bool) -> Result<One, Trouble> {
    let path = &shared.path;
    if savepoint {
        verb(&SAVEPOINT, link, path)?;
    }
    let ran = task.run(link, path);
    if let Some(error) = ran.failed {
        shared.condition.failed(&error);
        still_open(link, error)?;
    }
    if savepoint {
        if !ran.ok {
            verb(&ROLLBACK_TO, link, path)?;
        }
        verb(&RELEASE, link, path)?;
    }
    Ok(match (ran.ok, ran.changed) {
        (true, true) => One::Stored,
        (false, true) if !savepoint => One::ToUndo,
        _ => One::NothingToStore,
    })
}

/// Some errors (a full disk, a failing read, a trigger's `RAISE(ROLLBACK)`) make SQLite roll the whole transaction back
/// by itself. What came after it would then be stored statement by statement. A second BEGIN is refused exactly while a transaction is open.
fn still_open(link: &mut SqliteConnection, error: Error) -> Result<(), Trouble> {
    if BEGIN.run(link).is_err() {
        return Ok(());
    }
    let _ = ROLLBACK.run(link);
    Err(Trouble::Lost(error))
}

fn verb(verb: &Verb, link: &mut SqliteConnection, path: &Path) -> Result<(), Trouble> {
    verb.run(link).map_err(|error| {
        let error = classify::sqlite(error, path, link);
        // What cannot be stored must not linger. Where SQLite has rolled back already, this fails, which is fine.
        let _ = ROLLBACK.run(link);
        Trouble::Lost(error)
    })
}
