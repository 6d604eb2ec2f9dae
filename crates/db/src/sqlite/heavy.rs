//! Reads on threads of their own, which a long query may keep busy without holding up anybody else.

use std::sync::Arc;

use diesel::sqlite::SqliteConnection;

use super::job::HeavyTask;
use super::long::LongReader;
use super::open::{self, Role};
use super::shared::Shared;
use super::verbs::{BEGIN, COMMIT};
use crate::error::{Error, classify};

/// What is added to the priority of a reader thread: long queries take what point reads leave over.
const NICENESS: i32 = 10;

/// Runs reads until the queue is closed.
pub(super) fn run(shared: &Arc<Shared>) {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::warn!(%error, "a reader thread keeps normal priority");
    }
    let (mut link, mut reader) = (None, None);
    let mut generation = 0;
    while let Some(task) = shared.heavy.pop() {
        let _inside = shared.gate.enter();
        match task {
            HeavyTask::Job(job) => match ready(&mut link, shared) {
                Ok(connection) => {
                    generation = shared.generation.forget_statements(connection, generation);
                    job(Ok(connection));
                    if COMMIT.run(connection).is_err() {
                        link = None;
                    }
                }
                Err(error) => {
                    link = None;
                    job(Err(error));
                }
            },
            HeavyTask::Query(query) => query(opened(&mut reader, shared)),
        }
    }
}

fn opened<'r>(reader: &'r mut Option<LongReader>, shared: &Shared) -> Result<&'r mut LongReader, Error> {
    match reader {
        Some(reader) => Ok(reader),
        None => Ok(reader.insert(LongReader::open(&shared.path)?)),
    }
}

fn ready<'l>(link: &'l mut Option<SqliteConnection>, shared: &Shared) -> Result<&'l mut SqliteConnection, Error> {
    let connection = match link {
        Some(connection) => connection,
        None => link.insert(open::connect(&shared.path, Role::Reader)?),
    };
    match BEGIN.run(connection) {
        Ok(()) => Ok(connection),
        Err(error) => Err(classify::sqlite(error, &shared.path, connection)),
    }
}
