//! What the writes have in common: the way through the checks, one transaction, remembered answers, and what the writer
//! sees.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use mainstay_db::{Atomic, Conn, Lane};
use mainstay_record::{Value, Violation, etag_revision};
use mainstay_wire::{Selection, frame};
use ring::digest::{Context, SHA256};

use super::checks::{self, Check, Checked, Draft};
use super::constraints::{constraint, told};
use super::context::{self, Operation};
use super::create::shape;
use super::read_mask;
use crate::error::{Error, Result};
use crate::rights::Caller;
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
    Record(Arc<[Value]>),
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

/// One write of one caller, whatever its method.
pub trait Write: Checked + 'static {
    /// What the method does, in the identity of remembered answers: with the resource's type it stays what it is when
    /// messages and packages are renamed.
    const VERB: &'static str;

    /// On whose behalf, on what.
    fn op(&self) -> &Operation;

    /// How the request wants to be treated.
    fn terms(&self) -> Result<Terms>;

    /// Stores what the checks have let through.
    fn store(&self, draft: Draft, conn: &mut Conn<'_>) -> impl Future<Output = Result<Outcome>> + Send;

    /// The row as it will be, where that is known before the store is asked.
    fn foreseen<'d>(&self, _: &'d Draft) -> Option<&'d Arc<[Value]>> {
        None
    }

    /// Says whether all that is left to do is to insert the row that is foreseen.
    fn is_one_insert(&self, _: &Draft) -> bool {
        false
    }
}

/// What a transaction came to.
enum Done {
    Now(Outcome),
    /// The answer was given before.
    Before(Answer),
    /// Somebody else has the request's place: the answer is there when this transaction is over.
    Claimed,
}

/// Takes a write through its checks, runs it and answers it.
///
/// A request id that cannot be is told only to a caller for whom the row is there to be written: until then the job runs
/// without one, and is taken back.
pub async fn run<W: Write>(cx: &context::Context, write: Arc<W>) -> Result<Bytes> {
    let mut draft = Draft::default();
    let left = checks::before_the_store(&*write, &Check::ORDER, &mut draft)?;
    let mut terms = write.terms()?;
    let problem = check_request_id(&terms.request_id).err();
    if problem.is_some() {
        terms.request_id.clear();
        terms.validate_only = true;
    }
    let job = Job::new(write, left, draft, terms)?;
    let op = job.write.op().clone();
    match (job.run(cx).await, problem) {
        (Err(Stop::Failed(error @ (Error::Denied(_) | Error::StaleSchema(_) | Error::Storage(_)))), _) => Err(error),
        (_, Some(problem)) => Err(problem),
        (Ok(Done::Now(outcome)) | Err(Stop::DryRun(outcome)), None) => {
            answer(&op, &outcome, read_mask::of_record(&op)?.as_ref())
        }
        (Ok(Done::Before(before)), None) => replay(cx, &op, before).await,
        (Ok(Done::Claimed), None) => Err(Error::OutOfTurn),
        (Err(Stop::Failed(error)), None) => Err(told(cx, &op, error).await?),
    }
}

/// A write on its way into the store. Cheap to clone: the store may run it again.
struct Job<W> {
    write: Arc<W>,
    /// The checks that are left for the transaction.
    left: &'static [Check],
    draft: Draft,
    validate_only: bool,
    memory: Option<Arc<Memory>>,
    atomic: Atomic,
}

/// Where the answer is remembered.
struct Memory {
    /// Whose answers are remembered together.
    principal: String,
    method: String,
    request_id: String,
    fingerprint: Vec<u8>,
    /// The answer, where it is known before the store is asked.
    known: Option<Bytes>,
}

impl Memory {
    fn request(&self) -> answers::Request<'_> {
        answers::Request { principal: &self.principal, method: &self.method, request_id: &self.request_id }
    }
}

impl<W: Write> Job<W> {
    fn new(write: Arc<W>, left: &'static [Check], draft: Draft, terms: Terms) -> Result<Job<W>> {
        let op = write.op();
        let memory = if terms.request_id.is_empty() {
            None
        } else {
            let known = write.foreseen(&draft).map(|row| answer(op, &Outcome::Record(Arc::clone(row)), None));
            Some(Arc::new(Memory {
                principal: rememberer(&op.caller, &terms),
                method: format!("{}/{}", op.plan().resource.type_name, W::VERB),
                request_id: terms.request_id,
                fingerprint: terms.fingerprint,
                known: known.transpose()?,
            }))
        };
        let one = !terms.validate_only
            && write.is_one_insert(&draft)
            && (memory.is_none() || op.plan().claiming_insert.is_some());
        let atomic = if one { Atomic::Statement } else { Atomic::Locked };
        Ok(Job { write, left, draft, validate_only: terms.validate_only, memory, atomic })
    }

    /// Runs the write; where somebody else has taken the request's place, finds the answer.
    async fn run(self, cx: &context::Context) -> std::result::Result<Done, Stop> {
        let job = Arc::new(self);
        match job.attempt(cx, job.atomic).await? {
            Done::Claimed => match job.find(cx).await? {
                Some(before) => Ok(Done::Before(before)),
                // It was forgotten meanwhile. In a transaction, claiming and finding are one.
                None => job.attempt(cx, Atomic::Locked).await,
            },
            done => Ok(done),
        }
    }

    async fn attempt(self: &Arc<Self>, cx: &context::Context, atomic: Atomic) -> std::result::Result<Done, Stop> {
        let job = Arc::clone(self);
        let written = cx.db.write_until(self.write.op().deadline, atomic, move |conn| {
            let job = Arc::clone(&job);
            Box::pin(async move {
                match (&job.memory, atomic) {
                    (Some(memory), Atomic::Statement) => Ok(job.claim_and_insert(memory, conn).await?),
                    _ => job.transaction(conn).await,
                }
            })
        });
        written.await
    }

    async fn transaction(&self, conn: &mut Conn<'_>) -> std::result::Result<Done, Stop> {
        if let Some(memory) = &self.memory
            && !answers::claim(conn, &self.claim(memory)).await?
            && let Some(before) = answers::find(conn, memory.request()).await?
        {
            return Ok(Done::Before(same(memory, before)?));
        }
        let mut draft = self.draft.clone();
        checks::in_the_store(&*self.write, self.left, &mut draft, conn).await?;
        let outcome = self.write.store(draft, conn).await?;
        if self.validate_only {
            return Err(Stop::DryRun(outcome));
        }
        if let Some(memory) = self.memory.as_ref().filter(|memory| memory.known.is_none()) {
            let answer = answer(self.write.op(), &outcome, None)?;
            answers::keep(conn, memory.request(), self.key(&outcome), &answer).await?;
        }
        Ok(Done::Now(outcome))
    }

    /// Claims the request's place and inserts the row in one statement.
    async fn claim_and_insert(&self, memory: &Memory, conn: &mut Conn<'_>) -> Result<Done> {
        let (op, row) = (self.write.op(), self.draft.new_row()?);
        let plan = op.plan();
        let statement = plan.claiming_insert.as_ref().ok_or(Error::OutOfTurn)?;
        let params: Vec<Value> = row.iter().cloned().chain(self.claim(memory)).collect();
        match conn.execute(&statement.statement, &statement.bound(&op.caller, &params)).await {
            Ok(0) => Ok(Done::Claimed),
            Ok(_) => Ok(Done::Now(Outcome::Record(Arc::clone(row)))),
            Err(error) => Err(constraint(plan, row, true, error)),
        }
    }

    fn claim(&self, memory: &Memory) -> [Value; 8] {
        let keys = self.write.op().plan().resource.layout.keys();
        let row = self.write.foreseen(&self.draft).map(|row| &row[..keys]);
        let known = row.zip(memory.known.as_deref());
        answers::claim_values(memory.request(), &memory.fingerprint, known, self.write.op().caller.now)
    }

    fn key<'o>(&self, outcome: &'o Outcome) -> &'o [Value] {
        let keys = self.write.op().plan().resource.layout.keys();
        let record: &[Value] = match outcome {
            Outcome::Record(record) => record,
            Outcome::Gone(record) => record,
        };
        record.get(..keys).unwrap_or_default()
    }

    async fn find(self: &Arc<Self>, cx: &context::Context) -> Result<Option<Answer>> {
        let Some(memory) = self.memory.clone() else { return Ok(None) };
        let asked = Arc::clone(&memory);
        let found = cx.db.read(Lane::Inline, move |conn| {
            let asked = Arc::clone(&asked);
            Box::pin(async move { answers::find(conn, asked.request()).await })
        });
        let found: std::result::Result<Option<Answer>, mainstay_db::Error> = found.await;
        found?.map(|before| same(&memory, before)).transpose()
    }
}

/// The answer, if it was given to the same request.
fn same(memory: &Memory, before: Answer) -> Result<Answer> {
    if before.request_hash == memory.fingerprint { Ok(before) } else { Err(Error::RequestIdReused) }
}

/// Who this is in remembered answers. Were all who are nobody one caller, one of them could take another's answer, or its
/// request id, by guessing the id; so each of their requests is a caller of its own.
fn rememberer(caller: &Caller, terms: &Terms) -> String {
    if !caller.is_nobody() || terms.fingerprint.is_empty() {
        return caller.key().to_owned();
    }
    format!("{NOBODY}{}", URL_SAFE_NO_PAD.encode(&terms.fingerprint))
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
        Some(selection) => plan.record.encode_masked(&record[..], selection, &mut out),
        None => plan.record.encode(&record[..], &mut out),
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
