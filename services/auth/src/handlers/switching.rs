//! The organisation that a session acts in.

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;
use uuid::Uuid;

use super::credentials::{TOKEN_TYPE, mint, session_expires_in};
use super::ending::session_name_of;
use super::standing::{organisation_id, own_account};
use super::trail;
use super::whose::with_roles;
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::account::{Account, AccountId};
use crate::domain::organisation::{Acting, OrganisationId, organisation_name};
use crate::domain::session::{Session, Timeouts};
use crate::error::Error;
use crate::refusal::Refusal;
use crate::signer::AccessToken;
use crate::store::{accounts, members, organisations, sessions};

/// Reads what the next token of a session says of the organisation that it acts in: nothing where its account is no member any
/// more, or the organisation is disabled. Whoever makes a token reads the account before, so that a token of what was read before the membership ended is of an
/// epoch before that.
pub(super) async fn acting(conn: &mut Conn<'_>, session: &Session) -> Result<Option<Acting>, Error> {
    let Some(organisation) = session.organisation else { return Ok(None) };
    let Some(member) = members::find(conn, organisation, session.account).await? else { return Ok(None) };
    let is_disabled = organisations::is_disabled(conn, organisation).await?;
    Ok((!is_disabled).then_some(Acting { organisation, roles: member.roles }))
}

/// Why an account does not act in an organisation. That it is disabled is told to its members.
async fn why_not(conn: &mut Conn<'_>, organisation: OrganisationId, account: AccountId) -> Result<Refusal, Error> {
    let member = members::find(conn, organisation, account).await?;
    Ok(member.map_or(Refusal::OrganisationNotFound, |_| Refusal::OrganisationDisabled))
}

/// Which session is to act where.
#[derive(Clone, Copy)]
struct Wish {
    session: Uuid,
    account: AccountId,
    organisation: Option<OrganisationId>,
}

impl Wish {
    /// Reads whose session it is, the session as it would be, and what a token would say of that.
    async fn seen(
        self,
        conn: &mut Conn<'_>,
        now: i64,
        timeouts: &Timeouts,
    ) -> Result<(Account, Session, Option<Acting>), Error> {
        let row = sessions::find(conn, self.session).await?.ok_or(Error::SessionEnded)?;
        let mut session = Session::try_from(row)?;
        if session.account != self.account || session.is_over(now, timeouts) {
            return Err(Error::SessionEnded);
        }
        let owner = accounts::find(conn, self.account).await?;
        let owner = with_roles(conn, owner).await?;
        session.organisation = self.organisation;
        let acting = acting(conn, &session).await?;
        if let (None, Some(organisation)) = (&acting, self.organisation) {
            return Err(Error::Refused(why_not(conn, organisation, self.account).await?));
        }
        Ok((owner, session, acting))
    }
}

pub(super) async fn switch(
    core: &Core,
    request: Request<pb::SwitchOrganisationRequest>,
) -> Result<pb::SwitchOrganisationResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let account = own_account(&caller).ok_or(Error::NotSignedIn)?;
    let id = caller.session_id().and_then(|id| Uuid::try_parse(id).ok()).ok_or(Error::NotSignedIn)?;
    let wanted = match request.get_ref().organisation.as_str() {
        "" => None,
        name => Some(organisation_id(("organisation", name))?),
    };
    let wish = Wish { session: id, account, organisation: wanted };
    let seen = core.database.read(Lane::Inline, {
        let (now, timeouts) = (core.clock.now_micros(), core.timeouts);
        move |conn| Box::pin(async move { wish.seen(conn, now, &timeouts).await })
    });
    let (owner, session, acting) = seen.await?;
    // First: where the token is not made, nothing is switched.
    let said = mint(core, (&owner, acting.as_ref()), &session, &trail).await?;
    let (epoch, acts) = (owner.token_epoch, acting.clone());
    let (now, timeouts) = (core.clock.now_micros(), core.timeouts);
    let switched = core.database.write(Atomic::Transaction, move |conn| {
        let (trail, acts) = (trail.clone(), acts.clone());
        Box::pin(async move {
            let (owner, _, acting) = wish.seen(conn, now, &timeouts).await?;
            if (owner.token_epoch, acting) != (epoch, acts) {
                return Err(Error::Contention);
            }
            if !sessions::act_in(conn, id, wanted).await? {
                return Err(Error::SessionEnded);
            }
            let told = Told::of(session_name_of(account, id));
            let told = told.with("organisation", wanted.map(organisation_name).unwrap_or_default());
            trail.note(conn, now, Action::SwitchOrganisation, account, told).await
        })
    });
    switched.await?;
    let AccessToken { text, seconds } = core.signer.access_token((&owner, &said), &session, acting.as_ref())?;
    Ok(pb::SwitchOrganisationResponse {
        access_token: text,
        expires_in: i32::try_from(seconds).unwrap_or(i32::MAX),
        token_type: TOKEN_TYPE.to_owned(),
        session_expires_in: session_expires_in(core, &session),
        organisation: acting.map(|acting| organisation_name(acting.organisation)).unwrap_or_default(),
    })
}
