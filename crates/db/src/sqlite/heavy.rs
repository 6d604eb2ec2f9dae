//! Reads on threads of their own, which a long query may keep busy without holding up anybody else.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::sqlite::SqliteConnection;

use super::job::HeavyTask;
use super::long::LongReader;
use super::open::{self, Role, SHRINK};
use super::shared::Shared;
use super::verbs::{BEGIN, COMMIT};
use crate::error::{Error, classify};
use crate::queue::Waited;

/// What is added to the priority of a reader thread: long queries take what point reads leave over.
const NICENESS: i32 = 10;

/// How long a thread waits for its next read with its page caches full: reads that follow each other find in them what they share.
const RESTED: Duration = Duration::from_millis(200);

/// Runs reads until the queue is closed. What one leaves in the page caches is given back when no other follows.
pub(super) fn run(shared: &Arc<Shared>) {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::warn!(%error, "a reader thread keeps normal priority");
    }
    let mut links = Links::default();
    let (mut next, mut rested) = (Vec::with_capacity(1), None);
    loop {
        match shared.heavy.drain(&mut next, 1, rested, |_, _| true) {
            Waited::Closed => return,
            Waited::TimedOut => {
                links.shrink();
                rested = None;
            }
            Waited::Some => {
                next.drain(..).for_each(|task| links.run(task, shared));
                rested = Some(RESTED);
            }
        }
    }
}

/// The connections of one thread, opened when they are first used.
#[derive(Default)]
struct Links {
    link: Option<SqliteConnection>,
    generation: u64,
    reader: Option<LongReader>,
}

impl Links {
    fn run(&mut self, task: HeavyTask, shared: &Shared) {
        let _inside = shared.gate.enter();
        match task {
            HeavyTask::Job(job) => match ready(&mut self.link, shared) {
                Ok(connection) => {
                    self.generation = shared.generation.forget_statements(connection, self.generation);
                    job(Ok(connection));
                    if COMMIT.run(connection).is_err() {
                        self.link = None;
                    }
                }
                Err(error) => {
                    self.link = None;
                    job(Err(error));
                }
            },
            HeavyTask::Query(query) => query(opened(&mut self.reader, shared)),
        }
    }

    /// Gives the page caches back. A connection that cannot is not worth keeping.
    fn shrink(&mut self) {
        self.link.take_if(|link| link.batch_execute(SHRINK).is_err());
        self.reader.take_if(|reader| reader.shrink().is_err());
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
