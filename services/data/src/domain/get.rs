//! Get (AIP-131).

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{EXPANDED_IN_ROW, Role, Verb};
use mainstay_db::{Asker, Lane, Sink};
use mainstay_record::{Row, Value};
use mainstay_wire::{EncodeError, Selection};

use super::around::explain_hidden;
use super::context::{Context, Operation};
use super::expand::{self, Roots};
use super::read_mask;
use crate::error::{Error, Result};
use crate::plans::{Readable, ResourcePlan, Sight};
use crate::rights::Obstacle;

/// Answers a Get: the row straight to message bytes.
pub async fn get(cx: &Context, op: &Operation, message: &[u8]) -> Result<Bytes> {
    let plan = op.plan();
    let (statement, public) = match plan.get(&op.caller) {
        Readable::By { statement, public } => (statement, public),
        Readable::Never => {
            op.explain(plan.read.as_deref(), &op.caller.alone());
            let denial = match &plan.read {
                None => op.caller.denied(Obstacle::NoRule),
                Some(_) => op.caller.not_readable(false),
            };
            return Err(denial.into());
        }
    };
    op.sound()?;
    let selection = read_mask::of_record(op)?;
    let asked = Verb::Get.read(message)?;
    let roots = expand::of(op, &asked)?;
    let key = op.key("name", asked.text(Role::Name)?)?;
    let binds = statement.taken(&op.caller, key);
    let sight = plan.rules.sight(&op.caller);
    let out = Vec::with_capacity(512);
    let answer = Answer { plan: Arc::clone(plan), sight, selection, roots, found: false, error: None, out };
    let asker = Asker { deadline: op.deadline, ..Asker::default() };
    let mut answer = cx.db.fetch_for(asker, Lane::Inline, &statement.statement, binds, answer).await?;
    match answer.error {
        Some(error) => Err(Error::Damaged(error)),
        None if answer.found => {
            if let Some(roots) = answer.roots.take() {
                Box::pin(expand::put(cx, op, roots, EXPANDED_IN_ROW, &mut answer.out)).await?;
            }
            Ok(Bytes::from(answer.out))
        }
        None => {
            if op.explains {
                let key = op.key("name", asked.text(Role::Name)?)?;
                Box::pin(explain(cx, op, key)).await?;
            }
            Err(op.caller.not_readable(public).into())
        }
    }
}

#[cold]
async fn explain(cx: &Context, op: &Operation, key: Vec<Value>) -> Result<()> {
    let asked = Arc::new((op.clone(), key));
    let job = cx.db.read(Lane::Inline, move |conn| {
        let asked = Arc::clone(&asked);
        Box::pin(async move { explain_hidden(conn, &asked.0, &asked.1).await })
    });
    job.await
}

/// Takes the row and makes the answer of it.
struct Answer {
    plan: Arc<ResourcePlan>,
    sight: Sight,
    selection: Option<Selection>,
    /// What is gone through from the row.
    roots: Option<Roots>,
    found: bool,
    error: Option<EncodeError>,
    out: Vec<u8>,
}

impl Sink for Answer {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        self.found = true;
        self.error = self.plan.encode(&self.sight, row, self.selection.as_ref(), &mut self.out).err();
        if let Some(roots) = &mut self.roots {
            roots.row(row);
        }
        // No other row has the key.
        ControlFlow::Break(())
    }
}
