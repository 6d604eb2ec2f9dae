//! Who belongs to an organisation, and what they are there.

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_identity::{Principal, Revocation};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::invitations::take_back;
use super::membership::{checked_roles, join, member_to_pb};
use super::organisations::may_own_another;
use super::pages::page_size;
use super::standing::{managing, member_id, organisation_id, own_account, standing};
use super::trail;
use super::whose::account_id_of;
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::{AccountId, Revision};
use crate::domain::organisation::{Member, Standing, owns};
use crate::domain::page_token;
use crate::error::Error;
use crate::refusal::Refusal;
use crate::revoking::{Moment, outdate_acting};
use crate::store::{accounts, invitations, members, sessions};

pub(super) async fn create(core: &Core, request: Request<pb::CreateMemberRequest>) -> Result<pb::Member, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::CreateMemberRequest { parent, member } = request.into_inner();
    let pb::Member { account, roles, .. } = member.unwrap_or_default();
    let organisation = organisation_id(("parent", &parent))?;
    let account = account_id_of(&caller, ("member.account", &account))?;
    let roles = checked_roles("member.", &roles)?;
    let now = core.clock.now_micros();
    let revision = Revision(0).next(now);
    let member = Member { organisation, account, roles, create_time: now, update_time: now, revision };
    let made = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail, member) = (caller.clone(), trail.clone(), member.clone());
        Box::pin(async move {
            managing(conn, &caller, organisation).await?;
            let email = accounts::find(conn, account).await?.ok_or(Error::AccountNotFound)?.email;
            join(conn, &member).await?;
            let told = Told::of(member.name()).with_roles(&member.roles);
            trail.note(conn, now, Action::CreateMember, account, told).await?;
            Ok::<_, Error>(member_to_pb(&member, email))
        })
    });
    made.await
}

pub(super) async fn get(core: &Core, request: Request<pb::GetMemberRequest>) -> Result<pb::Member, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (organisation, account) = member_id(&caller, &request.get_ref().name)?;
    let read = core.database.read(Lane::Inline, move |conn| {
        let caller = caller.clone();
        Box::pin(async move {
            let standing = standing(conn, &caller, organisation).await?;
            let member =
                members::find(conn, organisation, account).await?.ok_or(Error::Refused(Refusal::MemberNotFound))?;
            let email = match sees_email(&caller, &standing, account) {
                true => accounts::find(conn, account).await?.map(|row| row.email),
                false => None,
            };
            Ok::<_, Error>(member_to_pb(&member, email.unwrap_or_default()))
        })
    });
    read.await
}

fn sees_email(caller: &Principal, standing: &Standing, account: AccountId) -> bool {
    standing.manages() || own_account(caller) == Some(account)
}

pub(super) async fn list(
    core: &Core,
    request: Request<pb::ListMembersRequest>,
) -> Result<pb::ListMembersResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let request = request.into_inner();
    let organisation = organisation_id(("parent", &request.parent))?;
    let reader = format!("{} members of {organisation}", caller.uid().unwrap_or_default());
    let now = core.clock.now_seconds();
    let after = match request.page_token.as_str() {
        "" => Ok(String::new()),
        token => page_token::open::<AccountId>(&core.key_encryption_key, &reader, token, now).map(|id| id.to_string()),
    };
    let reading = caller.clone();
    let read = core.database.read(Lane::Heavy, move |conn| {
        let (caller, after) = (reading.clone(), after.clone());
        Box::pin(async move {
            let standing = standing(conn, &caller, organisation).await?;
            let (size, after) = (page_size(request.page_size)?, after?);
            let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
            let page = members::page(conn, organisation, &after, limit).await?;
            Ok::<_, Error>((standing, size, page))
        })
    });
    let (standing, size, mut found) = read.await?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more).map(|(member, _)| member.account);
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    let shown = |(member, email): (Member, String)| {
        let email = if sees_email(&caller, &standing, member.account) { email } else { String::new() };
        member_to_pb(&member, email)
    };
    Ok(pb::ListMembersResponse { members: found.into_iter().map(shown).collect(), next_page_token })
}

pub(super) async fn set_roles(core: &Core, request: Request<pb::SetMemberRolesRequest>) -> Result<pb::Member, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let request = request.into_inner();
    let (organisation, account) = member_id(&caller, &request.name)?;
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let changed = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail, request) = (caller.clone(), trail.clone(), request.clone());
        Box::pin(async move {
            let standing = managing(conn, &caller, organisation).await?;
            let mut member =
                members::find(conn, organisation, account).await?.ok_or(Error::Refused(Refusal::MemberNotFound))?;
            let email = accounts::find(conn, account).await?.map(|row| row.email).unwrap_or_default();
            let wanted = checked_roles("", &request.roles)?;
            if !standing.may_replace(&member.roles, &wanted) {
                return Err(Error::Refused(Refusal::NotOwner));
            }
            if !request.etag.is_empty() && request.etag != member.revision.etag() {
                return Err(Error::EtagMismatch);
            }
            if wanted == member.roles {
                return Ok((member_to_pb(&member, email), None));
            }
            match (member.owns(), owns(&wanted)) {
                (true, false) => another_owns(conn, &member).await?,
                (false, true) => may_own_another(conn, account).await?,
                _ => {}
            }
            if !members::replace_roles(conn, &member, &wanted, now).await? {
                return Err(Error::Contention);
            }
            let says_too_much = member.roles.iter().any(|held| !wanted.contains(held));
            member = Member { roles: wanted, update_time: now, revision: member.revision.next(now), ..member };
            let told = Told::of(member.name()).with_roles(&member.roles);
            trail.note(conn, now, Action::SetMemberRoles, account, told).await?;
            let outdated = match says_too_much {
                true => Some(outdate_acting(conn, moment, account, organisation).await?),
                false => None,
            };
            Ok::<_, Error>((member_to_pb(&member, email), outdated))
        })
    });
    let (member, outdated) = changed.await?;
    core.tell(outdated);
    Ok(member)
}

/// Refuses that nobody owns an organisation any more. Stands in a SERIALIZABLE transaction: of two owners who go at once, one
/// stays.
async fn another_owns(conn: &mut Conn<'_>, owner: &Member) -> Result<(), Error> {
    if members::count_owners(conn, owner.organisation).await? > 1 {
        Ok(())
    } else {
        Err(Error::Refused(Refusal::LastOwner))
    }
}

pub(super) async fn delete(core: &Core, request: Request<pb::DeleteMemberRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::DeleteMemberRequest { name, etag } = request.into_inner();
    let (organisation, account) = member_id(&caller, &name)?;
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let ended = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail, etag) = (caller.clone(), trail.clone(), etag.clone());
        Box::pin(async move {
            let standing = standing(conn, &caller, organisation).await?;
            let is_own = own_account(&caller) == Some(account);
            if !is_own && !standing.manages() {
                return Err(Error::Refused(Refusal::NotManager));
            }
            let member =
                members::find(conn, organisation, account).await?.ok_or(Error::Refused(Refusal::MemberNotFound))?;
            if !is_own && !standing.may_remove(&member.roles) {
                return Err(Error::Refused(Refusal::NotOwner));
            }
            if !etag.is_empty() && etag != member.revision.etag() {
                return Err(Error::EtagMismatch);
            }
            end(conn, &trail, &member, (now, moment)).await
        })
    });
    core.tell([ended.await?]);
    Ok(())
}

/// Ends a membership. Stands in a SERIALIZABLE transaction.
pub(super) async fn end(
    conn: &mut Conn<'_>,
    trail: &Trail,
    member: &Member,
    (now, moment): (i64, Moment),
) -> Result<Revocation, Error> {
    let Member { organisation, account, .. } = *member;
    if member.owns() {
        another_owns(conn, member).await?;
    }
    if !members::remove(conn, member).await? {
        return Err(Error::Contention);
    }
    sessions::act_no_more(conn, account, organisation).await?;
    // Whoever was sent away does not come back by what was said before.
    if let Some(row) = accounts::find(conn, account).await?
        && let Some(invitation) = invitations::find_to(conn, organisation, &row.identity()).await?
    {
        take_back(conn, &invitation, now).await?;
    }
    trail.note(conn, now, Action::DeleteMember, account, Told::of(member.name())).await?;
    outdate_acting(conn, moment, account, organisation).await
}
