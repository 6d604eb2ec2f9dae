//! Connections that many short reads share.
//!
//! PostgreSQL answers the statements of a connection in their order, and does not need to wait for one answer to be read
//! before it takes the next statement. Reads without a transaction can therefore share a connection: several travel in
//! one packet, which is several times cheaper than a connection for each.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use mainstay_record::{Row, Value};

use super::connect::Target;
use super::link::{Link, Settled};
use super::pulse::Pulse;
use crate::conn;
use crate::error::{Error, classify};
use crate::row::Sink;
use crate::statement::Statement;

/// One connection in so many is shared by reads, so that each keeps a server process busy.
const SHARE: usize = 4;

/// How many reads may be under way on one connection before more are refused.
const DEPTH: usize = 256;

/// The shared connections of a store.
pub(super) struct Pipelines {
    target: Arc<Target>,
    slots: Vec<Slot>,
    next: AtomicUsize,
    closed: AtomicBool,
}

#[derive(Default)]
struct Slot {
    link: Mutex<Option<Arc<Link>>>,
    /// Held while a connection is made, so that one is.
    making: tokio::sync::Mutex<()>,
}

impl Pipelines {
    /// A share of the connections that a store may have; none where it may have only a few.
    pub fn new(target: Arc<Target>, connections: usize) -> Pipelines {
        let slots = (0..connections / SHARE).map(|_| Slot::default()).collect();
        Pipelines { target, slots, next: AtomicUsize::new(0), closed: AtomicBool::new(false) }
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Runs a read. One that meets a lost connection before its first row is repeated once on a new one.
    pub async fn fetch<S: Sink>(&self, statement: &Statement, binds: &[Value], sink: &mut S) -> Result<(), Error> {
        let mut sink = Counted { rows: 0, sink };
        let slot = &self.slots[self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len()];
        let mut repeated = false;
        loop {
            let link = self.link(slot).await?;
            if Arc::strong_count(&link) > DEPTH {
                return Err(Error::Overloaded("too many reads are under way"));
            }
            let Err(error) = conn::query_postgres(&link, statement, binds, &mut sink).await else { return Ok(()) };
            let error = classify::postgres(error);
            if !matches!(error, Error::Unavailable(_)) {
                return Err(error);
            }
            slot.discard(&link);
            if repeated || sink.rows > 0 {
                return Err(error);
            }
            repeated = true;
        }
    }

    async fn link(&self, slot: &Slot) -> Result<Arc<Link>, Error> {
        if let Some(link) = &*slot.lock() {
            return Ok(Arc::clone(link));
        }
        let _making = slot.making.lock().await;
        if let Some(link) = &*slot.lock() {
            return Ok(Arc::clone(link));
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::unavailable("the store is closed"));
        }
        let link = Arc::new(self.target.connect().await.map_err(Error::unavailable)?);
        *slot.lock() = Some(Arc::clone(&link));
        Ok(link)
    }

    /// Asks each connection whether it lives, and fails with what the first that does not says.
    pub async fn ping(&self, within: Duration) -> Result<(), Error> {
        let asked = self.slots.iter().map(|slot| async {
            let link = self.link(slot).await?;
            match link.settles(within).await {
                Settled::Quiet => Ok(()),
                Settled::Lost => {
                    slot.discard(&link);
                    self.link(slot).await.map(drop)
                }
                Settled::Silent => Err(Error::unavailable("a connection to PostgreSQL is silent")),
            }
        });
        join_all(asked).await.into_iter().collect()
    }

    /// Those on which reads are under way, and that do not answer a question behind these.
    pub async fn silent(&self, within: Duration) -> Vec<Arc<Pulse>> {
        let in_use = self.slots.iter().filter_map(|slot| {
            let link = slot.lock().clone()?;
            // One is the slot's own, one this look's.
            (Arc::strong_count(&link) > 2).then_some(link)
        });
        let asked = in_use.map(|link| async move {
            let silent = link.settles(within).await == Settled::Silent;
            silent.then(|| Arc::clone(link.pulse()))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Replaces the connections; reads that are under way end on the old ones.
    pub fn refresh(&self) {
        for slot in &self.slots {
            slot.lock().take();
        }
    }

    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.refresh();
    }
}

/// Knows whether a row has been handed over.
struct Counted<'s, S> {
    rows: usize,
    sink: &'s mut S,
}

impl<S: Sink> Sink for Counted<'_, S> {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        self.rows += 1;
        self.sink.row(row)
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Link>>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a connection, unless another caller has replaced it already.
    fn discard(&self, lost: &Arc<Link>) {
        let mut link = self.lock();
        if link.as_ref().is_some_and(|link| Arc::ptr_eq(link, lost)) {
            link.take();
        }
    }
}
