//! Accounts that are erased: deleted, with a document that certifies it (`EraseAccount`).
//!
//! The document is what is given out, byte for byte. Its hash is a detail of the event that the audit log has of the erasure, and
//! the log is a chain: who shows the document later shows with it that it was made then, and has not changed.

use data_encoding::HEXLOWER;
use mainstay_db::{Atomic, Conn, Lane};
use mainstay_identity::{Kind, Principal, Revocation, roles};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use tonic::Request;
use uuid::Uuid;

use super::deleting::{prove, removable};
use super::owner::require_administrators_level;
use super::whose::{account_id, require_sight, unless_withheld};
use super::{origin, timestamp, trail};
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::{ACCOUNTS, AccountId};
use crate::error::Error;
use crate::removing::{Sent, remove, remove_sent, sent_to};
use crate::revoking::end_sessions;
use crate::store::accounts::AccountRow;
use crate::store::erasures::{self, ErasureRow};
use crate::store::{accounts, removing as store};

/// What documents call themselves; another form will have another number.
const FORM: &str = "mainstay erasure 1";

/// The longest report that becomes a part of a document, in bytes.
const MAX_REPORT_BYTES: usize = 256 << 10;

/// What stays of an account, in the words of documents.
const KEPT: [&str; 3] = [
    "events of the audit log, by the uid of the account, without networks: the log is a chain",
    "in that log, the reasons that were written down when somebody acted as the account",
    "keyed hashes of addresses that secrets were sent to, for a day at most",
];

/// What documents say of the application's rows where nobody has reported what became of them.
const NO_REPORT: &str = "what the application's rows hold of the person was not erased by this call";

/// The events by which an account has gone.
const REMOVALS: [Action; 3] = [Action::DeleteAccount, Action::EraseAccount, Action::PurgeAccount];

/// What is wanted.
#[derive(Clone)]
struct Wanted {
    id: AccountId,
    etag: String,
    validate_only: bool,
    compact: bool,
    /// What was erased elsewhere.
    report: Value,
}

pub(super) async fn erase(
    core: &Core,
    request: Request<pb::EraseAccountRequest>,
) -> Result<pb::EraseAccountResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    let pb::EraseAccountRequest { name, password, etag, validate_only, report, compact } = request.into_inner();
    let id = account_id(&caller, &name)?;
    require_sight(&caller, id, Error::AccountNotFound)?;
    let report = read_report(&caller, &report)?;
    let wanted = Wanted { id, etag, validate_only, compact, report };
    let found = core.database.read(Lane::Inline, move |conn| Box::pin(accounts::find(conn, id)));
    let found: Result<Option<AccountRow>, mainstay_db::Error> = found.await;
    let certificate = if let Some(row) = found? {
        prove(core, &caller, &row, (&password, origin, &trail)).await?;
        perform(core, trail, &row, wanted.clone()).await?
    } else {
        administers(&caller)?;
        require_administrators_level(core, &caller).await?;
        again(core, trail, wanted.clone()).await?
    };
    let storage = if wanted.compact && !wanted.validate_only { give_up_space(core).await } else { NOT_REWRITTEN };
    Ok(pb::EraseAccountResponse { certificate_hash: hash(&certificate), certificate, storage: storage.to_owned() })
}

/// What is said of a store that was not asked to give up what it holds of former rows.
const NOT_REWRITTEN: &str = "not rewritten";

/// Has the store give up what it holds of former rows. What is erased is erased and certified even where that fails, and another call
/// tries again.
async fn give_up_space(core: &Core) -> &'static str {
    match core.database.compact().await {
        Ok(compacted) => compacted.word(),
        Err(error) => {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::warn!(error, "the store still holds what it had of former rows");
            "not rewritten: that failed"
        }
    }
}

fn administers(caller: &Principal) -> Result<(), Error> {
    let is_one = caller.has_role(roles::ADMIN) || caller.kind() == Kind::System;
    if is_one { Ok(()) } else { Err(unless_withheld(caller, Error::AccountNotFound)) }
}

/// Reads what an administrator says of what was erased elsewhere; nothing where that is nothing.
fn read_report(caller: &Principal, report: &str) -> Result<Value, Error> {
    let refused = |problem: &str| Error::Violations(vec![Violation::new("report", problem)]);
    if report.is_empty() {
        return Ok(Value::Null);
    }
    if administers(caller).is_err() {
        return Err(refused("can only be given by an administrator"));
    }
    if report.len() > MAX_REPORT_BYTES {
        return Err(refused("has more than 256 KiB"));
    }
    let read: Option<Map<String, Value>> = serde_json::from_str(report).ok();
    read.map(Value::Object).ok_or_else(|| refused("is no JSON object"))
}

/// Erases an account that is there.
async fn perform(core: &Core, trail: Trail, row: &AccountRow, wanted: Wanted) -> Result<String, Error> {
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let sent = sent_to(core, row).await?;
    let erased = core.database.write(Atomic::Transaction, move |conn| {
        let (trail, wanted, sent) = (trail.clone(), wanted.clone(), sent.clone());
        Box::pin(async move {
            let id = wanted.id;
            removable(conn, id, &wanted.etag).await?;
            let certificate = document(&trail, &wanted, now, counted(conn, id, &sent).await?)?;
            if wanted.validate_only {
                return Ok((certificate, None));
            }
            // Before the account goes: what was revoked stays so without it.
            let (_, revocation) = end_sessions(conn, moment, id, None).await?;
            remove_sent(conn, &sent).await?;
            let told = Told::default().with("certificate", hash(&certificate));
            remove(conn, &trail, id, (Action::EraseAccount, told), now).await?;
            keep(conn, id, now, &certificate).await?;
            Ok::<(String, Option<Revocation>), Error>((certificate, Some(revocation)))
        })
    });
    let (certificate, revocation) = erased.await?;
    core.tell(revocation);
    Ok(certificate)
}

/// Certifies what was erased elsewhere of an account that is gone; without that, gives the last document again.
async fn again(core: &Core, trail: Trail, wanted: Wanted) -> Result<String, Error> {
    let now = core.clock.now_micros();
    let certified = core.database.write(Atomic::Transaction, move |conn| {
        let (trail, wanted) = (trail.clone(), wanted.clone());
        Box::pin(async move {
            let uid = wanted.id.to_string();
            let last = erasures::last(conn, &uid).await?;
            if wanted.report.is_null() {
                return Ok(last.ok_or(Error::AccountNotFound)?.certificate);
            }
            // Of whom there never was an account, nothing is certified.
            if last.is_none() && !store::has_event(conn, &uid, &REMOVALS.map(Action::name)).await? {
                return Err(Error::AccountNotFound);
            }
            let certificate = document(&trail, &wanted, now, gone_before(last.as_ref()))?;
            if !wanted.validate_only {
                let told = Told::default().with("certificate", hash(&certificate));
                trail.note(conn, now, Action::EraseAccount, wanted.id, told).await?;
                store::forget_networks(conn, &wanted.id.to_string()).await?;
                keep(conn, wanted.id, now, &certificate).await?;
            }
            Ok::<String, Error>(certificate)
        })
    });
    certified.await
}

/// What is said of an account that is gone: what was removed with it stands in the document of then, whose part is carried on.
fn gone_before(last: Option<&ErasureRow>) -> Value {
    const ACCOUNT: &str = "was gone before";
    let read = last.and_then(|last| Some((last, serde_json::from_str::<Value>(&last.certificate).ok()?)));
    let Some((last, document)) = read else { return json!({"account": ACCOUNT}) };
    let of_then =
        || json!({"eraseTime": document["eraseTime"], "auth": document["auth"], "hash": hash(&last.certificate)});
    let former = document["auth"].get("former").cloned().unwrap_or_else(of_then);
    json!({"account": ACCOUNT, "former": former})
}

/// Says how much there is of what goes with an account.
async fn counted(conn: &mut Conn<'_>, id: AccountId, sent: &Sent) -> Result<Value, Error> {
    let uid = id.to_string();
    let mut removed = Map::new();
    for (what, count) in store::counts(conn, &uid).await? {
        removed.insert(what.to_owned(), count.into());
    }
    removed.insert("invitationsToAddress".to_owned(), sent.invitations.len().into());
    removed.insert("mailsToAddress".to_owned(), sent.mails.len().into());
    let events = store::count_events(conn, &uid).await?;
    Ok(json!({"account": "removed", "removed": removed, "auditEvents": events, "kept": KEPT}))
}

/// Writes the document.
fn document(trail: &Trail, wanted: &Wanted, now: i64, auth: Value) -> Result<String, Error> {
    let storage = match (wanted.validate_only, wanted.compact) {
        (true, _) => "nothing was changed",
        (false, true) => "to be rewritten next, on SQLite",
        (false, false) => NOT_REWRITTEN,
    };
    let mut document = json!({
        "certificate": FORM,
        "account": format!("{ACCOUNTS}{}", wanted.id),
        "eraseTime": timestamp(now).to_string(),
        "actor": trail.actor(),
        "requestId": trail.request_id(),
        "auth": auth,
        "storage": storage,
    });
    if let Value::Object(document) = &mut document {
        if wanted.validate_only {
            document.insert("validateOnly".to_owned(), true.into());
        }
        match &wanted.report {
            Value::Null => document.insert("rows".to_owned(), NO_REPORT.into()),
            report => document.insert("report".to_owned(), report.clone()),
        };
    }
    serde_json::to_string_pretty(&document).map_err(Error::Encoding)
}

async fn keep(conn: &mut Conn<'_>, id: AccountId, now: i64, certificate: &str) -> Result<(), Error> {
    let row = ErasureRow {
        uid: Uuid::now_v7().as_hyphenated().to_string(),
        account_uid: id.to_string(),
        create_time: now,
        certificate: certificate.to_owned(),
    };
    Ok(erasures::insert(conn, &row).await?)
}

fn hash(certificate: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, certificate.as_bytes()).as_ref())
}
