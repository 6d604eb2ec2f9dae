//! What was made is kept for the next who sees as much: callers differ by their roles, of which there are few.

use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwap;
use bytes::Bytes;
use foldhash::quality::FixedState;
use mainstay_fault::Fault;
use mainstay_identity::Principal;
use mainstay_runtime::Methods;

use super::sight::Sight;
use super::{Doc, make, page};
use crate::pages::PagesConfig;
use crate::snapshot::Snapshot;

/// How much is kept, in bytes: what a few kinds of callers see.
const MOST_BYTES: usize = 32 << 20;

/// Something that was made, with the tag that is another one when it is.
#[derive(Debug, Clone)]
pub struct Made {
    pub bytes: Bytes,
    pub etag: String,
}

impl Made {
    pub fn new(bytes: Vec<u8>) -> Made {
        // The same on every gateway: there is no seed.
        let etag = format!("{:016x}", FixedState::default().hash_one(&bytes));
        Made { bytes: bytes.into(), etag }
    }
}

/// What is told of the gateway. All clones are one.
#[derive(Clone)]
pub struct Docs(Arc<State>);

struct State {
    title: String,
    page: Bytes,
    /// Whether callers see what they may call only.
    limited: bool,
    /// The methods that somebody may call who is nobody.
    open: Arc<ArcSwap<Methods>>,
    /// What was asked for last stands last.
    kept: Mutex<Vec<Kept>>,
    /// One is made at a time: making takes all that the contract says into memory.
    making: Arc<tokio::sync::Mutex<()>>,
}

struct Kept {
    doc: Doc,
    snapshot: Weak<Snapshot>,
    sight: Sight,
    made: Made,
}

impl Docs {
    /// Callers see what they may call only where `limited` is set.
    pub fn new(pages: &PagesConfig, limited: bool, open: Arc<ArcSwap<Methods>>) -> Docs {
        let title = pages.application.clone().unwrap_or_else(|| "Application".to_owned());
        let page = page::written(&title, pages.enabled);
        let (kept, making) = (Mutex::default(), Arc::default());
        Docs(Arc::new(State { title, page, limited, open, kept, making }))
    }

    /// The page that shows the document to people.
    pub fn page(&self) -> &Bytes {
        &self.0.page
    }

    /// What the application is called.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// What a caller sees of a snapshot.
    pub fn sight(&self, snapshot: &Snapshot, principal: &Principal) -> Sight {
        Sight::of(snapshot, self.0.open.load_full(), self.0.limited, principal)
    }

    /// Gives what was made for this sight, or makes it, away from the threads that answer requests.
    pub async fn made(&self, doc: Doc, snapshot: Arc<Snapshot>, sight: Sight) -> Result<Made, Fault> {
        if let Some(made) = self.find(doc, &snapshot, &sight) {
            return Ok(made);
        }
        let one = Arc::clone(&self.0.making).lock_owned().await;
        if let Some(made) = self.find(doc, &snapshot, &sight) {
            return Ok(made);
        }
        let docs = self.clone();
        let making = move || {
            let made = make(doc, docs.title(), &snapshot, &sight)?;
            docs.keep(Kept { doc, snapshot: Arc::downgrade(&snapshot), sight, made: made.clone() });
            // It is made to its end, also for who does not wait for it any more: until then no other one is.
            drop(one);
            Ok(made)
        };
        tokio::task::spawn_blocking(making).await.map_err(Fault::internal)?
    }

    fn find(&self, doc: Doc, snapshot: &Arc<Snapshot>, sight: &Sight) -> Option<Made> {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |kept: &Kept| {
            kept.doc == doc && std::ptr::eq(kept.snapshot.as_ptr(), Arc::as_ptr(snapshot)) && kept.sight == *sight
        };
        let position = kept.iter().position(is_it)?;
        let found = kept.remove(position);
        let made = found.made.clone();
        kept.push(found);
        Some(made)
    }

    fn keep(&self, made: Kept) {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What no snapshot is served for any more is asked for by nobody.
        kept.retain(|kept| kept.snapshot.strong_count() > 0);
        kept.push(made);
        // The last one is kept, however large it is.
        while kept.len() > 1 && kept.iter().map(|kept| kept.made.bytes.len()).sum::<usize>() > MOST_BYTES {
            kept.remove(0);
        }
    }
}

impl fmt::Debug for Docs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Docs").field("limited", &self.0.limited).finish_non_exhaustive()
    }
}
