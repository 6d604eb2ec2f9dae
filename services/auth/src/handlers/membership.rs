//! What a membership begins with, and what clients are told of it.

use mainstay_db::Conn;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;

use super::organisations::may_own_another;
use super::timestamp;
use crate::domain::account::ACCOUNTS;
use crate::domain::organisation::{Member, check_roles};
use crate::error::Error;
use crate::refusal::Refusal;
use crate::store::members;

/// Stores a new membership.
pub(super) async fn join(conn: &mut Conn<'_>, member: &Member) -> Result<(), Error> {
    if members::find(conn, member.organisation, member.account).await?.is_some() {
        return Err(Error::Refused(Refusal::AlreadyMember));
    }
    if member.owns() {
        may_own_another(conn, member.account).await?;
    }
    Ok(members::insert(conn, member).await?)
}

/// Checks roles of a request. `prefix` is where the request has its fields, for the violations.
pub(super) fn checked_roles(prefix: &str, roles: &[String]) -> Result<Vec<String>, Error> {
    check_roles(roles).map_err(|problems| {
        let violation = |(index, problem): (Option<usize>, _)| {
            let entry = index.map(|index| format!("[{index}]")).unwrap_or_default();
            Violation::new(format!("{prefix}roles{entry}"), problem)
        };
        Error::Violations(problems.into_iter().map(violation).collect())
    })
}

pub(super) fn member_to_pb(member: &Member, email: String) -> pb::Member {
    pb::Member {
        name: member.name(),
        account: format!("{ACCOUNTS}{}", member.account),
        roles: member.roles.clone(),
        email,
        create_time: Some(timestamp(member.create_time)),
        update_time: Some(timestamp(member.update_time)),
        etag: member.revision.etag(),
    }
}
