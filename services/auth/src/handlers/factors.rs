//! Names of factors, and what clients are told of one.

use mainstay_identity::Principal;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use uuid::Uuid;

use super::beginning::kind_to_pb;
use super::timestamp;
use super::whose::account_id_of;
use crate::domain::account::{ACCOUNTS, AccountId};
use crate::domain::factor::Kind;
use crate::error::Error;
use crate::store::DamagedRow;
use crate::store::factors::FactorRow;

/// What stands between an account and a factor in a name.
const FACTORS: &str = "/factors/";

/// Writes the name of a factor.
pub(super) fn factor_name_of(account: AccountId, uid: &str) -> String {
    format!("{ACCOUNTS}{account}{FACTORS}{uid}")
}

/// Reads the name of a factor. Whether its caller may know of it is for others to say.
pub(super) fn factor_name(caller: &Principal, (field, name): (&str, &str)) -> Result<(AccountId, String), Error> {
    let malformed = || {
        let problem = "is not `accounts/me/factors/` or `accounts/` with a UUID and `/factors/`, and a UUID in lower-case \
                       hyphenated form";
        Error::Violations(vec![Violation::new(field, problem)])
    };
    let (account, uid) = name.split_once(FACTORS).ok_or_else(malformed)?;
    let account = account_id_of(caller, (field, account))?;
    let is_uid = Uuid::try_parse(uid).is_ok_and(|parsed| parsed.as_hyphenated().to_string() == uid);
    if is_uid { Ok((account, uid.to_owned())) } else { Err(malformed()) }
}

pub(super) fn factor_to_pb(account: AccountId, row: &FactorRow) -> Result<pb::Factor, Error> {
    let kind = Kind::from_word(&row.kind).ok_or(DamagedRow { table: "factors", column: "kind" })?;
    Ok(pb::Factor {
        name: factor_name_of(account, &row.uid),
        kind: kind_to_pb(kind).into(),
        display_name: row.display_name.clone(),
        create_time: Some(timestamp(row.create_time)),
        use_time: row.use_time.map(timestamp),
    })
}
