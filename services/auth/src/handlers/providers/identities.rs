//! Identities as their owner and administrators see them.

use mainstay_db::Lane;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;
use uuid::Uuid;

use super::names::{identity_name, identity_to_pb};
use crate::core::Core;
use crate::domain::page_token;
use crate::error::Error;
use crate::handlers::pages::page_size;
use crate::handlers::whose::{account_id_of, require_sight};
use crate::store::accounts;
use crate::store::identities::{self, IdentityRow};

pub(super) async fn get(core: &Core, request: Request<pb::GetIdentityRequest>) -> Result<pb::Identity, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (account, uid) = identity_name(&caller, &request.get_ref().name)?;
    require_sight(&caller, account, Error::IdentityNotFound)?;
    let found = core.database.read(Lane::Inline, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(identities::find(conn, &account.to_string(), &uid).await?) })
    });
    let row = found.await?.ok_or(Error::IdentityNotFound)?;
    Ok(identity_to_pb(account, &row))
}

pub(super) async fn list(
    core: &Core,
    request: Request<pb::ListIdentitiesRequest>,
) -> Result<pb::ListIdentitiesResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let request = request.into_inner();
    let account = account_id_of(&caller, ("parent", &request.parent))?;
    require_sight(&caller, account, Error::AccountNotFound)?;
    let size = page_size(request.page_size)?;
    let reader = format!("{} identities of {account}", caller.uid().unwrap_or_default());
    let now = core.clock.now_seconds();
    let after = match request.page_token.as_str() {
        "" => String::new(),
        token => page_token::open::<Uuid>(&core.key_encryption_key, &reader, token, now)?.to_string(),
    };
    // An account has a few: the page is cut out of all.
    let read = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move {
            // An administrator is told of an account that does not exist.
            accounts::find(conn, account).await?.ok_or(Error::AccountNotFound)?;
            Ok::<_, Error>(identities::of_account(conn, &account.to_string()).await?)
        })
    });
    let mut page: Vec<IdentityRow> = read.await?.into_iter().filter(|row| row.uid > after).take(size + 1).collect();
    let more = page.len() > size;
    page.truncate(size);
    let last = page.last().filter(|_| more).map(|row| row.uid.clone());
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    let identities = page.iter().map(|row| identity_to_pb(account, row)).collect();
    Ok(pb::ListIdentitiesResponse { identities, next_page_token })
}
