//! The place where the answer to a request with an id is remembered.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use mainstay_db::{Conn, Gate};
use mainstay_record::Value;

use super::answer;
use super::change::Change;
use super::former;
use super::request::{Identity, Request};
use crate::error::{Error, Result};
use crate::rights::Caller;
use crate::store::answers::{self, Answer, Answers, Claim};

/// What no id of a user or service begins with.
const NOBODY: &str = "?";

/// Where the answer is remembered.
#[derive(Debug)]
pub struct Memory {
    answers: Arc<Answers>,
    request: answers::Request,
    fingerprint: Vec<u8>,
    now: i64,
    /// The keys of the rows and the answer, where they are known before the store is asked.
    known: Option<(Vec<Value>, Bytes)>,
}

impl Memory {
    /// The place of a request; none where it has no id. `known` is what it will do, where that is known already.
    pub fn of(
        answers: &Arc<Answers>,
        request: &Request,
        request_id: &str,
        known: Option<&[Change]>,
    ) -> Result<Option<Memory>> {
        if request_id.is_empty() {
            return Ok(None);
        }
        let fingerprint = request.fingerprint();
        let whole = &super::read_mask::Rows::Whole;
        let known = known.map(|changes| -> Result<_> {
            Ok((answer::keys(&request.writes, changes), answer::answer(request.form, &request.writes, changes, whole)?))
        });
        let op = &request.op;
        let method = match request.identity {
            Identity::Verb(verb) => [&op.plan().resource.type_name, "/", verb].concat(),
            Identity::Transition(which) => {
                let resource = &op.plan().resource;
                let name = resource.transitions.get(usize::from(which)).map_or("", |own| &own.name);
                format!("{}/transition/{name}", resource.type_name)
            }
            Identity::Commit => format!("{}/Commit", op.plan().resource.package),
        };
        Ok(Some(Memory {
            answers: Arc::clone(answers),
            request: answers::Request::new(&rememberer(&op.caller, &fingerprint), &method, request_id),
            fingerprint,
            now: op.caller.now,
            known: known.transpose()?,
        }))
    }

    /// What the place is claimed with.
    pub fn claim(&self) -> Claim {
        let known = self.known.as_ref().map(|(key, answer)| (key.as_slice(), answer.clone()));
        Claim::new(self.request, &self.fingerprint, known, self.now)
    }

    /// The place, for a write that is known before the store is asked.
    pub fn gate(&self) -> Arc<dyn Gate> {
        self.answers.gate(self.claim())
    }

    /// Finds the answer, if it was given and has not expired.
    pub async fn find(&self, conn: &mut Conn<'_>) -> std::result::Result<Option<Answer>, mainstay_db::Error> {
        self.answers.find(conn, self.request, self.now).await
    }

    /// Finds the answer that was given before, or else takes the place until the transaction ends.
    pub async fn begin(&self, conn: &mut Conn<'_>) -> std::result::Result<Option<Answer>, mainstay_db::Error> {
        self.answers.begin(conn, &self.claim()).await
    }

    /// Keeps the answer. `found` is the key of the row and the answer, where they were not known before.
    pub async fn keep(
        &self,
        conn: &mut Conn<'_>,
        found: Option<(Vec<Value>, Bytes)>,
    ) -> std::result::Result<(), mainstay_db::Error> {
        self.answers.keep(conn, self.claim(), found).await
    }

    /// Says whether the answer is stored with the claim.
    pub fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// The answer, if it was given to the same request.
    pub fn same(&self, request: &Request, before: Answer) -> Result<Answer> {
        let is_same = before.fingerprint == self.fingerprint
            || former::is_same(&before.fingerprint, request.identity, &request.message);
        if is_same { Ok(before) } else { Err(Error::RequestIdReused) }
    }

    /// The answer as it is stored, where it is stored with the claim.
    pub fn known_answer(&self) -> Option<&Bytes> {
        self.known.as_ref().map(|(_, answer)| answer)
    }
}

/// Who this is in remembered answers. Were all who are nobody one caller, one of them could take another's answer, or its
/// request id, by guessing the id; so each of their requests is a caller of its own.
fn rememberer(caller: &Caller, fingerprint: &[u8]) -> String {
    if !caller.is_nobody() {
        return caller.key().to_owned();
    }
    let mut nobody = NOBODY.to_owned();
    URL_SAFE_NO_PAD.encode_string(fingerprint, &mut nobody);
    nobody
}
