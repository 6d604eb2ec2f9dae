//! Names of providers and identities, and what clients are told of one.

use std::sync::Arc;

use mainstay_identity::Principal;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use uuid::Uuid;

use crate::core::Core;
use crate::domain::account::{ACCOUNTS, AccountId};
use crate::error::Error;
use crate::handlers::timestamp;
use crate::handlers::whose::account_id_of;
use crate::providers::Provider;
use crate::store::identities::IdentityRow;

/// What the name of every provider begins with.
pub(super) const PROVIDERS: &str = "providers/";

/// What stands between an account and an identity in a name.
const IDENTITIES: &str = "/identities/";

/// Finds a provider by its name.
pub(super) fn provider<'a>(core: &'a Core, name: &str) -> Result<&'a Arc<Provider>, Error> {
    let malformed = || Error::Violations(vec![Violation::new("provider", "is not `providers/` and an id")]);
    let id = name.strip_prefix(PROVIDERS).filter(|id| !id.is_empty()).ok_or_else(malformed)?;
    core.providers.find(id).ok_or(Error::ProviderNotFound)
}

/// Writes the name of an identity.
pub(super) fn identity_name_of(account: AccountId, uid: &str) -> String {
    format!("{ACCOUNTS}{account}{IDENTITIES}{uid}")
}

/// Reads the name of an identity. Whether its caller may know of it is for others to say.
pub(super) fn identity_name(caller: &Principal, name: &str) -> Result<(AccountId, String), Error> {
    let malformed = || {
        let problem = "is not `accounts/me/identities/` or `accounts/` with a UUID and `/identities/`, and a UUID in lower-case \
                       hyphenated form";
        Error::Violations(vec![Violation::new("name", problem)])
    };
    let (account, uid) = name.split_once(IDENTITIES).ok_or_else(malformed)?;
    let account = account_id_of(caller, ("name", account))?;
    let is_uid = Uuid::try_parse(uid).is_ok_and(|parsed| parsed.as_hyphenated().to_string() == uid);
    if is_uid { Ok((account, uid.to_owned())) } else { Err(malformed()) }
}

pub(in crate::handlers) fn identity_to_pb(account: AccountId, row: &IdentityRow) -> pb::Identity {
    pb::Identity {
        name: identity_name_of(account, &row.uid),
        provider: format!("{PROVIDERS}{}", row.provider),
        display_name: row.display_name.clone(),
        create_time: Some(timestamp(row.create_time)),
        use_time: Some(timestamp(row.use_time)),
    }
}
