//! A request that writes, as it was read: nothing has been asked of the store.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::Role;
use mainstay_db::Atomic;
use mainstay_record::Violation;
use mainstay_wire::WireError;

use super::answer::{Form, wanted};
use super::checks::{Check, WriteOp};
use super::content::Content;
use super::context::Operation;
use super::draft::{Draft, Refusals, Refused};
use super::place::Holds;
use crate::error::{Error, Result};

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
}

impl Terms {
    /// Reads the two fields.
    pub fn read(message: &std::result::Result<Message, WireError>) -> std::result::Result<Terms, WireError> {
        let message = message.as_ref().map_err(Clone::clone)?;
        let request_id = message.text(Role::RequestId)?.to_owned();
        Ok(Terms { request_id, validate_only: message.flag(Role::ValidateOnly) })
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

/// Says whether an answer is going to be remembered.
pub fn is_remembered(message: &std::result::Result<Message, WireError>) -> bool {
    message.as_ref().is_ok_and(|message| message.has(Role::RequestId))
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
    /// A transition of the resource, by its place; it is remembered by its name.
    Transition(u16),
    /// Of the package.
    Commit,
}

/// What a request asks for: writes that are done together or not at all, and how it wants to be treated.
pub struct Request {
    /// On whose behalf, by which method's resource.
    pub op: Operation,
    pub identity: Identity,
    /// As it came.
    pub message: Bytes,
    /// What it says beside its writes.
    pub beside: Content,
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
        message: Bytes,
        write: impl WriteOp,
        terms: std::result::Result<Terms, WireError>,
        form: Form,
    ) -> Request {
        Request {
            op: write.op().clone(),
            identity: Identity::Verb(verb),
            message,
            beside: Content::default(),
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

    /// What tells it from others with its id: a digest of all that it says but its terms.
    pub fn fingerprint(&self) -> Vec<u8> {
        let mut content = self.beside.clone();
        for write in &self.writes {
            content.text(&write.op().plan().resource.type_name);
            write.content(&mut content);
        }
        content.digest()
    }

    /// Says whether one of the writes looks for its row before it knows what to do.
    pub fn looks_first(&self) -> bool {
        self.writes.iter().any(|write| write.asks_the_store(Check::Readable, &Draft::default()))
    }

    /// The writes in the stages in which they are checked and done; one stage unless a Commit writes a row again that it makes
    /// itself: that is looked for when it is there. What has to hold before anything is written belongs to the first.
    pub fn stages(&self) -> Vec<Vec<usize>> {
        let Form::Results { writes, .. } = self.form else { return Vec::new() };
        let made: HashSet<(usize, String)> = self.writes.iter().filter_map(|write| write.makes()).collect();
        let again = |write: &Arc<dyn WriteOp>| write.looks_for().map(|(of, name)| (of, name.to_owned()));
        let again = |write| again(write).filter(|row| made.contains(row));
        if made.is_empty() || !self.writes.iter().take(writes).any(|write| again(write).is_some()) {
            return Vec::new();
        }
        let (mut stages, mut touched) = (vec![Vec::new()], HashSet::new());
        for (index, write) in self.writes.iter().enumerate() {
            let row = again(write);
            if index < writes && row.as_ref().is_some_and(|row| touched.contains(row)) {
                stages.push(Vec::new());
                touched.clear();
            }
            touched.extend(row.or_else(|| write.makes()));
            let stage = if index < writes { stages.len() - 1 } else { 0 };
            stages[stage].push(index);
        }
        stages
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
