//! BatchGet (AIP-231).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{Request, Role, Verb};
use mainstay_db::Conn;
use mainstay_record::{Value, Violation};

use super::answer::{self, MAX_ANSWER_BYTES};
use super::around::explain_hidden;
use super::batch::{Parent, check_count};
use super::context::{Context, Operation};
use super::expand;
use super::place::Holds;
use super::read_mask::{self, Rows};
use crate::error::{Error, Result};
use crate::plans::{Readable, lane_for};
use crate::rights::Obstacle;

/// How the names stand in the request.
const HOLDS: Holds = Holds::Names("names");

/// The number of what references led to.
const EXPANDED: u32 = match Verb::BatchGet.answer() {
    Some(fields) => fields.number(Role::Expanded),
    None => panic!("a batch answers a message of its own"),
};

/// Answers a BatchGet: all of the rows, in the order of their names, or which of them is not there for the caller.
pub async fn batch_get(cx: &Context, op: &Operation, message: &[u8]) -> Result<Bytes> {
    let plan = op.plan();
    let readable = plan.get(&op.caller);
    if let (Readable::Never, None) = (&readable, &plan.read) {
        op.explain(None, &op.caller.alone());
        return Err(op.caller.denied(Obstacle::NoRule).into());
    }
    if let Readable::Never = readable {
        op.explain(plan.read.as_deref(), &op.caller.alone());
        return Err(op.caller.not_readable(false).into());
    }
    op.sound()?;
    let shown = read_mask::of_batch(op)?;
    let asked = Verb::BatchGet.read(message)?;
    // What is gone to from the rows is found anew each time that the store runs the job.
    expand::of(op, &asked)?;
    let message = Bytes::copy_from_slice(message);
    let job = Arc::new(Job { op: op.clone(), keys: keys(op, &asked)?, readable, shown, message });
    let done = cx.db.read(lane_for(job.keys.len()), move |conn| {
        let job = Arc::clone(&job);
        Box::pin(async move { job.run(conn).await })
    });
    done.await
}

/// The keys of the rows.
fn keys(op: &Operation, message: &Request<&[u8]>) -> Result<Vec<Vec<Value>>> {
    let names = message.each(Role::Names)?;
    check_count(HOLDS.list(), names.len()).map_err(|violation| Error::Violations(vec![violation]))?;
    let parent = Parent::of(op.plan(), message.text(Role::Parent)?);
    let mut problems: Vec<Violation> = parent.problem().into_iter().collect();
    let mut keys = Vec::with_capacity(names.len());
    let mut refused = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        let Some(place) = HOLDS.place(index) else { continue };
        // What is no text is no name.
        let name = String::from_utf8_lossy(name);
        match op.key("name", &name) {
            Ok(key) => keys.push(key),
            Err(error) => refused.push((place.clone(), error)),
        }
        let problem = parent.mismatch_of_name(op.plan(), "name", &name);
        problems.extend(problem.map(|problem| Violation { field: place.field(&problem.field), ..problem }));
    }
    match (refused.is_empty(), problems.is_empty()) {
        (false, _) => Err(Error::Elements(refused)),
        (true, false) => Err(Error::Violations(problems)),
        (true, true) => Ok(keys),
    }
}

struct Job {
    op: Operation,
    keys: Vec<Vec<Value>>,
    readable: Readable,
    shown: Rows,
    message: Bytes,
}

impl Job {
    async fn run(&self, conn: &mut Conn<'_>) -> Result<Bytes> {
        let (op, mut out) = (&self.op, Vec::new());
        let mut roots = expand::of(op, &Verb::BatchGet.read(&*self.message)?)?;
        for (index, key) in self.keys.iter().enumerate() {
            let Some((row, hidden)) = op.find_seen(conn, key).await? else {
                explain_hidden(conn, op, key).await?;
                let missing = op.caller.not_readable(self.readable.is_public()).into();
                return Err(Error::Elements(HOLDS.place(index).map(|place| (place, missing)).into_iter().collect()));
            };
            answer::put_row(op, &row, Some(Some(&hidden)), &self.shown, &mut out)?;
            if let Some(roots) = &mut roots {
                roots.values(&row, &hidden);
            }
            if out.len() > MAX_ANSWER_BYTES {
                return Err(answer::too_large(HOLDS.list()));
            }
        }
        if let Some(roots) = &roots {
            expand::put_in(conn, op, roots, EXPANDED, &mut out).await?;
        }
        Ok(Bytes::from(out))
    }
}
