use std::sync::Arc;

use data_encoding::HEXLOWER;
use mainstay_db::Lane;
use mainstay_fault::reply;
use mainstay_identity::{Kind, Principal, roles};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::audit_service_server::AuditService;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::pages::page_size;
use super::whose::{account_id_of, require_sight, unless_withheld};
use super::{Answer, timestamp};
use crate::audit::{self, Action, Known, Verified};
use crate::core::Core;
use crate::domain::account::ACCOUNTS;
use crate::domain::page_token;
use crate::error::Error;
use crate::store::audit::{self as store, EventRow, Wanted};

/// The accounts of which events are wanted, where that is all (AIP-159).
const ALL: &str = "accounts/-";

/// How long a hash in hex is.
const HASH_CHARACTERS: usize = 64;

/// Serves `mainstay.auth.v1.AuditService`.
pub(crate) struct Audit(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list_audit_events(
        &self,
        request: Request<pb::ListAuditEventsRequest>,
    ) -> Answer<pb::ListAuditEventsResponse> {
        reply(list_audit_events(&self.0, request).await)
    }

    async fn verify_audit_log(
        &self,
        request: Request<pb::VerifyAuditLogRequest>,
    ) -> Answer<pb::VerifyAuditLogResponse> {
        reply(verify(&self.0, &request.into_inner()).await)
    }
}

async fn list_audit_events(
    core: &Core,
    request: Request<pb::ListAuditEventsRequest>,
) -> Result<pb::ListAuditEventsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let request = request.into_inner();
    let account = parent(&caller, &request.parent)?;
    list(core, caller.uid().unwrap_or_default(), account, request).await
}

/// Gives a page of events to their reader: those of an account, or of all.
pub(crate) async fn list(
    core: &Core,
    reader: &str,
    account: Option<String>,
    request: pb::ListAuditEventsRequest,
) -> Result<pb::ListAuditEventsResponse, Error> {
    let size = page_size(request.page_size)?;
    if !request.action.is_empty() && Action::ALL.iter().all(|action| action.name() != request.action) {
        let problem = "is no action; AuditService says which there are";
        return Err(Error::Violations(vec![Violation::new("action", problem)]));
    }
    let start = micros("start_time", request.start_time.as_ref())?;
    let end = micros("end_time", request.end_time.as_ref())?;
    let times = (start.unwrap_or(i64::MIN), end.unwrap_or(i64::MAX));
    let parent = account.as_deref().unwrap_or("-");
    let reader = format!("{reader} events of {parent} {:?} from {} to {}", request.action, times.0, times.1);
    let now = core.clock.now_seconds();
    let before = match request.page_token.as_str() {
        "" => None,
        token => Some(page_token::open::<Uuid>(&core.key_encryption_key, &reader, token, now)?.to_string()),
    };
    let wanted = Wanted { account, action: request.action, times, before };
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let read = core.database.read(Lane::Heavy, move |conn| {
        let wanted = wanted.clone();
        Box::pin(async move { Ok::<_, Error>(store::page(conn, &wanted, limit).await?) })
    });
    let mut events = read.await?;
    let more = events.len() > size;
    events.truncate(size);
    let last = events.last().filter(|_| more).map(|event| event.uid.clone());
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    let audit_events = events.into_iter().map(event_to_pb).collect::<Result<_, _>>()?;
    Ok(pb::ListAuditEventsResponse { audit_events, next_page_token })
}

/// Reads whose events are wanted: of an account of which the caller may know, or nothing for those of all.
fn parent(caller: &Principal, name: &str) -> Result<Option<String>, Error> {
    if name == ALL {
        let administers = caller.has_role(roles::ADMIN) || caller.kind() == Kind::System;
        return if administers { Ok(None) } else { Err(unless_withheld(caller, Error::AccountNotFound)) };
    }
    let id = account_id_of(caller, ("parent", name))?;
    require_sight(caller, id, Error::AccountNotFound)?;
    Ok(Some(id.to_string()))
}

fn micros(field: &'static str, time: Option<&prost_types::Timestamp>) -> Result<Option<i64>, Error> {
    let Some(time) = time else { return Ok(None) };
    let nanos = u32::try_from(time.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    let micros = time.seconds.checked_mul(1_000_000).zip(nanos);
    let micros = micros.and_then(|(seconds, nanos)| seconds.checked_add(i64::from(nanos / 1_000)));
    micros.map(Some).ok_or_else(|| Error::Violations(vec![Violation::new(field, "is no time")]))
}

fn event_to_pb(event: EventRow) -> Result<pb::AuditEvent, Error> {
    Ok(pb::AuditEvent {
        name: format!("{ACCOUNTS}{}/auditEvents/{}", event.account_uid, event.uid),
        event_time: Some(timestamp(event.event_time)),
        action: event.action,
        actor: event.actor,
        subject: event.subject,
        details: serde_json::from_str(&event.details).map_err(Error::Encoding)?,
        request_id: event.request_id,
        network: event.network.unwrap_or_default(),
        sequence: event.sequence.unwrap_or_default(),
        hash: event.hash.map(|hash| HEXLOWER.encode(&hash)).unwrap_or_default(),
    })
}

/// Verifies the chain, with what was noted of it elsewhere.
pub(crate) async fn verify(
    core: &Core,
    request: &pb::VerifyAuditLogRequest,
) -> Result<pb::VerifyAuditLogResponse, Error> {
    let known = known(request)?;
    let Verified { events, first, last, last_hash, waiting, problem } = audit::verify(core, known.as_ref()).await?;
    let (problem_sequence, problem) = problem.unwrap_or_default();
    Ok(pb::VerifyAuditLogResponse {
        events,
        first_sequence: first,
        last_sequence: last,
        last_hash: if last > 0 { HEXLOWER.encode(&last_hash) } else { String::new() },
        waiting,
        problem,
        problem_sequence,
    })
}

fn known(request: &pb::VerifyAuditLogRequest) -> Result<Option<Known>, Error> {
    let pb::VerifyAuditLogRequest { known_sequence: sequence, known_hash: hash } = request;
    let refused = |field, problem| Err(Error::Violations(vec![Violation::new(field, problem)]));
    let is_hash = hash.len() == HASH_CHARACTERS && HEXLOWER.decode(hash.as_bytes()).is_ok();
    match (*sequence, hash.as_str()) {
        (0, "") => Ok(None),
        (..=0, _) => refused("known_sequence", "must be the place that the hash was noted at, from 1"),
        (_, _) if !is_hash => refused("known_hash", "must be the hash there: 64 digits of lower-case hex"),
        (sequence, hash) => Ok(Some(Known { sequence, hash: hash.to_owned() })),
    }
}
