//! Somebody who acts as somebody else. The stack decides what they may call then (`mainstay_layers::Effect`).

use mainstay_db::{Atomic, Conn};
use mainstay_identity::roles;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::credentials::{TOKEN_TYPE, session_expires_in};
use super::ending::session_name_of;
use super::owner::{require_level, require_recent};
use super::session_list::session_to_pb;
use super::stepping_up::own_session;
use super::whose::{account_id, with_roles};
use super::{account_to_pb, client, trail};
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::{ACCOUNTS, Account, AccountId};
use crate::domain::authentication::Authentication;
use crate::domain::client::Client;
use crate::domain::impersonation::{ActedBy, may_act_as, reason};
use crate::domain::session::{SECOND, Session, Timeouts};
use crate::error::Error;
use crate::refusal::Refusal;
use crate::signer::AccessToken;
use crate::store::accounts;
use crate::store::sessions::{self, SessionRow};

pub(super) async fn impersonate(
    core: &Core,
    request: Request<pb::ImpersonateAccountRequest>,
) -> Result<pb::ImpersonateAccountResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (trail, client) = (trail(&request)?, client(&request)?);
    let (actor, own) = own_session(&caller)?;
    require_level(core, &caller, actor).await?;
    require_recent(core, &caller)?;
    let pb::ImpersonateAccountRequest { name, reason: why, write } = request.into_inner();
    let account = account_id(&caller, &name)?;
    let why = read(account == actor, &why)?;
    if write && !core.impersonation.allow_write {
        return Err(Error::Refused(Refusal::WriteClosed));
    }
    let wanted =
        Wanted { account, actor, own, write, why, client, now: core.clock.now_micros(), timeouts: core.timeouts };
    let lasts = i64::from(core.signer.lifetime_seconds()).saturating_mul(SECOND);
    let others = core.impersonation.roles.clone();
    let begun = core.database.write(Atomic::Transaction, move |conn| {
        let (wanted, trail, others) = (wanted.clone(), trail.clone(), others.clone());
        Box::pin(async move { wanted.begin(conn, &trail, (&others, lasts)).await })
    });
    let Begun { account, actor, session, by } = begun.await?;
    tracing::info!(account = %account.id, actor = %actor.id, session = %session.id, "somebody acts as somebody else");
    let AccessToken { text, seconds } = core.signer.acting_token(&account, &session, (by, actor.token_epoch))?;
    Ok(pb::ImpersonateAccountResponse {
        access_token: text,
        expires_in: i32::try_from(seconds).unwrap_or(i32::MAX),
        token_type: TOKEN_TYPE.to_owned(),
        session: Some(session_to_pb(core, &caller, &session)),
        account: Some(account_to_pb(&account)),
        session_expires_in: session_expires_in(core, &session),
    })
}

fn read(is_own: bool, why: &str) -> Result<String, Error> {
    let why = reason(why).map_err(|problem| Violation::new("reason", problem));
    let own = is_own.then(|| Violation::new("name", "is the caller's own account"));
    match (why, own) {
        (Ok(why), None) => Ok(why),
        (why, own) => Err(Error::Violations(own.into_iter().chain(why.err()).collect())),
    }
}

/// Who wants to act as whom, and why.
#[derive(Clone)]
struct Wanted {
    account: AccountId,
    actor: AccountId,
    /// The session in which they are signed in as themselves.
    own: Uuid,
    write: bool,
    why: String,
    client: Client,
    now: i64,
    timeouts: Timeouts,
}

struct Begun {
    account: Account,
    actor: Account,
    session: Session,
    by: ActedBy,
}

impl Wanted {
    /// Begins the session, where both accounts are such that it may be, by what is stored of them.
    async fn begin(
        &self,
        conn: &mut Conn<'_>,
        trail: &Trail,
        (others, lasts): (&[String], i64),
    ) -> Result<Begun, Error> {
        let (actor, until) = self.actor(conn).await?;
        let row = accounts::find(conn, self.account).await?;
        let account = with_roles(conn, row).await?;
        if account.disable_time.is_some() {
            return Err(Error::AccountDisabled);
        }
        if !may_act_as(&actor.roles, &account.roles, others) {
            return Err(Error::Refused(Refusal::HigherPrivilege));
        }
        let by = ActedBy { account: actor.id, session: self.own, writes: self.write };
        let (session, _) = Session::begin(account.id, Authentication::of_nobody(self.now), self.now, &self.timeouts)?;
        let session = Session {
            client: self.client.clone(),
            expire_time: self.now.saturating_add(lasts).min(until),
            acted_by: Some(by),
            ..session
        };
        sessions::insert(conn, &SessionRow::from(&session)).await?;
        let told = |subject: String| {
            let told = Told::of(subject).with("reason", self.why.clone());
            told.with("writes", if self.write { "true" } else { "false" })
        };
        let name = session_name_of(account.id, session.id);
        trail.note(conn, self.now, Action::Impersonate, account.id, told(name)).await?;
        trail.note(conn, self.now, Action::Impersonate, actor.id, told(format!("{ACCOUNTS}{}", account.id))).await?;
        Ok(Begun { account, actor, session, by })
    }

    /// Whoever acts, as they are now, and until when their own session lasts at most.
    async fn actor(&self, conn: &mut Conn<'_>) -> Result<(Account, i64), Error> {
        let row = sessions::find(conn, self.own).await?.ok_or(Error::SessionEnded)?;
        let own = Session::try_from(row)?;
        if own.account != self.actor || own.is_over(self.now, &self.timeouts) {
            return Err(Error::SessionEnded);
        }
        let row = accounts::find(conn, self.actor).await?;
        let actor = with_roles(conn, row).await?;
        let may = actor.disable_time.is_none() && actor.roles.iter().any(|role| role == roles::IMPERSONATOR);
        if may { Ok((actor, own.expires(&self.timeouts))) } else { Err(Error::Refused(Refusal::NotImpersonator)) }
    }
}
