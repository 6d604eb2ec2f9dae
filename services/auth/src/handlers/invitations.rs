//! Invitations to an organisation: said to an address, taken up by whoever has it.

use std::sync::Arc;

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_identity::Principal;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::accounts::{new_row, read_new};
use super::making::{Admitted, Call};
use super::membership::{checked_roles, join, member_to_pb};
use super::pages::page_size;
use super::profile::Profile;
use super::sending::{Presented, Sending, mail_of, required, wake};
use super::standing::{managing, organisation_id, own_account};
use super::{account_to_pb, origin, timestamp, trail};
use crate::audit::{Action, Told, Trail};
use crate::config::SignUp;
use crate::core::Core;
use crate::domain::account::{ACCOUNTS, AccountId, Revision};
use crate::domain::email::{Claimed, Email};
use crate::domain::organisation::{INVITATIONS, Member, ORGANISATIONS, OrganisationId, Standing};
use crate::domain::sign_up::Way;
use crate::domain::{locale, page_token};
use crate::error::{Error, refused_email};
use crate::refusal::Refusal;
use crate::store::accounts::{self, AccountRow};
use crate::store::invitations::{self as store, InvitationRow};
use crate::store::{DamagedRow, members, one_time_secrets, organisations};

/// How many invitations of one organisation wait at most.
const MAX_WAITING: i64 = 1_000;

fn name_of(row: &InvitationRow) -> String {
    format!("{ORGANISATIONS}{}{INVITATIONS}{}", row.organisation_uid, row.uid)
}

/// Reads `organisations/{uid}/invitations/{uid}`.
fn invitation_id(name: &str) -> Result<(OrganisationId, Uuid), Error> {
    let malformed = || {
        let problem =
            "is not `organisations/` with a UUID and `/invitations/`, and a UUID in lower-case hyphenated form";
        Error::Violations(vec![Violation::new("name", problem)])
    };
    let (organisation, uid) = name.split_once(INVITATIONS).ok_or_else(malformed)?;
    let organisation = organisation_id(("name", organisation)).map_err(|_| malformed())?;
    let id = Uuid::try_parse(uid).ok().filter(|id| id.as_hyphenated().to_string() == uid);
    Ok((organisation, id.ok_or_else(malformed)?))
}

/// Who invites, as it is looked up once more when the invitation is taken up.
struct Inviter {
    standing: Standing,
    locale: String,
    organisation: String,
}

async fn inviter(conn: &mut Conn<'_>, caller: &Principal, organisation: OrganisationId) -> Result<Inviter, Error> {
    let standing = managing(conn, caller, organisation).await?;
    let locale = match own_account(caller) {
        Some(account) => accounts::find(conn, account).await?.map(|row| row.locale).unwrap_or_default(),
        None => String::new(),
    };
    let row = organisations::find(conn, organisation).await?.ok_or(Error::Refused(Refusal::OrganisationNotFound))?;
    Ok(Inviter { standing, locale, organisation: row.display_name })
}

/// Sends the same mail whether the address has an account or not, and looks at neither.
pub(super) async fn create(
    core: &Core,
    request: Request<pb::CreateInvitationRequest>,
) -> Result<pb::Invitation, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    let pb::CreateInvitationRequest { parent, invitation } = request.into_inner();
    let pb::Invitation { email, roles, .. } = invitation.unwrap_or_default();
    let organisation = organisation_id(("parent", &parent))?;
    let asking = caller.clone();
    let found = core.database.read(Lane::Inline, move |conn| {
        let caller = asking.clone();
        Box::pin(async move { inviter(conn, &caller, organisation).await })
    });
    let inviter = found.await?;
    let email =
        Email::parse(&email).map_err(|problem| Error::Violations(vec![refused_email("invitation.", problem)]))?;
    let roles = checked_roles("invitation.", &roles)?;
    if !inviter.standing.may_give(&roles) {
        return Err(Error::Refused(Refusal::NotOwner));
    }
    mail_of(core)?;
    core.limits.mail(origin)?;
    let sending = Sending::invitation(core, &email, (&inviter.organisation, &inviter.locale))?;
    let row = InvitationRow {
        uid: sending.id().to_owned(),
        organisation_uid: organisation.to_string(),
        email: email.original().to_owned(),
        email_key: email.key().to_owned(),
        roles: roles.join(" "),
        inviter_uid: match inviter.standing {
            Standing::Platform => None,
            Standing::Member(_) => own_account(&caller).map(|account| account.to_string()),
        },
        create_time: sending.times().0,
        expire_time: sending.times().1,
    };
    let made = row.clone();
    let stored = core.database.write(Atomic::Transaction, move |conn| {
        let (row, sending, trail, caller) = (row.clone(), sending.clone(), trail.clone(), caller.clone());
        Box::pin(async move {
            let standing = managing(conn, &caller, organisation).await?;
            if !standing.may_give(&row.roles()) {
                return Err(Error::Refused(Refusal::NotOwner));
            }
            if let Some(former) = store::find_to(conn, organisation, &row.email_key).await? {
                take_back(conn, &former, row.create_time).await?;
            }
            if store::count(conn, organisation).await? >= MAX_WAITING {
                return Err(Error::Refused(Refusal::TooManyInvitations));
            }
            sending.store(conn).await?;
            store::insert(conn, &row).await?;
            let told = Told::of(name_of(&row)).with_roles(&row.roles());
            trail.note_of(conn, row.create_time, Action::CreateInvitation, own_account(&caller), told).await
        })
    });
    stored.await?;
    wake(core);
    Ok(invitation_to_pb(&made))
}

/// Removes an invitation, so that its link is good no more.
pub(super) async fn take_back(conn: &mut Conn<'_>, row: &InvitationRow, now: i64) -> Result<(), Error> {
    let id = row.uid.parse().map_err(|_| DamagedRow { table: "invitations", column: "uid" })?;
    one_time_secrets::use_up(conn, id, now).await?;
    store::remove(conn, &row.uid).await?;
    Ok(())
}

pub(super) async fn get(core: &Core, request: Request<pb::GetInvitationRequest>) -> Result<pb::Invitation, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (organisation, id) = invitation_id(&request.get_ref().name)?;
    let now = core.clock.now_micros();
    let found = core.database.read(Lane::Inline, move |conn| {
        let caller = caller.clone();
        Box::pin(async move { find(conn, &caller, (organisation, id), now).await })
    });
    Ok(invitation_to_pb(&found.await?))
}

/// Finds an invitation that is good, for who administers the organisation.
async fn find(
    conn: &mut Conn<'_>,
    caller: &Principal,
    (organisation, id): (OrganisationId, Uuid),
    now: i64,
) -> Result<InvitationRow, Error> {
    managing(conn, caller, organisation).await?;
    let row = store::find(conn, &id.as_hyphenated().to_string()).await?;
    let is_it = |row: &InvitationRow| row.organisation_uid == organisation.to_string() && now < row.expire_time;
    row.filter(is_it).ok_or(Error::Refused(Refusal::InvitationNotFound))
}

pub(super) async fn list(
    core: &Core,
    request: Request<pb::ListInvitationsRequest>,
) -> Result<pb::ListInvitationsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let request = request.into_inner();
    let organisation = organisation_id(("parent", &request.parent))?;
    let reader = format!("{} invitations of {organisation}", caller.uid().unwrap_or_default());
    let (now, micros) = (core.clock.now_seconds(), core.clock.now_micros());
    let after = match request.page_token.as_str() {
        "" => Ok(String::new()),
        token => page_token::open::<Uuid>(&core.key_encryption_key, &reader, token, now).map(|id| id.to_string()),
    };
    let read = core.database.read(Lane::Heavy, move |conn| {
        let (caller, after) = (caller.clone(), after.clone());
        Box::pin(async move {
            managing(conn, &caller, organisation).await?;
            let (size, after) = (page_size(request.page_size)?, after?);
            let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
            Ok::<_, Error>((size, store::page(conn, organisation, &after, micros, limit).await?))
        })
    });
    let (size, mut found) = read.await?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more).map(|row| row.uid.clone());
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    Ok(pb::ListInvitationsResponse { invitations: found.iter().map(invitation_to_pb).collect(), next_page_token })
}

pub(super) async fn delete(core: &Core, request: Request<pb::DeleteInvitationRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let (organisation, id) = invitation_id(&request.get_ref().name)?;
    let now = core.clock.now_micros();
    let deleted = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail) = (caller.clone(), trail.clone());
        Box::pin(async move {
            let row = find(conn, &caller, (organisation, id), now).await?;
            take_back(conn, &row, now).await?;
            let told = Told::of(name_of(&row));
            trail.note_of(conn, now, Action::DeleteInvitation, own_account(&caller), told).await
        })
    });
    deleted.await
}

/// Takes an invitation up for the account that calls. To every other one than whose address it was sent to, the link is not good.
pub(super) async fn accept(core: &Core, request: Request<pb::AcceptInvitationRequest>) -> Result<pb::Member, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let account = own_account(&caller).ok_or(Error::NotSignedIn)?;
    let token = request.get_ref().token.as_str();
    required(token).map_or(Ok(()), |violation| Err(Error::Violations(vec![violation])))?;
    let attempt = core.limits.token(origin(&request)?)?;
    let trail = trail(&request)?;
    let presented = Presented::read(token)?;
    let (key, now) = (Arc::clone(&core.hash_key), core.clock.now_micros());
    let accepted = core.database.write(Atomic::Transaction, move |conn| {
        let (key, trail) = (Arc::clone(&key), trail.clone());
        Box::pin(async move {
            let issued = presented.of_invitation(conn, now).await?;
            let row = accounts::find(conn, account).await?.ok_or(Error::SecretNotFound)?;
            if key.address(&row.identity()) != issued.address {
                return Err(Error::SecretNotFound);
            }
            if !row.email_verified {
                return Err(Error::Refused(Refusal::EmailNotVerified));
            }
            take_up(conn, issued.id, &row, &trail, now).await
        })
    });
    let member = accepted.await?;
    attempt.succeeded();
    Ok(member)
}

/// Uses an invitation up and makes the account a member. It is worth what its inviter may give when that happens: whoever was
/// sent away leaves no doors open.
async fn take_up(
    conn: &mut Conn<'_>,
    id: Uuid,
    account: &AccountRow,
    trail: &Trail,
    now: i64,
) -> Result<pb::Member, Error> {
    if !one_time_secrets::use_up(conn, id, now).await? {
        return Err(Error::SecretNotFound);
    }
    let row = store::find(conn, &id.as_hyphenated().to_string()).await?.ok_or(Error::SecretNotFound)?;
    let damaged = |column| DamagedRow { table: "invitations", column };
    let organisation = row.organisation_uid.parse().map_err(|_| damaged("organisation_uid"))?;
    let roles = row.roles();
    if let Some(uid) = &row.inviter_uid {
        let inviter: AccountId = uid.parse().map_err(|_| damaged("inviter_uid"))?;
        let inviter = members::find(conn, organisation, inviter).await?.ok_or(Error::SecretNotFound)?;
        if !Standing::Member(inviter.roles).may_give(&roles) {
            return Err(Error::SecretNotFound);
        }
    }
    let account_id = account.id()?;
    let revision = Revision(0).next(now);
    let member = Member { organisation, account: account_id, roles, create_time: now, update_time: now, revision };
    join(conn, &member).await?;
    store::remove(conn, &row.uid).await?;
    let told = Told::of(name_of(&row)).with_roles(&member.roles);
    trail.note(conn, now, Action::AcceptInvitation, account_id, told).await?;
    Ok(member_to_pb(&member, account.email.clone()))
}

/// Makes an account with the address that was invited, which is verified by that, and takes the invitation up for it.
pub(super) async fn sign_up(
    core: &Core,
    request: Request<pb::SignUpWithInvitationRequest>,
) -> Result<pb::Account, Error> {
    if core.sign_up == SignUp::Closed {
        return Err(Error::SignUpClosed);
    }
    let origin = origin(&request)?;
    let pb::SignUpWithInvitationRequest { token, password, locale } = request.get_ref();
    required(token).map_or(Ok(()), |violation| Err(Error::Violations(vec![violation])))?;
    locale::check(locale).map_err(|problem| Error::Violations(vec![Violation::new("locale", problem)]))?;
    let attempt = core.limits.token(origin)?;
    let (trail, call) = (trail(&request)?, Call::of(&request)?);
    let presented = Presented::read(token)?;
    let now = core.clock.now_micros();
    // What is not good is not worth a hash.
    let looked = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move {
            let issued = presented.of_invitation(conn, now).await?;
            store::find(conn, &issued.id.as_hyphenated().to_string()).await?.ok_or(Error::SecretNotFound)
        })
    });
    let invitation = looked.await?;
    let wanted = read_new(core, "", (&invitation.email, password), &[]).await?;
    core.limits.sign_up(origin)?;
    let (email, password) = wanted.into_parts();
    let claimed = Claimed::read(email.original(), core.former_are_left).map_err(|_| Error::SecretNotFound)?;
    let profile = Profile { locale: locale.clone(), ..Profile::default() };
    let row = AccountRow { email_verified: true, ..new_row(&email, String::new(), profile, now) };
    let organisation = format!("{ORGANISATIONS}{}", invitation.organisation_uid);
    let admitted = match Admitted::ask(core, (row, &[]), (Way::Invitation, &organisation), &call).await {
        // The invitation was as good as any.
        Err(error @ (Error::Hook(_) | Error::SignUpDenied(_))) => {
            attempt.withdraw();
            return Err(error);
        }
        asked => asked?,
    };
    let admitted = admitted.with_password_hash(core.hasher.hash(password, origin).await?);
    let made = core.database.write(Atomic::Transaction, move |conn| {
        let (admitted, trail, claimed) = (admitted.clone(), trail.clone(), claimed.clone());
        Box::pin(async move {
            let issued = presented.of_invitation(conn, now).await?;
            let id = admitted.row().id()?;
            if accounts::find_by_email(conn, &claimed).await?.is_some() {
                return Err(Error::EmailTaken);
            }
            let account = admitted.insert(conn, &[]).await?;
            let trail = trail.by(id);
            trail.note(conn, now, Action::SignUp, id, Told::default()).await?;
            take_up(conn, issued.id, admitted.row(), &trail, now).await?;
            Ok::<_, Error>(account)
        })
    });
    let account = made.await?;
    attempt.succeeded();
    core.hooks.wake();
    Ok(account_to_pb(&account))
}

pub(super) fn invitation_to_pb(row: &InvitationRow) -> pb::Invitation {
    pb::Invitation {
        name: name_of(row),
        email: row.email.clone(),
        roles: row.roles(),
        inviter: row.inviter_uid.as_ref().map(|uid| format!("{ACCOUNTS}{uid}")).unwrap_or_default(),
        create_time: Some(timestamp(row.create_time)),
        expire_time: Some(timestamp(row.expire_time)),
    }
}
