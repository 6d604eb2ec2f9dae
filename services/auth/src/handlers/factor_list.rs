//! Factors as their owner and administrators see them.

use mainstay_db::{Atomic, Lane};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::factors::{factor_name, factor_to_pb};
use super::owner::is_own;
use super::pages::page_size;
use super::whose::{account_id_of, require_sight};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::{factor, page_token};
use crate::error::Error;
use crate::store::factors::{self, FactorRow};
use crate::store::{accounts, recovery_codes};

pub(super) async fn get(core: &Core, request: Request<pb::GetFactorRequest>) -> Result<pb::Factor, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (account, uid) = factor_name(&caller, ("name", &request.get_ref().name))?;
    require_sight(&caller, account, Error::FactorNotFound)?;
    factor_to_pb(account, &find(core, account, uid).await?)
}

async fn find(core: &Core, account: AccountId, uid: String) -> Result<FactorRow, Error> {
    let found = core.database.read(Lane::Inline, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(factors::find(conn, &account.to_string(), &uid).await?) })
    });
    found.await?.filter(|row| row.confirm_time.is_some()).ok_or(Error::FactorNotFound)
}

pub(super) async fn list(
    core: &Core,
    request: Request<pb::ListFactorsRequest>,
) -> Result<pb::ListFactorsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let request = request.into_inner();
    let account = account_id_of(&caller, ("parent", &request.parent))?;
    require_sight(&caller, account, Error::AccountNotFound)?;
    let size = page_size(request.page_size)?;
    let reader = format!("{} factors of {account}", caller.uid().unwrap_or_default());
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
            let uid = account.to_string();
            Ok::<_, Error>((factors::of_account(conn, &uid).await?, recovery_codes::left(conn, &uid).await?))
        })
    });
    let (all, left) = read.await?;
    let mut page: Vec<FactorRow> = all.into_iter().filter(|row| row.uid > after).take(size + 1).collect();
    let more = page.len() > size;
    page.truncate(size);
    let last = page.last().filter(|_| more).map(|row| row.uid.clone());
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    let factors = page.iter().map(|row| factor_to_pb(account, row)).collect::<Result<_, _>>()?;
    let recovery_codes_left = i32::try_from(left).unwrap_or(i32::MAX);
    Ok(pb::ListFactorsResponse { factors, next_page_token, recovery_codes_left })
}

pub(super) async fn update(core: &Core, request: Request<pb::UpdateFactorRequest>) -> Result<pb::Factor, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let pb::UpdateFactorRequest { factor: wanted, update_mask } = request.into_inner();
    let wanted = wanted.unwrap_or_default();
    let (account, uid) = factor_name(&caller, ("factor.name", &wanted.name))?;
    if !is_own(&caller, account) {
        return Err(Error::FactorNotFound);
    }
    let paths = update_mask.map(|mask| mask.paths).unwrap_or_default();
    let unknown = paths.iter().filter(|path| !matches!(path.as_str(), "*" | "display_name"));
    let mut violations: Vec<Violation> =
        unknown.map(|path| Violation::new("update_mask", format!("`{path}` cannot be changed"))).collect();
    let name = factor::name(&wanted.display_name)
        .map_err(|problem| violations.push(Violation::new("factor.display_name", problem)));
    let Some(name) = name.ok().filter(|_| violations.is_empty()) else { return Err(Error::Violations(violations)) };
    let renamed = core.database.write(Atomic::Tentative, move |conn| {
        let (name, uid) = (name.clone(), uid.clone());
        Box::pin(async move {
            let account = account.to_string();
            if !factors::rename(conn, (&account, &uid), &name).await? {
                return Err(Error::FactorNotFound);
            }
            factors::find(conn, &account, &uid).await?.ok_or(Error::FactorNotFound)
        })
    });
    factor_to_pb(account, &renamed.await?)
}
