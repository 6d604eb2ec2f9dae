//! Exports and erases what the rows of the application hold of a person. `services/data/ERASURE.md` says what that means.
//!
//! ```text
//! whose a row is (Resource::subject) ──▶ the keys of their rows, a page at a time ──▶ each row in a transaction of its own:
//!                                                                                       fields with a class are emptied (scrub),
//! what is kept beside them: transitions, remembered answers ◀──────────────────────     or get a pseudonym (pseudonym)
//! ```
//!
//! Nothing is noted of how far it is: what is erased already is found and stays as it is, so whoever begins again goes on.

mod answers;
mod classed;
mod export;
mod hidden;
mod matching;
mod noise;
mod place;
mod pseudonym;
mod report;
mod rows;
mod scrub;
mod span;

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use mainstay_contract::holds_classed;
use mainstay_identity::{Principal, User};
use mainstay_proto::data::v1 as pb;
use mainstay_record::Value;

pub use export::{Export, Exporting};

use self::report::Tally;
use self::scrub::Scrubber;
use crate::domain::context::Operation;
use crate::error::{Error, Result};
use crate::plans::{ResourcePlan, Snapshot};
use crate::purge::find;
use crate::rights::Caller;
use crate::service::Resources;
use crate::store::answers::Place;

/// How many rows are found together.
const PAGE: usize = 100;

/// How many are on their way at a time: writes that arrive together are stored together.
const AT_ONCE: usize = 16;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The account's uid.
    pub uid: String,
    pub validate_only: bool,
    pub compact: bool,
}

/// An erasure on its way.
pub struct Erasing {
    resources: Arc<Resources>,
    snapshot: Arc<Snapshot>,
    /// Of each resource of which rows can be somebody's.
    scrubbers: Vec<(usize, Arc<Scrubber>)>,
    /// The types of those of which none are anybody's, though what is personal can stand in them.
    unowned: Vec<String>,
    wanted: Wanted,
    begun: i64,
    stage: Stage,
    tallies: Vec<Tally>,
    /// The rows of which remembered answers may hold something personal.
    rows: answers::Rows,
    emptied_answers: i64,
}

enum Stage {
    /// Of the resource at this place among those, behind the row with this key.
    Rows(usize, Option<Vec<Value>>),
    Answers(Option<Place>),
    Store,
    Done,
}

impl Erasing {
    /// Begins, on the contract that is served now.
    pub fn begin(resources: &Arc<Resources>, wanted: Wanted) -> Result<Erasing> {
        let snapshot = resources.served.load();
        let pool = snapshot.contract.link().map_err(|_| Error::OutOfTurn)?;
        let of_somebody = snapshot.resources().iter().enumerate().filter(|(_, plan)| plan.resource.subject.is_some());
        let scrubber = |(index, plan): (usize, &Arc<_>)| Ok((index, Arc::new(Scrubber::of(plan, &pool)?)));
        let scrubbers: Vec<(usize, Arc<Scrubber>)> = of_somebody.map(scrubber).collect::<Result<_>>()?;
        let of_nobody = snapshot.resources().iter().filter(|plan| plan.resource.subject.is_none());
        let is_classed = |plan: &&Arc<ResourcePlan>| {
            pool.get_message_by_name(&plan.resource.message).is_some_and(|own| holds_classed(&own))
        };
        let unowned = of_nobody.filter(is_classed).map(|plan| plan.resource.type_name.clone()).collect();
        Ok(Erasing {
            tallies: vec![Tally::default(); scrubbers.len()],
            resources: Arc::clone(resources),
            begun: resources.clock.now_micros(),
            stage: Stage::Rows(0, None),
            rows: answers::Rows::default(),
            emptied_answers: 0,
            snapshot,
            scrubbers,
            unowned,
            wanted,
        })
    }

    /// Goes on by a bounded step, and says how far it is; nothing when all is done. The last message has the report.
    pub async fn step(&mut self) -> Result<Option<pb::EraseSubjectResponse>> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Rows(at, last) => self.stage = self.page(at, last).await?,
            Stage::Answers(behind) => {
                let cx = &self.resources.context;
                let (emptied, last) =
                    answers::empty(cx, (&self.snapshot, &self.rows), behind, self.wanted.validate_only).await?;
                self.emptied_answers += emptied;
                self.stage = last.map_or(Stage::Store, |last| Stage::Answers(Some(last)));
            }
            Stage::Store => {
                let erasure = Some(self.finish().await?);
                return Ok(Some(pb::EraseSubjectResponse { rows: self.seen(), erasure }));
            }
            Stage::Done => return Ok(None),
        }
        Ok(Some(pb::EraseSubjectResponse { rows: self.seen(), erasure: None }))
    }

    fn seen(&self) -> i64 {
        self.tallies.iter().map(|tally| tally.rows).sum()
    }

    /// Erases a page of rows.
    async fn page(&mut self, at: usize, last: Option<Vec<Value>>) -> Result<Stage> {
        let Some((resource, scrubber)) = self.scrubbers.get(at) else { return Ok(Stage::Answers(None)) };
        let now = self.resources.clock.now_micros();
        let whose = Operation::unasked(&self.snapshot, *resource, person(&self.wanted.uid, now));
        let Some(due) = whose.plan().of_subject() else { return Ok(Stage::Rows(at + 1, None)) };
        let keys = find(&self.resources.context, &whose, due, (last, PAGE)).await?;
        let op = Operation { caller: Caller::without_roles(everybody(), now), ..whose.clone() };
        let one = |key: Vec<Value>| {
            let (op, cx, validate_only) = (&op, &self.resources.context, self.wanted.validate_only);
            async move {
                // Boxed: a future is as large as the largest thing in it, and there are many.
                let erased = Box::pin(rows::erase(cx, op, scrubber, (key.clone(), validate_only))).await?;
                Ok((erased, key))
            }
        };
        let erased: Vec<Result<_>> = stream::iter(keys.iter().cloned()).map(one).buffered(AT_ONCE).collect().await;
        for outcome in erased {
            let (outcome, key) = outcome?;
            if let Some(erased) = outcome {
                self.tallies[at].count(&erased);
                if scrubber.has_work() {
                    self.rows.add(&key);
                }
            }
        }
        let more = keys.len() == PAGE;
        Ok(if more { Stage::Rows(at, keys.last().cloned()) } else { Stage::Rows(at + 1, None) })
    }

    async fn finish(&self) -> Result<pb::Erasure> {
        let cx = &self.resources.context;
        let storage = match self.wanted.compact && !self.wanted.validate_only {
            // The rows are erased, and the report has to say so.
            true => cx.db.compact().await.map_or_else(|error| not_compacted(&error), |compacted| compacted.word()),
            false => NOT_REWRITTEN,
        };
        let resource = |((index, _), tally): (&(usize, Arc<Scrubber>), &Tally)| {
            tally.to_pb(&self.snapshot.resource(*index).resource.type_name)
        };
        Ok(pb::Erasure {
            contract_revision: self.snapshot.revision,
            contract_hash: self.snapshot.contract.hash.clone(),
            begin_time: Some(timestamp(self.begun)),
            end_time: Some(timestamp(self.resources.clock.now_micros())),
            validate_only: self.wanted.validate_only,
            resources: self.scrubbers.iter().zip(&self.tallies).map(resource).collect(),
            emptied_answers: self.emptied_answers,
            storage: storage.to_owned(),
            hidden: hidden::names(cx).await?,
            unowned: self.unowned.clone(),
        })
    }
}

/// What is said of a store that was not asked to give up what it holds of former rows.
const NOT_REWRITTEN: &str = "not rewritten";

fn not_compacted(error: &mainstay_db::Error) -> &'static str {
    let error = error as &(dyn std::error::Error + 'static);
    tracing::warn!(error, "the store still holds what it had of former rows");
    "not rewritten: that failed"
}

/// Who erases whatever rules say, and reads all that is held of a person for whom administrators export it.
pub fn everybody() -> Principal {
    Principal::system()
}

/// The person in question, as the caller of the rule that says whose a row is.
fn person(uid: &str, now: i64) -> Caller {
    Caller::without_roles(Principal::user(User { uid: uid.to_owned(), ..User::default() }), now)
}

fn timestamp(micros: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or_default();
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}
