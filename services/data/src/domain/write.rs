//! What the writes have in common: running in one transaction, remembered answers, references, and what the writer sees.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use mainstay_contract::Reference;
use mainstay_db::{Atomic, BoxFuture, Conn, Lane};
use mainstay_record::{Value, Violation, etag_revision};
use mainstay_wire::{Selection, frame};
use ring::digest::{Context, SHA256};

use super::caller::Caller;
use super::checks::Obstacle;
use super::constraints::told;
use super::context::{self, Operation};
use super::create::{in_request, shape};
use super::read_mask;
use crate::error::{Error, Result};
use crate::plans::{Readable, ResourcePlan};
use crate::store::answers::{self, Answer};

/// What no id of a user or service begins with.
const NOBODY: &str = "?";

/// The longest request id that is accepted, in bytes (AIP-155 wants a UUID, which has 36).
pub const MAX_REQUEST_ID_BYTES: usize = 64;

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
    /// Reads the two fields. `parts` are the contents of the others.
    pub fn read(message: &[u8], request_id: u32, validate_only: u32, parts: &[&[u8]]) -> Result<Terms> {
        let request_id = frame::string(message, request_id)?.unwrap_or_default().to_owned();
        let fingerprint = if request_id.is_empty() { Vec::new() } else { fingerprint(parts) };
        Ok(Terms { request_id, validate_only: frame::boolean(message, validate_only)?, fingerprint })
    }
}

fn fingerprint(parts: &[&[u8]]) -> Vec<u8> {
    let mut digest = Context::new(&SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finish().as_ref().to_vec()
}

/// What a write did.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The record as it is now.
    Record(Vec<Value>),
    /// The record is gone, or was never there and that was allowed.
    Gone(Vec<Value>),
}

/// Why a transaction is taken back.
#[derive(Debug)]
pub enum Stop {
    Failed(Error),
    /// Nothing failed; the caller only wanted to know.
    DryRun(Outcome),
}

impl From<mainstay_db::Error> for Stop {
    fn from(error: mainstay_db::Error) -> Stop {
        Stop::Failed(error.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

/// What a transaction came to: something that was done now, or an answer that was given before.
enum Done {
    Now(Outcome),
    Before(Answer),
}

/// Runs a write and answers it. `single` says that the job is one statement when nothing but the job is asked for.
///
/// A request id that cannot be is told only to a caller for whom the row is there to be written: until then the job runs
/// without one, and is taken back.
pub async fn run<J>(cx: &context::Context, op: &Operation, mut terms: Terms, single: bool, job: J) -> Result<Bytes>
where
    J: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<Outcome>> + Send + Sync + 'static,
{
    let problem = check_request_id(&terms.request_id).err();
    if problem.is_some() {
        terms.request_id.clear();
        terms.validate_only = true;
    }
    let plain = terms.request_id.is_empty() && !terms.validate_only;
    let atomic = if single && plain { Atomic::Statement } else { Atomic::Transaction };
    let principal = rememberer(&op.caller, &terms);
    let shared = Arc::new(Shared { op: op.clone(), terms, principal, job });
    let done = cx.db.write(atomic, move |conn| {
        let shared = Arc::clone(&shared);
        Box::pin(async move { shared.transaction(conn).await })
    });
    match (done.await, problem) {
        (Err(Stop::Failed(error @ (Error::Denied(_) | Error::StaleSchema | Error::Storage(_)))), _) => Err(error),
        (_, Some(problem)) => Err(problem),
        (Ok(Done::Now(outcome)) | Err(Stop::DryRun(outcome)), None) => {
            answer(op, &outcome, read_mask::of_record(op)?.as_ref())
        }
        (Ok(Done::Before(before)), None) => replay(cx, op, before).await,
        (Err(Stop::Failed(error)), None) => Err(told(cx, op, error).await?),
    }
}

struct Shared<J> {
    op: Operation,
    terms: Terms,
    /// Whose answers are remembered together.
    principal: String,
    job: J,
}

/// Who this is in remembered answers. Were all who are nobody one caller, one of them could take another's answer, or its
/// request id, by guessing the id; so each of their requests is a caller of its own.
fn rememberer(caller: &Caller, terms: &Terms) -> String {
    if !caller.is_nobody() || terms.fingerprint.is_empty() {
        return caller.key().to_owned();
    }
    format!("{NOBODY}{}", URL_SAFE_NO_PAD.encode(&terms.fingerprint))
}

impl<J> Shared<J>
where
    J: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<Outcome>> + Send + Sync,
{
    async fn transaction(&self, conn: &mut Conn<'_>) -> std::result::Result<Done, Stop> {
        let remembers = !self.terms.request_id.is_empty();
        if remembers && let Some(before) = self.remembered(conn).await? {
            return Ok(Done::Before(before));
        }
        let outcome = (self.job)(conn).await?;
        if self.terms.validate_only {
            return Err(Stop::DryRun(outcome));
        }
        if remembers {
            self.remember(conn, &outcome).await?;
        }
        Ok(Done::Now(outcome))
    }

    fn request(&self) -> answers::Request<'_> {
        let method = &self.op.method;
        answers::Request { principal: &self.principal, method, request_id: &self.terms.request_id }
    }

    async fn remembered(&self, conn: &mut Conn<'_>) -> Result<Option<Answer>> {
        if answers::claim(conn, self.request(), &self.terms.fingerprint, self.op.caller.now).await? {
            return Ok(None);
        }
        match answers::find(conn, self.request()).await? {
            Some(before) if before.request_hash != self.terms.fingerprint => Err(Error::RequestIdReused),
            other => Ok(other),
        }
    }

    async fn remember(&self, conn: &mut Conn<'_>, outcome: &Outcome) -> Result<()> {
        let keys = self.op.plan().resource.layout.keys();
        let (Outcome::Record(record) | Outcome::Gone(record)) = outcome;
        let key = record.get(..keys).unwrap_or_default();
        Ok(answers::keep(conn, self.request(), key, &answer(&self.op, outcome, None)?).await?)
    }
}

fn check_request_id(id: &str) -> Result<()> {
    if id.len() <= MAX_REQUEST_ID_BYTES && id.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Error::Violations(vec![Violation {
        field: "request_id".to_owned(),
        description: format!("must be at most {MAX_REQUEST_ID_BYTES} visible ASCII characters; a UUID is best"),
    }]))
}

/// Gives an earlier answer again, to a caller who may still read what it holds.
async fn replay(cx: &context::Context, op: &Operation, before: Answer) -> Result<Bytes> {
    if before.answer.is_empty() {
        return Ok(Bytes::new());
    }
    let (op_inside, key) = (op.clone(), before.key.clone());
    let row = cx.db.read(Lane::Inline, move |conn| {
        let (op, key) = (op_inside.clone(), key.clone());
        Box::pin(async move { op.find(conn, &op.plan().get(&op.caller), &key).await })
    });
    let row: Option<Vec<Value>> = row.await?;
    match (row, read_mask::of_record(op)?) {
        (None, _) => name_only(op, &before.key),
        (Some(_), None) => Ok(Bytes::from(before.answer)),
        (Some(_), Some(selection)) => part_of(op, &before, &selection),
    }
}

/// Takes the wanted part out of an answer that was given whole.
fn part_of(op: &Operation, before: &Answer, selection: &Selection) -> Result<Bytes> {
    let plan = op.plan();
    let decoded = plan.record.decode(&before.answer).map_err(|error| shape(plan, error))?;
    let mut record = decoded.values;
    for (column, part) in record.iter_mut().zip(&before.key) {
        column.clone_from(part);
    }
    let revision = decoded.etag.as_deref().and_then(etag_revision);
    record[plan.resource.layout.revision()] = Value::Int(revision.unwrap_or_default());
    let mut out = Vec::new();
    plan.record.encode_masked(&record[..], selection, &mut out).map_err(Error::Damaged)?;
    Ok(Bytes::from(out))
}

/// What the writer sees: the record, or what it wants of it, or only the name where the writer may not read it.
fn answer(op: &Operation, outcome: &Outcome, selection: Option<&Selection>) -> Result<Bytes> {
    let Outcome::Record(record) = outcome else { return Ok(Bytes::new()) };
    if !op.may_read(record) {
        return name_only(op, record);
    }
    let (plan, mut out) = (op.plan(), Vec::with_capacity(512));
    let encoded = match selection {
        Some(selection) => plan.record.encode_masked(record, selection, &mut out),
        None => plan.record.encode(record, &mut out),
    };
    encoded.map_err(Error::Damaged)?;
    Ok(Bytes::from(out))
}

fn name_only(op: &Operation, key: &[Value]) -> Result<Bytes> {
    let mut out = Vec::new();
    if let Some(selection) = &op.plan().name_only {
        op.plan().record.encode_masked(key, selection, &mut out).map_err(Error::Damaged)?;
    }
    Ok(Bytes::from(out))
}

/// The references of a record that are set and (for an update) differ from before.
pub fn changed_references<'p>(plan: &'p ResourcePlan, old: Option<&[Value]>, new: &[Value]) -> Vec<&'p Reference> {
    let is_set = |reference: &Reference| reference.columns.iter().any(|index| !new[*index].is_null());
    let differs =
        |reference: &Reference| old.is_none_or(|old| reference.columns.iter().any(|index| old[*index] != new[*index]));
    plan.resource.references.iter().filter(|reference| is_set(reference) && differs(reference)).collect()
}

/// Checks that what a record refers to exists and may be read by the writer; which of the two fails is not said.
pub async fn check_references(conn: &mut Conn<'_>, op: &Operation, old: Option<&[Value]>, new: &[Value]) -> Result<()> {
    for reference in changed_references(op.plan(), old, new) {
        let key: Vec<Value> = reference.columns.iter().map(|index| new[*index].clone()).collect();
        if !is_readable(conn, op, reference.resource, &key).await? {
            return Err(Error::ReferenceNotFound { field: in_request(op.plan(), &reference.field) });
        }
    }
    Ok(())
}

/// Says whether the row of another resource exists and the caller may read it.
pub async fn is_readable(conn: &mut Conn<'_>, op: &Operation, resource: usize, key: &[Value]) -> Result<bool> {
    let target = op.snapshot.resource(resource);
    let Readable::By { statement, .. } = target.get(&op.caller) else { return Ok(false) };
    let binds = statement.values(&op.caller, key);
    Ok(conn.query(&statement.statement, &binds, &mut |_| ()).await? > 0)
}

/// Checks the part of a rule that only the records can decide.
pub fn allowed(op: &Operation, holds: bool) -> Result<()> {
    if op.caller.is_system() || holds { Ok(()) } else { Err(op.caller.denied(Obstacle::Refused)) }
}
