//! Everything that is known of an account (`ExportAccount`).

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::{Stream, stream};
use mainstay_db::{Atomic, Conn, Lane};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Principal;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::export_account_response::Item;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use super::audit::event_to_pb;
use super::factors::factor_to_pb;
use super::invitations::invitation_to_pb;
use super::membership::member_to_pb;
use super::oauth::consent_to_pb;
use super::owner::{find, is_own, require_administrators_level, require_level, require_recent};
use super::providers::identity_to_pb;
use super::session_list::session_to_pb;
use super::whose::{account_id, require_sight, with_roles};
use super::{account_to_pb, trail};
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::session::Session;
use crate::error::Error;
use crate::refusal::Refusal;
use crate::store::audit::{self, Wanted, Whose};
use crate::store::oauth::consents;
use crate::store::{accounts, factors, identities, invitations, members, sessions};

/// How many of one kind are read together.
const PAGE: usize = 100;

/// What is read next, behind the one with this uid.
#[derive(Clone, Debug)]
enum Stage {
    Account,
    Sessions(String),
    /// What an account has a few of.
    Few,
    Consents(String),
    /// Before this one.
    Events(Option<String>),
    Done,
}

/// An export on its way.
pub(super) struct Exporting {
    core: Arc<Core>,
    caller: Principal,
    account: AccountId,
    stage: Stage,
    ready: VecDeque<Item>,
}

/// Begins, for whoever may have it, and notes it.
pub(super) async fn begin(core: &Arc<Core>, request: Request<pb::ExportAccountRequest>) -> Result<Exporting, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    if caller.actor().is_some() {
        return Err(Error::Stack(Fault::new(Reason::PermissionDenied)));
    }
    let account = account_id(&caller, &request.get_ref().name)?;
    require_sight(&caller, account, Error::AccountNotFound)?;
    let row = find(core, account).await?;
    if !is_own(&caller, account) {
        require_administrators_level(core, &caller).await?;
    } else if !row.anonymous {
        require_level(core, &caller, account).await?;
        require_recent(core, &caller)?;
    }
    let now = core.clock.now_micros();
    let noted = core.database.write(Atomic::Statement, move |conn| {
        let trail = trail.clone();
        Box::pin(async move { trail.note(conn, now, Action::ExportAccount, account, Told::default()).await })
    });
    noted.await?;
    Ok(Exporting { core: Arc::clone(core), caller, account, stage: Stage::Account, ready: VecDeque::new() })
}

impl Exporting {
    /// One message after the other, until the server stops: what just ends looks like the whole of it, so that is said.
    pub(super) fn stream(
        self,
        stop: CancellationToken,
    ) -> impl Stream<Item = Result<pb::ExportAccountResponse, Status>> + Send {
        stream::try_unfold((self, stop), async |(mut exporting, stop)| {
            let item = match stop.run_until_cancelled(exporting.next()).await {
                Some(item) => item.map_err(|error| Status::from(Fault::from(error)))?,
                None => return Err(Status::from(Fault::unavailable("the server stops before the end of the export"))),
            };
            Ok(item.map(|item| (pb::ExportAccountResponse { item: Some(item) }, (exporting, stop))))
        })
    }

    async fn next(&mut self) -> Result<Option<Item>, Error> {
        while self.ready.is_empty() && !matches!(self.stage, Stage::Done) {
            let (core, caller, account) = (Arc::clone(&self.core), self.caller.clone(), self.account);
            let stage = self.stage.clone();
            let read = self.core.database.read(Lane::Heavy, move |conn| {
                let (core, caller, stage) = (Arc::clone(&core), caller.clone(), stage.clone());
                Box::pin(async move { read(conn, &core, (&caller, account), stage).await })
            });
            let (items, stage) = read.await?;
            (self.ready, self.stage) = (items.into(), stage);
        }
        Ok(self.ready.pop_front())
    }
}

/// Reads some, and says what is read next.
async fn read(
    conn: &mut Conn<'_>,
    core: &Core,
    (caller, account): (&Principal, AccountId),
    stage: Stage,
) -> Result<(Vec<Item>, Stage), Error> {
    let uid = account.to_string();
    let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
    match stage {
        Stage::Account => {
            let row = accounts::find(conn, account).await?;
            let whole = with_roles(conn, row).await?;
            Ok((vec![Item::Account(account_to_pb(&whole))], Stage::Sessions(String::new())))
        }
        Stage::Sessions(after) => {
            let now = core.clock.now_micros();
            let rows = sessions::page(conn, (&uid, &after), now, core.timeouts, limit).await?;
            let next = rows.last().filter(|_| rows.len() == PAGE).map(|row| Stage::Sessions(row.uid.clone()));
            let shown = |row| Ok(Item::Session(session_to_pb(core, caller, &Session::try_from(row)?)));
            Ok((rows.into_iter().map(shown).collect::<Result<_, Error>>()?, next.unwrap_or(Stage::Few)))
        }
        Stage::Few => Ok((few(conn, account).await?, Stage::Consents(String::new()))),
        Stage::Consents(after) => {
            let rows = consents::page(conn, account, &after, limit).await?;
            let next =
                rows.last().filter(|_| rows.len() == PAGE).map(|(row, ..)| Stage::Consents(row.client_uid.clone()));
            let items = rows.iter().map(|row| Item::OauthConsent(consent_to_pb(account, row)));
            Ok((items.collect(), next.unwrap_or(Stage::Events(None))))
        }
        Stage::Events(before) => {
            let wanted =
                Wanted { whose: Whose::Account(uid), action: String::new(), times: (i64::MIN, i64::MAX), before };
            let rows = audit::page(conn, &wanted, limit).await?;
            let next = rows.last().filter(|_| rows.len() == PAGE).map(|row| Stage::Events(Some(row.uid.clone())));
            let items = rows.into_iter().map(|row| Ok(Item::AuditEvent(event_to_pb(None, row)?)));
            Ok((items.collect::<Result<_, Error>>()?, next.unwrap_or(Stage::Done)))
        }
        Stage::Done => Ok((Vec::new(), Stage::Done)),
    }
}

/// What an account has a few of.
async fn few(conn: &mut Conn<'_>, account: AccountId) -> Result<Vec<Item>, Error> {
    let uid = account.to_string();
    let row = accounts::find(conn, account).await?.ok_or(Error::AccountNotFound)?;
    let mut items = Vec::new();
    for factor in factors::of_account(conn, &uid).await? {
        items.push(Item::Factor(factor_to_pb(account, &factor)?));
    }
    let linked = identities::of_account(conn, &uid).await?;
    items.extend(linked.iter().map(|identity| Item::Identity(identity_to_pb(account, identity))));
    for organisation in members::organisations_of(conn, account).await? {
        let organisation = organisation.parse().map_err(|_| Error::Refused(Refusal::OrganisationNotFound))?;
        let member = members::find(conn, organisation, account).await?;
        items.extend(member.map(|member| Item::Member(member_to_pb(&member, row.email.clone()))));
    }
    // An address that was not verified may be anybody's.
    if row.email_verified {
        let sent = invitations::to_address(conn, &row.email_key).await?;
        items.extend(sent.iter().map(|row| Item::Invitation(invitation_to_pb(row))));
    }
    Ok(items)
}
