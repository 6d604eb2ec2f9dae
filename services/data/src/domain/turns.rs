//! Who may try a row next: those who wait for one row wait here, and not each on a connection of its own, so that they leave
//! connections to those who want other rows.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Instant;

use foldhash::fast::RandomState;
use mainstay_db::{Database, Engine};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// How many queues there are. Rows that share one wait for each other now and then, and for nothing else.
const QUEUES: usize = 1_024;

/// How many of those who want a row are in the store at once: one has it, and the next is there when it is free.
const AT_ONCE: usize = 2;

/// Who wants more rows than this waits in the store: they would hold up everybody's queues.
const MAX_ROWS: usize = 16;

/// The queues for rows.
#[derive(Clone)]
pub struct Turns(Option<Arc<Queues>>);

struct Queues {
    hasher: RandomState,
    all: Vec<Arc<Semaphore>>,
}

impl Turns {
    /// The queues for a store. SQLite has a queue of its own: its writers come one after the other.
    pub fn for_store(db: &Database) -> Turns {
        let queues = || Queues {
            hasher: RandomState::default(),
            all: (0..QUEUES).map(|_| Arc::new(Semaphore::new(AT_ONCE))).collect(),
        };
        Turns((db.engine() == Engine::Postgres).then(|| Arc::new(queues())))
    }

    /// Waits for a turn at all of the rows, told by their resources and names, as long as the caller waits. Nobody waits for who
    /// acts in another organisation.
    pub async fn take(
        &self,
        organisation: Option<&str>,
        rows: impl Iterator<Item = (usize, &str)>,
        deadline: Option<Instant>,
    ) -> Result<Vec<OwnedSemaphorePermit>> {
        let Some(queues) = &self.0 else { return Ok(Vec::new()) };
        let mut places: Vec<usize> = rows.take(MAX_ROWS + 1).map(|row| queues.place((organisation, row))).collect();
        if places.len() > MAX_ROWS {
            return Ok(Vec::new());
        }
        // All take them in one order, so that nobody waits for who waits for them.
        places.sort_unstable();
        places.dedup();
        let mut turns = Vec::with_capacity(places.len());
        for place in places {
            turns.push(wait(Arc::clone(&queues.all[place]), deadline).await?);
        }
        Ok(turns)
    }
}

impl Queues {
    fn place(&self, row: (Option<&str>, (usize, &str))) -> usize {
        let hash = self.hasher.hash_one(row);
        usize::try_from(hash % QUEUES as u64).unwrap_or_default()
    }
}

async fn wait(queue: Arc<Semaphore>, deadline: Option<Instant>) -> Result<OwnedSemaphorePermit> {
    let turn = match Arc::clone(&queue).try_acquire_owned() {
        Ok(turn) => return Ok(turn),
        Err(_) => queue.acquire_owned(),
    };
    let turn = match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), turn).await,
        None => Ok(turn.await),
    };
    let busy = || Error::Storage(mainstay_db::Error::Overloaded("others wait for the same row"));
    turn.map_err(|_| busy())?.map_err(|_| busy())
}
