//! A request that writes, as it was read: nothing has been asked of the store.

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::Role;
use mainstay_db::Atomic;
use mainstay_record::Violation;
use mainstay_wire::WireError;

use super::answer::{Form, wanted};
use super::checks::{Check, WriteOp};
use super::context::Operation;
use super::draft::{Draft, Refusals, Refused};
use super::place::Holds;
use crate::error::{Error, Result};
use crate::store::answers;

/// The longest request id that is accepted, in bytes (AIP-155 wants a UUID, which has 36).
pub const MAX_REQUEST_ID_BYTES: usize = 64;

/// A request's message, taken apart.
pub type Message = mainstay_contract::Request<Bytes>;

/// How a request wants to be treated.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Replays the answer to the same request (AIP-155) of the same caller. Callers who are nobody cannot be told apart:
    /// for them a request is the same only if all of it is, and one that differs is somebody else's, not a mistake.
    pub request_id: String,
    /// Does everything and takes it back (AIP-163).
    pub validate_only: bool,
    /// Tells the request from others with its id: a digest of all its fields but these two.
    pub fingerprint: Vec<u8>,
}

impl Terms {
    /// Reads the two fields. `fingerprint` is asked for where there is an id.
    pub fn read(
        message: &std::result::Result<Message, WireError>,
        fingerprint: impl FnOnce(&Message) -> std::result::Result<Vec<u8>, WireError>,
    ) -> std::result::Result<Terms, WireError> {
        let message = message.as_ref().map_err(Clone::clone)?;
        Terms::of(message, || fingerprint(message))
    }

    /// The same of a request that was taken apart.
    pub fn of(
        asked: &Message,
        fingerprint: impl FnOnce() -> std::result::Result<Vec<u8>, WireError>,
    ) -> std::result::Result<Terms, WireError> {
        let request_id = asked.text(Role::RequestId)?.to_owned();
        let fingerprint = if request_id.is_empty() { Vec::new() } else { fingerprint()? };
        Ok(Terms { request_id, validate_only: asked.flag(Role::ValidateOnly), fingerprint })
    }

    /// Checks that an id can be one.
    pub fn check(&self) -> Result<()> {
        let id = &self.request_id;
        if id.len() <= MAX_REQUEST_ID_BYTES && id.chars().all(|c| c.is_ascii_graphic()) {
            return Ok(());
        }
        Err(Error::Violations(vec![Violation {
            field: "request_id".to_owned(),
            description: format!("must be at most {MAX_REQUEST_ID_BYTES} visible ASCII characters; a UUID is best"),
        }]))
    }
}

/// A digest of the fields of a request.
pub fn fingerprint(parts: &[&[u8]]) -> Vec<u8> {
    answers::digest(parts).as_ref().to_vec()
}

/// What is wrong with a request as a whole.
#[derive(Debug, Clone, PartialEq)]
pub enum Defect {
    Malformed(WireError),
    Violations(Vec<Violation>),
}

impl From<Defect> for Error {
    fn from(defect: Defect) -> Error {
        match defect {
            Defect::Malformed(error) => error.into(),
            Defect::Violations(violations) => Error::Violations(violations),
        }
    }
}

/// What a method is in the identity of remembered answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// With the resource's type it stays what it is when messages and packages are renamed.
    Verb(&'static str),
    /// Of the package.
    Commit,
}

/// What a request asks for: writes that are done together or not at all, and how it wants to be treated.
pub struct Request {
    /// On whose behalf, by which method's resource.
    pub op: Operation,
    pub identity: Identity,
    pub writes: Vec<Arc<dyn WriteOp>>,
    pub holds: Holds,
    /// What is wrong with the request as a whole, whatever its writes are. It is told to whom the rules do not refuse
    /// without a look at a row.
    pub defect: Option<Defect>,
    pub terms: std::result::Result<Terms, WireError>,
    pub form: Form,
    /// What its transaction promises to the store.
    pub atomic: Atomic,
}

impl Request {
    /// A request that is one write.
    pub fn one(
        verb: &'static str,
        write: impl WriteOp,
        terms: std::result::Result<Terms, WireError>,
        form: Form,
    ) -> Request {
        Request {
            op: write.op().clone(),
            identity: Identity::Verb(verb),
            writes: vec![Arc::new(write)],
            holds: Holds::One,
            defect: None,
            terms,
            form,
            atomic: Atomic::Locked,
        }
    }

    /// Takes a check of the request as a whole.
    pub fn check(&self, check: Check) -> Result<()> {
        match (check, &self.defect) {
            // It may be what is left of a request that something was wrong with before.
            (Check::Readable, Some(defect)) => self.op.sound().and_then(|()| Err(defect.clone().into())),
            (Check::Shape, _) => self.op.sound().and_then(|()| wanted(&self.op, self.form)).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Says whether one of the writes looks for its row before it knows what to do.
    pub fn looks_first(&self) -> bool {
        self.writes.iter().any(|write| write.asks_the_store(Check::Readable, &Draft::default()))
    }

    /// What the caller is told of writes that were refused.
    pub fn refusal(&self, refusals: Refusals) -> Error {
        let mut placed = Vec::with_capacity(refusals.len());
        for Refused { write, error } in refusals {
            match write.and_then(|write| self.holds.place(write)) {
                // What the store says of itself is about no write.
                Some(place) if !matches!(error, Error::Storage(_) | Error::StaleSchema(_)) => {
                    placed.push((place, error));
                }
                _ => return error,
            }
        }
        Error::Elements(placed)
    }
}
