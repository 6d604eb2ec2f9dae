use std::sync::Arc;

use data_encoding::HEXLOWER;
use mainstay_db::Lane;
use mainstay_fault::reply;
use mainstay_identity::Principal;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::audit_service_server::AuditService;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::pages::page_size;
use super::standing::{administers_all, managing, organisation_id};
use super::whose::{account_id_of, require_sight, unless_withheld};
use super::{Answer, timestamp};
use crate::audit::{self, Action, Known, Verified};
use crate::core::Core;
use crate::domain::account::ACCOUNTS;
use crate::domain::organisation::ORGANISATIONS;
use crate::domain::page_token;
use crate::error::Error;
use crate::store::audit::{self as store, EventRow, Wanted, Whose};

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
    let whose = parent(core, &caller, &request.parent).await?;
    let sees_networks = !matches!(whose, Whose::Organisation(_)) || administers_all(&caller);
    let reader = Reader { uid: caller.uid().unwrap_or_default(), sees_networks };
    list(core, reader, whose, request).await
}

/// Who reads the log.
pub(crate) struct Reader<'r> {
    pub(crate) uid: &'r str,
    /// Where somebody was is nobody's business but theirs, and that of who runs the installation.
    pub(crate) sees_networks: bool,
}

/// Gives a page of events to their reader: those of an account, of an organisation, or of all.
pub(crate) async fn list(
    core: &Core,
    Reader { uid, sees_networks }: Reader<'_>,
    whose: Whose,
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
    let parent = match &whose {
        Whose::All => ALL.to_owned(),
        Whose::Account(uid) => format!("{ACCOUNTS}{uid}"),
        Whose::Organisation(uid) => format!("{ORGANISATIONS}{uid}"),
    };
    let reader = format!("{uid} events of {parent} {:?} from {} to {}", request.action, times.0, times.1);
    let now = core.clock.now_seconds();
    let before = match request.page_token.as_str() {
        "" => None,
        token => Some(page_token::open::<Uuid>(&core.key_encryption_key, &reader, token, now)?.to_string()),
    };
    let wanted = Wanted { whose, action: request.action, times, before };
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
    if !sees_networks {
        events.iter_mut().for_each(|event| event.network = None);
    }
    let of_organisation = parent.starts_with(ORGANISATIONS).then_some(parent.as_str());
    let shown = |event| event_to_pb(of_organisation, event);
    let audit_events = events.into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(pb::ListAuditEventsResponse { audit_events, next_page_token })
}

/// Reads whose events are wanted: of an account of which the caller may know, of an organisation that the caller manages, or
/// those of all.
async fn parent(core: &Core, caller: &Principal, name: &str) -> Result<Whose, Error> {
    if name == ALL {
        let refused = || unless_withheld(caller, Error::AccountNotFound);
        return if administers_all(caller) { Ok(Whose::All) } else { Err(refused()) };
    }
    if !name.starts_with(ORGANISATIONS) {
        let id = account_id_of(caller, ("parent", name))?;
        require_sight(caller, id, Error::AccountNotFound)?;
        return Ok(Whose::Account(id.to_string()));
    }
    let id = organisation_id(("parent", name))?;
    // What was done stays in the log when the organisation is gone, and then nobody manages it.
    if !administers_all(caller) {
        let caller = caller.clone();
        let managed = core.database.read(Lane::Inline, move |conn| {
            let caller = caller.clone();
            Box::pin(async move { managing(conn, &caller, id).await.map(drop) })
        });
        managed.await?;
    }
    Ok(Whose::Organisation(id.to_string()))
}

fn micros(field: &'static str, time: Option<&prost_types::Timestamp>) -> Result<Option<i64>, Error> {
    let Some(time) = time else { return Ok(None) };
    let nanos = u32::try_from(time.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    let micros = time.seconds.checked_mul(1_000_000).zip(nanos);
    let micros = micros.and_then(|(seconds, nanos)| seconds.checked_add(i64::from(nanos / 1_000)));
    micros.map(Some).ok_or_else(|| Error::Violations(vec![Violation::new(field, "is no time")]))
}

/// Shows an event below the organisation that was asked for, else below its account.
pub(super) fn event_to_pb(organisation: Option<&str>, event: EventRow) -> Result<pb::AuditEvent, Error> {
    let parent = organisation.map_or_else(|| format!("{ACCOUNTS}{}", event.account_uid), str::to_owned);
    Ok(pb::AuditEvent {
        name: format!("{parent}/auditEvents/{}", event.uid),
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
