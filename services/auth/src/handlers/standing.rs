//! Which organisation a call is about, and who its caller is there.

use mainstay_db::Conn;
use mainstay_identity::{Kind, Principal, roles};
use mainstay_record::Violation;

use super::whose::unless_withheld;
use crate::domain::account::AccountId;
use crate::domain::organisation::{MEMBERS, ORGANISATIONS, OrganisationId, Standing};
use crate::error::Error;
use crate::refusal::Refusal;
use crate::store::{members, organisations};

/// Reads `organisations/{uid}` of a field of a request.
pub(super) fn organisation_id((field, name): (&str, &str)) -> Result<OrganisationId, Error> {
    let malformed = || {
        let problem = "is not `organisations/` with a UUID in lower-case hyphenated form";
        Error::Violations(vec![Violation::new(field, problem)])
    };
    name.strip_prefix(ORGANISATIONS).and_then(|uid| uid.parse().ok()).ok_or_else(malformed)
}

/// Reads `organisations/{uid}/members/{uid}`, or `organisations/{uid}/members/me`.
pub(super) fn member_id(caller: &Principal, name: &str) -> Result<(OrganisationId, AccountId), Error> {
    let malformed = || {
        let problem =
            "is not `organisations/` with a UUID and `/members/`, and `me` or a UUID in lower-case hyphenated form";
        Error::Violations(vec![Violation::new("name", problem)])
    };
    let (organisation, member) = name.split_once(MEMBERS).ok_or_else(malformed)?;
    let organisation = organisation_id(("name", organisation)).map_err(|_| malformed())?;
    match member {
        "me" => Ok((organisation, own_account(caller).ok_or(Error::Refused(Refusal::MemberNotFound))?)),
        uid => Ok((organisation, uid.parse().map_err(|_| malformed())?)),
    }
}

/// Gives the account that calls; a service has none.
pub(super) fn own_account(caller: &Principal) -> Option<AccountId> {
    caller.uid().filter(|_| caller.kind() == Kind::User).and_then(|uid| uid.parse().ok())
}

/// Whether a caller administers the installation.
pub(super) fn administers_all(caller: &Principal) -> bool {
    caller.has_role(roles::ADMIN) || caller.kind() == Kind::System
}

/// Finds out who the caller is in an organisation, by what is stored, whatever the token says. To everybody else there is none;
/// that is found out without looking whether there is.
pub(super) async fn standing(
    conn: &mut Conn<'_>,
    caller: &Principal,
    organisation: OrganisationId,
) -> Result<Standing, Error> {
    if administers_all(caller) {
        let found = organisations::find(conn, organisation).await?;
        return found.map(|_| Standing::Platform).ok_or(Error::Refused(Refusal::OrganisationNotFound));
    }
    let account = own_account(caller).ok_or(Error::Refused(Refusal::OrganisationNotFound))?;
    let member = members::find(conn, organisation, account).await?;
    let none = || unless_withheld(caller, Error::Refused(Refusal::OrganisationNotFound));
    Ok(Standing::Member(member.ok_or_else(none)?.roles))
}

/// The same for what only those do who administer the organisation.
pub(super) async fn managing(
    conn: &mut Conn<'_>,
    caller: &Principal,
    organisation: OrganisationId,
) -> Result<Standing, Error> {
    let standing = standing(conn, caller, organisation).await?;
    if standing.manages() { Ok(standing) } else { Err(Error::Refused(Refusal::NotManager)) }
}
