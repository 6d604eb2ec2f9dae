//! What owners of accounts have agreed to, as they see it and take it back.

use mainstay_db::{Atomic, Lane};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;

use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::account::{ACCOUNTS, AccountId};
use crate::domain::oauth::client::OAuthClientId;
use crate::domain::oauth::scope::Scopes;
use crate::domain::page_token;
use crate::error::Error;
use crate::handlers::pages::page_size;
use crate::handlers::whose::{account_id_of, require_sight};
use crate::handlers::{timestamp, trail};
use crate::refusal::Refusal;
use crate::store::accounts;
use crate::store::oauth::consents::{self as store, ConsentRow};
use crate::store::oauth::grants;

/// What stands between an account and a client in a name.
const CONSENTS: &str = "/oauthConsents/";

pub(super) async fn list(
    core: &Core,
    request: Request<pb::ListOAuthConsentsRequest>,
) -> Result<pb::ListOAuthConsentsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let request = request.into_inner();
    let account = account_id_of(&caller, ("parent", &request.parent))?;
    require_sight(&caller, account, Error::AccountNotFound)?;
    let size = page_size(request.page_size)?;
    let reader = format!("{} consents of {account}", caller.uid().unwrap_or_default());
    let now = core.clock.now_seconds();
    let after = match request.page_token.as_str() {
        "" => String::new(),
        token => page_token::open::<OAuthClientId>(&core.key_encryption_key, &reader, token, now)?.to_string(),
    };
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let read = core.database.read(Lane::Heavy, move |conn| {
        let after = after.clone();
        Box::pin(async move {
            // An administrator is told of an account that does not exist.
            accounts::find(conn, account).await?.ok_or(Error::AccountNotFound)?;
            Ok::<_, Error>(store::page(conn, account, &after, limit).await?)
        })
    });
    let mut rows = read.await?;
    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more).map(|(row, ..)| row.client_uid.clone());
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    let oauth_consents = rows.iter().map(|row| to_pb(account, row)).collect();
    Ok(pb::ListOAuthConsentsResponse { oauth_consents, next_page_token })
}

pub(super) async fn delete(core: &Core, request: Request<pb::DeleteOAuthConsentRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let malformed = || {
        let problem = "is not `accounts/me/oauthConsents/` or `accounts/` with a UUID and `/oauthConsents/`, and a UUID in \
                       lower-case hyphenated form";
        Error::Violations(vec![Violation::new("name", problem)])
    };
    let (account, client) = request.get_ref().name.split_once(CONSENTS).ok_or_else(malformed)?;
    let account = account_id_of(&caller, ("name", account))?;
    let client: OAuthClientId = client.parse().map_err(|_| malformed())?;
    require_sight(&caller, account, Error::Refused(Refusal::ConsentNotFound))?;
    let now = core.clock.now_micros();
    let removed = core.database.write(Atomic::Transaction, move |conn| {
        let trail = trail.clone();
        Box::pin(async move {
            let ended = grants::remove_of(conn, account, client).await?;
            // One that is trusted has tokens, and was asked for nothing.
            if !store::remove(conn, account, client).await? && ended == 0 {
                return Err(Error::Refused(Refusal::ConsentNotFound));
            }
            trail.note(conn, now, Action::DeleteOAuthConsent, account, Told::of(client.name())).await
        })
    });
    removed.await
}

pub(in crate::handlers) fn to_pb(
    account: AccountId,
    (row, display_name, client_uri): &(ConsentRow, String, String),
) -> pb::OAuthConsent {
    pb::OAuthConsent {
        name: format!("{ACCOUNTS}{account}{CONSENTS}{}", row.client_uid),
        display_name: display_name.clone(),
        client_uri: client_uri.clone(),
        scopes: Scopes::read(&row.scopes).words(),
        create_time: Some(timestamp(row.create_time)),
        update_time: Some(timestamp(row.update_time)),
    }
}
