//! What was done to accounts, in a chain that nobody changes unnoticed.
//!
//! ```text
//! a handler's transaction ── Trail::note ──▶ an event without a place ── every second, on one replica ──▶ its place and hash
//!                                                                                                               │
//!                                                                          VerifyAuditLog ◀── the whole chain ──┘
//! ```
//!
//! An event stands in the transaction of what it tells of, so neither is there without the other; a wrong password, of which
//! nothing else is stored, follows within a second. Its place it gets afterwards:
//! if it were given in the transaction, every sign-in would wait for the one before it.

mod action;
mod chain;
mod failures;
mod organisation;
mod places;
mod verify;
mod work;

use std::collections::BTreeMap;
use std::time::Instant;

use mainstay_db::Conn;
use mainstay_identity::{Kind, Principal};
use mainstay_telemetry::TraceContext;
use uuid::Uuid;

pub(crate) use action::Action;
pub(crate) use chain::ChainKey;
pub(crate) use failures::Failures;
pub(crate) use places::{give_places, note_the_end, remove_old, store_failures};
pub(crate) use verify::verify;
pub use verify::{Known, Verified};
pub(crate) use work::Places;

use crate::domain::account::{ACCOUNTS, AccountId};
use crate::domain::organisation::{OrganisationId, organisation_name};
use crate::error::Error;
use crate::store::audit::{self, EventRow};

/// Who does something, where from, and until when they wait for it.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    actor: String,
    request_id: String,
    network: String,
    trace: TraceContext,
    until: Option<Instant>,
}

/// What is told of an event beside who did it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    subject: String,
    details: BTreeMap<&'static str, String>,
}

impl Told {
    /// What else it was done to: `accounts/{uid}/sessions/{uid}`.
    pub(crate) fn of(subject: impl Into<String>) -> Told {
        Told { subject: subject.into(), ..Told::default() }
    }

    /// The organisation that a service account belongs to, where it belongs to one.
    #[must_use]
    pub(crate) fn owned_by(self, organisation: Option<OrganisationId>) -> Told {
        match organisation {
            Some(organisation) => self.with(ORGANISATION, organisation_name(organisation)),
            None => self,
        }
    }

    /// The account's roles.
    #[must_use]
    pub(crate) fn with_roles(self, roles: &[String]) -> Told {
        self.with("roles", roles.join(", "))
    }

    /// More of it. No secret, and nothing by which a person is known.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, text: impl Into<String>) -> Told {
        self.details.insert(name, text.into());
        self
    }
}

impl Trail {
    /// Whoever calls, by a request with this id from this network, as a part of this trace.
    pub(crate) fn new(caller: &Principal, request_id: &str, network: String, trace: TraceContext) -> Trail {
        Trail { actor: actor(caller), request_id: request_id.to_owned(), network, trace, until: None }
    }

    /// The same by a caller who waits until then.
    #[must_use]
    pub(crate) fn waiting_until(self, until: Option<Instant>) -> Trail {
        Trail { until, ..self }
    }

    /// The command line, on a store that it has opened itself.
    pub(crate) fn of_command_line() -> Trail {
        Trail {
            actor: SYSTEM.to_owned(),
            request_id: String::new(),
            network: String::new(),
            trace: TraceContext::default(),
            until: None,
        }
    }

    /// What the service does without being asked.
    pub(crate) fn of_process() -> Trail {
        Trail::of_command_line()
    }

    /// The same, done by whoever has this account and has just shown it.
    #[must_use]
    pub(crate) fn by(mut self, account: AccountId) -> Trail {
        self.actor = format!("{ACCOUNTS}{account}");
        self
    }

    /// Who it is: `accounts/{uid}`, `services/{name}` or `system`; empty where nobody is signed in.
    pub(crate) fn actor(&self) -> &str {
        &self.actor
    }

    /// The id that the logs know the request by; empty where there is none.
    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The trace that the request belongs to.
    pub(crate) fn trace(&self) -> &TraceContext {
        &self.trace
    }

    /// Until when the caller waits; nothing where nobody does.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Stores an event, in the transaction of what it tells of.
    pub(crate) async fn note(
        &self,
        conn: &mut Conn<'_>,
        now: i64,
        action: Action,
        account: AccountId,
        told: Told,
    ) -> Result<(), Error> {
        Ok(audit::insert(conn, &self.event(now, action, account, told)?).await?)
    }

    /// The same of something that is done to no account: it is noted with the one of whoever does it, where they have one.
    pub(crate) async fn note_of(
        &self,
        conn: &mut Conn<'_>,
        now: i64,
        action: Action,
        account: Option<AccountId>,
        told: Told,
    ) -> Result<(), Error> {
        let account = account.map_or_else(|| NO_ACCOUNT.to_owned(), |account| account.to_string());
        Ok(audit::insert(conn, &self.event_of(now, action, account, told)?).await?)
    }

    /// An event that is to be stored.
    pub(crate) fn event(&self, now: i64, action: Action, account: AccountId, told: Told) -> Result<EventRow, Error> {
        self.event_of(now, action, account.to_string(), told)
    }

    fn event_of(&self, now: i64, action: Action, account_uid: String, told: Told) -> Result<EventRow, Error> {
        let salt = mainstay_keys::random::<{ chain::SALT_BYTES }>()?;
        let owner = told.details.get(ORGANISATION).map(String::as_str);
        let organisation_uid = organisation::of(action.name(), &told.subject, owner).map(str::to_owned);
        Ok(EventRow {
            uid: Uuid::now_v7().as_hyphenated().to_string(),
            event_time: now,
            action: action.name().to_owned(),
            account_uid,
            actor: self.actor.clone(),
            subject: told.subject,
            details: serde_json::to_string(&told.details).map_err(Error::Encoding)?,
            request_id: self.request_id.clone(),
            network_hash: chain::of_personal(&salt, &self.network).to_vec(),
            network: Some(self.network.clone()),
            network_salt: Some(salt.to_vec()),
            sequence: None,
            hash: None,
            organisation_uid,
        })
    }
}

/// The detail that says which organisation something belongs to.
const ORGANISATION: &str = "organisation";

/// What stands in the place of an account where there is none.
const NO_ACCOUNT: &str = "-";

/// The command line, and the process itself.
const SYSTEM: &str = "system";

/// Who it is: where somebody acts as somebody else, they.
fn actor(principal: &Principal) -> String {
    if let Some(actor) = principal.actor() {
        return format!("{ACCOUNTS}{}", actor.uid);
    }
    match (principal.kind(), principal.uid()) {
        (Kind::User, Some(uid)) => format!("{ACCOUNTS}{uid}"),
        (Kind::Service, Some(uid)) => format!("services/{}", uid.strip_prefix("service:").unwrap_or(uid)),
        (Kind::System, _) => SYSTEM.to_owned(),
        _ => String::new(),
    }
}
