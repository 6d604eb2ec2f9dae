//! Where on SQLite the answer to a request is.
//!
//! The digests of requests come in no order. In an index each new one changes a page of its own, which is written twice (to
//! the log, and from there), more than all the rest of a create. So the latest are kept in memory, and a job stores them many
//! at a time in their order, where many share a page; so does the end of a process. After a crash the latest are read back from the
//! answers themselves, which are many pages.
//!
//! A place is a hint: whoever follows it looks whether the answer there is to the same request. One whose transaction was
//! taken back does no harm, and every answer that is stored has a place.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{REQUEST_BYTES, Request};

/// Where nothing is.
pub(super) const NOWHERE: i64 = 0;

/// How many places are kept in memory, some 400 KiB. After a crash as many answers are read.
const KEPT: usize = 16_384;

/// Where answers are.
#[derive(Debug)]
pub struct Places {
    latest: Mutex<Latest>,
    many: Notify,
}

#[derive(Debug)]
struct Latest {
    places: HashMap<Request, i64>,
    /// The last number that was given to an answer.
    last: i64,
    /// Whether places are stored, too.
    are_stored: bool,
    /// Behind which answer it is looked next for what has expired.
    looked_at: i64,
}

impl Latest {
    /// Forgets a place, unless the request has another by now.
    fn forget(&mut self, request: Request, place: i64) {
        if self.places.get(&request) == Some(&place) {
            self.places.remove(&request);
        }
    }
}

impl Places {
    pub(super) fn new(places: Vec<(Vec<u8>, i64)>, last: i64, are_stored: bool) -> Places {
        let known = |(request, place): (Vec<u8>, i64)| Some((request_of(&request)?, place));
        let places: HashMap<Request, i64> = places.into_iter().filter_map(known).collect();
        let many = Notify::new();
        if places.len() >= KEPT {
            many.notify_one();
        }
        Places { latest: Mutex::new(Latest { places, last, are_stored, looked_at: NOWHERE }), many }
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the answer to a request may be. [`NOWHERE`] where it is not among the latest; none where there is none at all.
    pub(super) fn find(&self, request: Request) -> Option<i64> {
        let latest = self.latest();
        match latest.places.get(&request) {
            Some(place) => Some(*place),
            None => latest.are_stored.then_some(NOWHERE),
        }
    }

    /// Gives the answer to a request a place, behind all others.
    pub(super) fn take(&self, request: Request) -> i64 {
        let mut latest = self.latest();
        latest.last += 1;
        let place = latest.last;
        latest.places.insert(request, place);
        if latest.places.len() >= KEPT {
            self.many.notify_one();
        }
        place
    }

    /// Forgets a place. Says whether it may be stored, too.
    pub(super) fn forget(&self, request: &[u8], place: i64) -> bool {
        let mut latest = self.latest();
        if let Some(request) = request_of(request) {
            latest.forget(request, place);
        }
        latest.are_stored
    }

    /// Behind which answer it is looked for what has expired, where the oldest have not.
    pub(super) fn looked_at(&self) -> i64 {
        self.latest().looked_at
    }

    /// Goes on behind this one; from the beginning where that is nowhere.
    pub(super) fn look_behind(&self, place: i64) {
        self.latest().looked_at = place;
    }

    /// Waits until as many places are in memory as are kept there.
    pub async fn are_many(&self) {
        self.many.notified().await;
    }

    /// All places that are in memory, in the order of their requests, and the last number that was given to an answer. They
    /// are going to be stored: from now on everybody looks there, too.
    pub(super) fn to_store(&self) -> (Vec<(Request, i64)>, i64) {
        let mut latest = self.latest();
        latest.are_stored = true;
        let mut places: Vec<_> = latest.places.iter().map(|(request, place)| (*request, *place)).collect();
        places.sort_unstable();
        (places, latest.last)
    }

    /// Takes note that places are stored.
    pub(super) fn stored(&self, places: &[(Request, i64)]) {
        let mut latest = self.latest();
        places.iter().for_each(|(request, place)| latest.forget(*request, *place));
    }
}

fn request_of(bytes: &[u8]) -> Option<Request> {
    <[u8; REQUEST_BYTES]>::try_from(bytes).ok().map(Request)
}
