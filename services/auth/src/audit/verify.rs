//! Reads the whole chain and finds the first place where it is not what was written.

use data_encoding::HEXLOWER;
use mainstay_db::Lane;

use super::chain::{ChainKey, Hash, NOTHING, of_personal};
use super::organisation;
use super::places::hash_of;
use crate::core::Core;
use crate::error::Error;
use crate::store::audit::{self, EndRow, EventRow, FIRST, LAST};

/// How many events are read at once.
const READ_AT_ONCE: i64 = 1_000;

/// A place in the chain that was noted elsewhere, with the hash that it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The place, from 1.
    pub sequence: i64,
    /// The hash there, in lower-case hex.
    pub hash: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many events have a place.
    pub events: i64,
    /// The first place; 0 where there is none.
    pub first: i64,
    /// The last place; 0 where there is none.
    pub last: i64,
    /// The hash there.
    pub last_hash: Vec<u8>,
    /// How many events wait for their place.
    pub waiting: i64,
    /// What is wrong, and the place where that is: the first of it.
    pub problem: Option<(i64, String)>,
}

/// Reads the chain from its beginning to where it ends now.
pub(crate) async fn verify(core: &Core, known: Option<&Known>) -> Result<Verified, Error> {
    let ends = core.database.read(Lane::Heavy, |conn| {
        Box::pin(async move {
            let (first, last) = (audit::end(conn, FIRST).await?, audit::end(conn, LAST).await?);
            Ok::<_, Error>((first, last, audit::count_waiting(conn).await?))
        })
    });
    let (first, last, waiting) = ends.await?;
    let mut walk = match Walk::begin(&core.chain_key, first.as_ref(), last, known) {
        Ok(walk) => walk,
        Err(problem) => return Ok(Verified { waiting, problem: Some(problem), ..Verified::default() }),
    };
    let begin = walk.sequence;
    let problem = loop {
        let after = walk.sequence;
        let read = core.database.read(Lane::Heavy, move |conn| {
            Box::pin(async move { Ok::<_, Error>(audit::after(conn, after, READ_AT_ONCE).await?) })
        });
        let events = read.await?;
        let is_all = events.len() < usize::try_from(READ_AT_ONCE).unwrap_or(usize::MAX);
        // What gets its place meanwhile is behind the end that was read.
        let last = walk.last;
        let seen = events.iter().take_while(|event| event.sequence.is_some_and(|sequence| sequence <= last));
        match seen.map(|event| walk.step(event)).find_map(Result::err) {
            Some(problem) => break Some(problem),
            None if is_all || walk.sequence >= walk.last => break walk.end().err(),
            None => {}
        }
    };
    let events = walk.sequence - begin;
    Ok(Verified {
        events,
        first: if events > 0 { begin + 1 } else { 0 },
        last: walk.last,
        last_hash: walk.last_hash.clone(),
        waiting,
        problem,
    })
}

type Problem = (i64, String);

/// How far the chain was followed.
struct Walk<'a> {
    key: &'a ChainKey,
    sequence: i64,
    hash: Hash,
    last: i64,
    last_hash: Vec<u8>,
    known: Option<&'a Known>,
}

impl<'a> Walk<'a> {
    fn begin(
        key: &'a ChainKey,
        first: Option<&EndRow>,
        last: Option<EndRow>,
        known: Option<&'a Known>,
    ) -> Result<Walk<'a>, Problem> {
        for (end, what) in [(first, "begins"), (last.as_ref(), "ends")] {
            if let Some(end) = end
                && !key.is_sealed(end)
            {
                return Err((
                    end.sequence,
                    format!("the note of where the chain {what} was not written by this service"),
                ));
            }
        }
        let damaged = |sequence| move |_| (sequence, "the note of where the chain begins is damaged".to_owned());
        let (sequence, hash) = match first {
            Some(first) => (first.sequence, hash_of(&first.hash).map_err(damaged(first.sequence))?),
            None => (0, NOTHING),
        };
        let (last, last_hash) = last.map_or((sequence, hash.to_vec()), |last| (last.sequence, last.hash));
        if let Some(known) = known.filter(|known| known.sequence > last) {
            return Err((last, format!("the chain ends at {last}, and was longer once: {} was noted", known.sequence)));
        }
        if let Some(known) = known.filter(|known| known.sequence < sequence) {
            let why = "was removed after its time and cannot be compared; note a later one";
            return Err((known.sequence, format!("event {} {why}", known.sequence)));
        }
        let walk = Walk { key, sequence, hash, last, last_hash, known };
        walk.compare_known()?;
        Ok(walk)
    }

    fn step(&mut self, event: &EventRow) -> Result<(), Problem> {
        let next = self.sequence + 1;
        let problem = |what: String| Err((next, what));
        match event.sequence {
            Some(found) if found == next => {}
            _ => return problem(format!("event {next} is missing")),
        }
        if let (Some(network), Some(salt)) = (&event.network, &event.network_salt)
            && of_personal(salt, network)[..] != event.network_hash[..]
        {
            return problem(format!("the network of event {next} ({}) was changed", event.uid));
        }
        let hash = self.key.link(&self.hash, next, event);
        if event.hash.as_deref() != Some(&hash[..]) {
            return problem(format!("event {next} ({}) is not what was written", event.uid));
        }
        if !organisation::is_right(event) {
            return problem(format!("the organisation of event {next} ({}) was changed", event.uid));
        }
        (self.sequence, self.hash) = (next, hash);
        self.compare_known()
    }

    fn compare_known(&self) -> Result<(), Problem> {
        match self.known.filter(|known| known.sequence == self.sequence) {
            Some(known) if known.hash != HEXLOWER.encode(&self.hash) => {
                Err((self.sequence, format!("event {} had another hash when it was noted", self.sequence)))
            }
            _ => Ok(()),
        }
    }

    fn end(&self) -> Result<(), Problem> {
        if self.sequence < self.last {
            return Err((self.sequence + 1, format!("event {} is missing", self.sequence + 1)));
        }
        if self.hash[..] != self.last_hash[..] {
            return Err((self.last, format!("event {} is not the one that the chain ended with", self.last)));
        }
        Ok(())
    }
}
