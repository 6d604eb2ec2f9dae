//! The rows of a person, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use mainstay_db::{Conn, Lane};
use mainstay_identity::Principal;
use mainstay_proto::data::v1 as pb;
use mainstay_record::Value;

use super::{PAGE, person, timestamp};
use crate::domain::context::{Operation, one_row};
use crate::error::{Error, Result};
use crate::plans::{Hidden, Snapshot};
use crate::purge::find;
use crate::rights::Caller;
use crate::service::Resources;
use crate::store::transitions::{self, Passage};

/// How many transitions of a row are told at most: the youngest.
const MAX_PASSAGES: usize = 1_000;

/// Whose rows are wanted, and by whom.
#[derive(Debug, Clone)]
pub struct Export {
    /// The account's uid.
    pub uid: String,
    /// Who gets them, as far as they may read them; the system, everything.
    pub caller: Principal,
}

/// An export on its way.
pub struct Exporting {
    resources: Arc<Resources>,
    snapshot: Arc<Snapshot>,
    export: Export,
    /// The resource in hand, behind which of its rows it goes on, and whether there are no more.
    resource: usize,
    last: Option<Vec<Value>>,
    ends: bool,
    keys: VecDeque<Vec<Value>>,
}

/// A row as it was read.
struct Found {
    row: Vec<Value>,
    hidden: Hidden,
    passages: Vec<Passage>,
}

impl Exporting {
    /// Begins, on the contract that is served now.
    pub fn begin(resources: &Arc<Resources>, export: Export) -> Exporting {
        Exporting {
            snapshot: resources.served.load(),
            resources: Arc::clone(resources),
            export,
            resource: 0,
            last: None,
            ends: false,
            keys: VecDeque::new(),
        }
    }

    /// Gives the next row; nothing when there is none any more.
    pub async fn next(&mut self) -> Result<Option<pb::ExportSubjectResponse>> {
        loop {
            while let Some(key) = self.keys.pop_front() {
                let op = self.operation(&key);
                // It may be gone, or not be the caller's to read.
                if let Some(found) = read(&self.resources, &op, &key).await? {
                    return self.told(&op, &found).map(Some);
                }
            }
            if !self.page().await? {
                return Ok(None);
            }
        }
    }

    /// Finds more rows. False where there are none.
    async fn page(&mut self) -> Result<bool> {
        while self.keys.is_empty() {
            if std::mem::take(&mut self.ends) {
                (self.resource, self.last) = (self.resource + 1, None);
            }
            if self.resource >= self.snapshot.resources().len() {
                return Ok(false);
            }
            let caller = person(&self.export.uid, self.resources.clock.now_micros());
            let whose = Operation::unasked(&self.snapshot, self.resource, caller);
            let keys = match whose.plan().of_subject() {
                Some(due) => find(&self.resources.context, &whose, due, (self.last.take(), PAGE)).await?,
                None => Vec::new(),
            };
            (self.ends, self.last) = (keys.len() < PAGE, keys.last().cloned());
            self.keys = keys.into();
        }
        Ok(true)
    }

    /// On whose behalf a row of the resource in hand is read.
    fn operation(&self, key: &[Value]) -> Operation {
        let now = self.resources.clock.now_micros();
        let caller = Caller::new(self.export.caller.clone(), now, &self.snapshot.contract.roles);
        Operation::unasked(&self.snapshot, self.resource, caller).within_organisation_of(key)
    }

    fn told(&self, op: &Operation, found: &Found) -> Result<pb::ExportSubjectResponse> {
        let plan = op.plan();
        let mut record = Vec::new();
        plan.encode_without(&found.hidden, &found.row[..], None, &mut record).map_err(Error::Damaged)?;
        let mut transitions = Vec::with_capacity(found.passages.len());
        for passage in found.passages.iter().rev() {
            transitions.push(pb::ExportedTransition {
                create_time: Some(timestamp(passage.at)),
                transition: passage.transition.clone(),
                actor: passage.actor.clone(),
                inputs: if passage.inputs.is_empty() { String::new() } else { self.json(op, &passage.inputs)? },
            });
        }
        Ok(pb::ExportSubjectResponse {
            r#type: plan.resource.type_name.clone(),
            name: plan.name(&found.row),
            organisation: op.organisation_of(&found.row).unwrap_or_default().to_owned(),
            record: self.json(op, &record)?,
            transitions,
        })
    }

    fn json(&self, op: &Operation, record: &[u8]) -> Result<String> {
        let plans = self.snapshot.json();
        let message = plans.message(&op.plan().resource.message).ok_or(Error::OutOfTurn)?;
        let mut json = Vec::new();
        plans.to_json(message, record, &mut json)?;
        String::from_utf8(json).map_err(|_| Error::OutOfTurn)
    }
}

/// Reads a row as the caller may.
async fn read(resources: &Resources, op: &Operation, key: &[Value]) -> Result<Option<Found>> {
    let asked = Arc::new((op.clone(), key.to_vec()));
    let found = resources.context.db.read(Lane::Heavy, move |conn| {
        let asked = Arc::clone(&asked);
        Box::pin(async move { read_in(conn, &asked.0, &asked.1).await })
    });
    found.await
}

async fn read_in(conn: &mut Conn<'_>, op: &Operation, key: &[Value]) -> Result<Option<Found>> {
    let plan = op.plan();
    let seen = match op.caller.is_system() {
        true => one_row(conn, &plan.whoever().statement, key, plan).await?.map(|row| (row, Hidden::new())),
        false => op.find_seen(conn, key).await?,
    };
    let Some((row, hidden)) = seen else { return Ok(None) };
    // What is hidden of the row is hidden of its past.
    let whole = hidden.is_empty() && !plan.transitions.is_empty();
    let passages = match whole {
        true => {
            let whose = transitions::whose(&plan.resource.type_name, key);
            transitions::list(conn, whose, i64::MAX, MAX_PASSAGES).await?
        }
        false => Vec::new(),
    };
    Ok(Some(Found { row, hidden, passages }))
}
