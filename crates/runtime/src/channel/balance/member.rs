//! One address of a service: the connection to it, what it has to do, and how it does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::Channel as Connection;

use super::config::Site;
use crate::channel::remote::CONNECT_TIMEOUT;

/// So many calls in a row that nobody answered, and a member is left out.
const FAILURES: u32 = 3;

/// For how long it is left out at first. It doubles with each time, up to [`LONGEST_ABSENCE`].
const SHORTEST_ABSENCE: Duration = Duration::from_secs(1);
const LONGEST_ABSENCE: Duration = Duration::from_secs(30);

/// One address of a service.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) address: SocketAddr,
    pub(super) connection: Connection,
    /// How many calls it has not finished.
    load: AtomicUsize,
    /// Whether it says that it serves.
    serves: AtomicBool,
    /// Whether it could not be reached when it was left out.
    is_out_of_reach: AtomicBool,
    /// Calls in a row that it did not answer.
    failures: AtomicU32,
    /// How often in a row it was left out.
    absences: AtomicU32,
    /// Until when it is left out, in milliseconds since `made`; 0 where it is not.
    absent_until: AtomicU64,
    made: Instant,
}

impl Member {
    /// Nothing is connected yet: the first call does, and each call after a lost connection tries again.
    pub(super) fn new(site: &Site, address: SocketAddr) -> Arc<Member> {
        let connect = tower::service_fn(move |_: http::Uri| async move {
            // Here, so that it is known that nothing was sent.
            let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await??;
            stream.set_nodelay(true)?;
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        });
        Arc::new(Member {
            address,
            connection: site.endpoint.connect_with_connector_lazy(connect),
            load: AtomicUsize::new(0),
            serves: AtomicBool::new(true),
            is_out_of_reach: AtomicBool::new(false),
            failures: AtomicU32::new(0),
            absences: AtomicU32::new(0),
            absent_until: AtomicU64::new(0),
            made: Instant::now(),
        })
    }

    /// Whether calls go to it.
    pub(super) fn is_well(&self) -> bool {
        self.serves.load(Ordering::Relaxed) && !self.is_absent()
    }

    fn is_absent(&self) -> bool {
        let until = self.absent_until.load(Ordering::Relaxed);
        until != 0 && until > self.now()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// Counts a call until what is returned is dropped.
    pub(super) fn work(self: &Arc<Member>) -> Busy {
        self.load.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Notes that it answered, whatever it said.
    pub(super) fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        // Only what is answered after an absence tells that it is over.
        if self.absences.load(Ordering::Relaxed) != 0 && !self.is_absent() {
            self.absences.store(0, Ordering::Relaxed);
            self.absent_until.store(0, Ordering::Relaxed);
        }
    }

    /// Notes that it did not answer, or not for now. One that cannot be reached is left out at once.
    pub(super) fn failed(&self, is_out_of_reach: bool) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if (is_out_of_reach || failures >= FAILURES) && !self.is_absent() {
            let absences = self.absences.fetch_add(1, Ordering::Relaxed);
            let absence = SHORTEST_ABSENCE.saturating_mul(1 << absences.min(16)).min(LONGEST_ABSENCE);
            let until = self.now().saturating_add(u64::try_from(absence.as_millis()).unwrap_or(u64::MAX));
            self.absent_until.store(until.max(1), Ordering::Relaxed);
            self.failures.store(0, Ordering::Relaxed);
            self.is_out_of_reach.store(is_out_of_reach, Ordering::Relaxed);
            tracing::debug!(address = %self.address, ?absence, "an address is left out for a while");
        }
    }

    /// Notes whether it says that it serves. One that did not, or that could not be reached, is back at once; one that serves and did
    /// not answer calls stays away as long as it was to.
    pub(super) fn says(&self, serves: bool) {
        let did = self.serves.swap(serves, Ordering::Relaxed);
        if did != serves {
            tracing::info!(address = %self.address, serves, "an address says whether it serves");
        }
        if serves && (!did || self.is_out_of_reach.swap(false, Ordering::Relaxed)) {
            self.absent_until.store(0, Ordering::Relaxed);
        }
    }
}

/// A call that a member has not finished.
#[derive(Debug)]
pub(super) struct Busy(Arc<Member>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.load.fetch_sub(1, Ordering::Relaxed);
    }
}
