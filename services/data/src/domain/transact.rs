//! How a request that writes becomes one transaction, whatever its method: once for its id, not at all where it only wants
//! to know, answered when it is stored.

use std::sync::Arc;

use bytes::Bytes;
use mainstay_db::{Atomic, Conn, Known, Lane, Step, Stored};
use mainstay_record::Value;

use super::answer::{answer, check_size, keys, wanted};
use super::around::sees_around;
use super::change::{Change, Pending};
use super::checks::{self, Check, WriteOp};
use super::constraints::told;
use super::context::Context;
use super::draft::{Draft, Refusals, Refused};
use super::memory::Memory;
use super::replay::replay;
use super::request::{Request, Terms};
use super::tx::Tx;
use crate::error::{Error, Result};
use crate::store::answers::Answer;

/// How often a request looks again because somebody else made a row that it had looked for in vain.
const MAX_LOOKS: usize = 4;

/// Does what a request asks for and answers it.
pub async fn run(cx: &Context, request: Request) -> Result<Bytes> {
    let request = Arc::new(request);
    let mut looks = 1;
    loop {
        match once(cx, &request).await {
            // It was missing when it was looked for, and is there now: it is to be changed.
            Err(error) if looks < MAX_LOOKS && error.is_taken_name() && request.looks_first() => looks += 1,
            // So was what an effect makes, or changes where it is there.
            Err(error) if looks < MAX_LOOKS && error.is_overtaken() => looks += 1,
            other => return other,
        }
    }
}

/// What a transaction came to.
enum Done {
    /// What was foreseen.
    Known,
    Now(Vec<Change>),
    /// The answer was given before.
    Before(Answer),
    /// Somebody else has the request's place: the answer is there when this transaction is over.
    Claimed,
}

/// Why a transaction is taken back.
enum Stop {
    Refused(Refusals),
    /// Nothing failed; the caller only wanted to know.
    DryRun(Vec<Change>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Refused(vec![error.into()])
    }
}

impl From<mainstay_db::Error> for Stop {
    fn from(error: mainstay_db::Error) -> Stop {
        Error::from(error).into()
    }
}

/// A request id that cannot be is told only to a caller for whom the rows are there to be written: until then the job runs
/// without one, and is taken back. So does a request with defects, as far as the check that raises them: what is remembered of
/// another one is no answer to it.
async fn once(cx: &Context, request: &Arc<Request>) -> Result<Bytes> {
    let mut drafts: Vec<Draft> = request.writes.iter().map(|_| Draft::default()).collect();
    let whole = |check| request.check(check);
    let left = checks::before_the_store(&request.writes, &whole, &Check::ORDER, &mut drafts);
    let left = left.map_err(|refusals| request.refusal(refusals))?;
    let mut terms = request.terms.clone()?;
    let problem = request.op.sound().and_then(|()| terms.check()).err();
    if problem.is_some() || request.defect.is_some() {
        terms = Terms { validate_only: true, ..Terms::default() };
    }
    if request.defect.is_none() && problem.is_none() {
        request.writes.iter().for_each(|write| write.prepare());
    }
    let job = Arc::new(Job::new(cx, request, left, drafts, &terms).map_err(|refusals| request.refusal(refusals))?);
    match (job.run(cx).await, problem) {
        (Err(Stop::Refused(refusals)), Some(_)) if is_first(&refusals) => Err(request.refusal(refusals)),
        (_, Some(problem)) => Err(problem),
        // Boxed, as the rare ways: a future is as large as the largest thing in it.
        (Err(Stop::Refused(refusals)), None) => Err(request.refusal(Box::pin(job.told(cx, refusals)).await?)),
        (Ok(Done::Known), None) => job.foreseen_answer(),
        (Ok(Done::Now(changes)) | Err(Stop::DryRun(changes)), None) => job.answer(&changes),
        (Ok(Done::Before(before)), None) => Box::pin(replay(cx, request, job.same(before)?)).await,
        (Ok(Done::Claimed), None) => Err(Error::OutOfTurn),
    }
}

/// Says whether writes were refused for what comes before the request is looked at.
fn is_first(refusals: &[Refused]) -> bool {
    let first =
        |refused: &Refused| matches!(refused.error, Error::Denied(_) | Error::StaleSchema(_) | Error::Storage(_));
    refusals.first().is_some_and(first)
}

/// A request on its way into the store. The store may run it again.
struct Job {
    request: Arc<Request>,
    /// The checks that are left for the transaction.
    left: &'static [Check],
    drafts: Vec<Draft>,
    validate_only: bool,
    memory: Option<Memory>,
    /// What the writes do, where that is known before the store is asked.
    foreseen: Option<(Vec<Change>, Pending)>,
    /// See [`Request::stages`].
    stages: Vec<Vec<usize>>,
}

impl Job {
    fn new(
        cx: &Context,
        request: &Arc<Request>,
        left: &'static [Check],
        drafts: Vec<Draft>,
        terms: &Terms,
    ) -> std::result::Result<Job, Refusals> {
        // What the writer may see of it is known in the transaction only, where rules for reading look at other rows.
        let known = drafts.iter().all(|draft| draft.new.is_some())
            && !request.writes.iter().any(|write| sees_around(write.op()))
            && !request.writes.iter().zip(&drafts).any(|(write, draft)| brings_more(&**write, draft));
        let foreseen = known.then(|| foresee(request, &drafts)).transpose()?;
        let changes = foreseen.as_ref().map(|(changes, _)| changes.as_slice());
        let validate_only = terms.validate_only;
        let memory =
            Memory::of(&cx.answers, request, &terms.request_id, changes).map_err(|error| vec![error.into()])?;
        let stages = request.stages();
        Ok(Job { request: Arc::clone(request), left, drafts, validate_only, memory, foreseen, stages })
    }

    fn answer(&self, changes: &[Change]) -> Result<Bytes> {
        let Request { op, form, writes, .. } = &*self.request;
        answer(*form, writes, changes, &wanted(op, *form)?)
    }

    /// The answer to what was foreseen, which may be at hand.
    fn foreseen_answer(&self) -> Result<Bytes> {
        let known = self.memory.as_ref().and_then(Memory::known_answer);
        match known.filter(|_| self.request.op.read_mask.is_none()) {
            Some(answer) => Ok(answer.clone()),
            None => self.answer(self.foreseen.as_ref().map_or(&[], |(changes, _)| changes)),
        }
    }

    /// The answer, if it was given to the same request.
    fn same(&self, before: Answer) -> Result<Answer> {
        self.memory.as_ref().map_or(Err(Error::OutOfTurn), |memory| memory.same(&self.request, before))
    }

    /// Runs the request; where somebody else has taken its place, finds the answer.
    async fn run(self: &Arc<Self>, cx: &Context) -> std::result::Result<Done, Stop> {
        let done = match &self.foreseen {
            Some((_, pending)) if self.left.is_empty() && !self.validate_only => self.store(cx, pending).await?,
            _ => self.transact(cx).await?,
        };
        match done {
            Done::Claimed => match Box::pin(self.find(cx)).await? {
                Some(before) => Ok(Done::Before(before)),
                // It was forgotten meanwhile. In a transaction, claiming and finding are one.
                None => Box::pin(self.transact(cx)).await,
            },
            done => Ok(done),
        }
    }

    /// Stores what is known whole.
    async fn store(&self, cx: &Context, pending: &Pending) -> std::result::Result<Done, Stop> {
        let steps = pending.steps().to_vec();
        let gate = self.memory.as_ref().map(Memory::gate);
        let together = self.memory.as_ref().and_then(|memory| self.together(&steps, memory));
        match cx.db.store(self.request.op.deadline, Known { gate, steps, together }).await {
            Ok(Stored::All) => Ok(Done::Known),
            Ok(Stored::Nothing) => Ok(Done::Claimed),
            Err(error) => Err(Stop::Refused(vec![pending.meaning(error)])),
        }
    }

    /// The claim and the one row in one statement, where the engine has it.
    fn together(&self, steps: &[Step], memory: &Memory) -> Option<Step> {
        let ([_], [draft]) = (steps, self.drafts.as_slice()) else { return None };
        let op = self.request.writes.first()?.op();
        let statement = op.plan().claiming_insert()?;
        let params: Vec<Value> = draft.new.as_ref()?.iter().cloned().chain(memory.claim().values()).collect();
        Some(statement.step(&op.caller, params.into()))
    }

    async fn transact(self: &Arc<Self>, cx: &Context) -> std::result::Result<Done, Stop> {
        let job = Arc::clone(self);
        let tentative = self.validate_only || self.request.writes.len() > 1;
        let is_serial = self.request.writes.iter().any(|write| {
            let (op, plan) = (write.op(), write.op().plan());
            plan.is_always_serial || (plan.is_serial && !op.caller.is_system())
        });
        let atomic = match self.request.atomic {
            _ if is_serial => Atomic::Transaction,
            Atomic::Locked if tentative => Atomic::Tentative,
            atomic => atomic,
        };
        let alone = self.request.writes.iter().filter(|write| write.takes_turns());
        let rows = alone.filter_map(|write| write.looks_for());
        let _turns = cx.turns.take(self.request.op.caller.organisation(), rows, self.request.op.deadline).await?;
        let written = cx.db.write_until(self.request.op.deadline, atomic, move |conn| {
            let job = Arc::clone(&job);
            Box::pin(async move { job.transaction(conn).await })
        });
        written.await
    }

    async fn transaction(&self, conn: &mut Conn<'_>) -> std::result::Result<Done, Stop> {
        if let Some(memory) = &self.memory
            && let Some(before) = Box::pin(memory.begin(conn)).await?
        {
            return Ok(Done::Before(before));
        }
        let writes = &self.request.writes;
        let mut tx = Tx::new(conn, writes.len());
        let changes = self.in_stages(&mut tx).await.map_err(Stop::Refused)?;
        let Request { holds, form, .. } = &*self.request;
        check_size(*form, holds.list(), writes, &changes)?;
        if self.validate_only {
            return Err(Stop::DryRun(changes));
        }
        if let Some(memory) = &self.memory {
            let whole = &super::read_mask::Rows::Whole;
            let answer = match memory.is_known() {
                true => None,
                false => Some((keys(writes, &changes), answer(self.request.form, writes, &changes, whole)?)),
            };
            Box::pin(memory.keep(conn, answer)).await?;
        }
        Ok(Done::Now(changes))
    }

    /// Takes the checks that are left and stores what they let through, stage after stage.
    async fn in_stages(&self, tx: &mut Tx<'_, '_>) -> std::result::Result<Vec<Change>, Refusals> {
        let (writes, whole) = (&self.request.writes, |check| self.request.check(check));
        if self.stages.is_empty() {
            return checks::in_the_store(writes, &whole, self.left, self.drafts.clone(), tx).await;
        }
        let mut done: Vec<(usize, Change)> = Vec::with_capacity(writes.len());
        for stage in &self.stages {
            let (some, drafts): (Vec<_>, Vec<_>) =
                stage.iter().map(|write| (Arc::clone(&writes[*write]), self.drafts[*write].clone())).unzip();
            let placed = |refused: Refused| Refused { write: refused.write.map(|write| stage[write]), ..refused };
            let changes = checks::in_the_store(&some, &whole, self.left, drafts, tx).await;
            let changes = changes.map_err(|refusals| refusals.into_iter().map(placed).collect::<Refusals>())?;
            done.extend(stage.iter().copied().zip(changes));
        }
        done.sort_by_key(|(write, _)| *write);
        Ok(done.into_iter().map(|(_, change)| change).collect())
    }

    async fn find(self: &Arc<Self>, cx: &Context) -> Result<Option<Answer>> {
        let job = Arc::clone(self);
        let found = cx.db.read(Lane::Inline, move |conn| {
            let job = Arc::clone(&job);
            Box::pin(async move {
                match &job.memory {
                    Some(memory) => memory.find(conn).await,
                    None => Ok(None),
                }
            })
        });
        let found: std::result::Result<Option<Answer>, mainstay_db::Error> = found.await;
        Ok(found?)
    }

    /// Says of writes that were refused what their caller may know.
    async fn told(&self, cx: &Context, refusals: Refusals) -> Result<Refusals> {
        let mut known = Vec::with_capacity(refusals.len());
        for Refused { write, error } in refusals {
            let op =
                write.and_then(|write| self.request.writes.get(write)).map_or(&self.request.op, |write| write.op());
            known.push(Refused { write, error: told(cx, op, error).await? });
        }
        Ok(known)
    }
}

/// Says whether other rows change with a write, and with them perhaps its own again.
fn brings_more(write: &dyn WriteOp, draft: &Draft) -> bool {
    write.cause(draft).is_some_and(|(op, trigger)| op.plan().effects.reach_others(trigger))
}

/// What the writes will do, and how, where the rows to be are known.
fn foresee(request: &Request, drafts: &[Draft]) -> std::result::Result<(Vec<Change>, Pending), Refusals> {
    let mut pending = Pending::of(drafts.len());
    let mut changes = Vec::with_capacity(drafts.len());
    for (write, (op, draft)) in request.writes.iter().zip(drafts).enumerate() {
        let change = pending.add(write, op.op(), draft.clone());
        changes.push(change.map_err(|error| vec![Refused { write: Some(write), error }])?);
    }
    let Request { holds, form, writes, .. } = request;
    check_size(*form, holds.list(), writes, &changes).map_err(|error| vec![error.into()])?;
    Ok((changes, pending))
}
