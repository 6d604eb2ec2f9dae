//! Signing in with what a mail carries: a link, or a code to be typed.

use std::sync::Arc;

use mainstay_db::{Atomic, Conn};
use mainstay_identity::Revocation;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::beginning::{Beginning, answer, begin};
use super::sending::{Presented, required, send_to_whoever_has};
use super::solving::Solver;
use super::whose::with_roles;
use super::{client, origin, trail};
use crate::audit::Trail;
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::authentication::Method;
use crate::domain::client::Client;
use crate::domain::one_time_secret::{Code, Purpose};
use crate::error::Error;
use crate::revoking::Moment;
use crate::store::accounts::{self, AccountRow};
use crate::store::one_time_secrets;
use crate::ways_in::take_back;

/// Sends a link and a code where there is an account, and does the same work where there is none.
pub(super) async fn request_sign_in(
    core: &Core,
    request: Request<pb::RequestSignInRequest>,
) -> Result<pb::RequestSignInResponse, Error> {
    let (origin, solver) = (origin(&request)?, Solver::of(&request)?);
    let pb::RequestSignInRequest { email, captcha_token } = request.get_ref();
    let request_id = send_to_whoever_has(core, Purpose::SignIn, email, (origin, &solver, captcha_token)).await?;
    Ok(pb::RequestSignInResponse { request_id })
}

pub(super) async fn sign_in_with_link(
    core: &Core,
    request: Request<pb::SignInWithLinkRequest>,
) -> Result<pb::Credentials, Error> {
    let token = request.get_ref().token.as_str();
    required(token).map_or(Ok(()), |violation| Err(Error::Violations(vec![violation])))?;
    let attempt = core.limits.token(origin(&request)?)?;
    let signed_in = use_up(core, Presented::read(token)?, (client(&request)?, trail(&request)?)).await?;
    attempt.succeeded();
    Ok(signed_in)
}

pub(super) async fn sign_in_with_code(
    core: &Core,
    request: Request<pb::SignInWithCodeRequest>,
) -> Result<pb::Credentials, Error> {
    let pb::SignInWithCodeRequest { request_id, code } = request.get_ref();
    let id = Uuid::try_parse(request_id).ok();
    let mut violations = Vec::new();
    if id.is_none() {
        violations.push(Violation::new("request_id", "is not one that `RequestSignIn` gives"));
    }
    if code.is_empty() {
        violations.push(Violation::new("code", "is required"));
    }
    let Some(id) = id.filter(|_| violations.is_empty()) else { return Err(Error::Violations(violations)) };
    let attempt = core.limits.token(origin(&request)?)?;
    let now = core.clock.now_micros();
    // Counted before it is compared: of many at once no more are looked at than may be tried.
    let counted = core.database.write(Atomic::Statement, move |conn| {
        Box::pin(async move { Ok::<_, Error>(one_time_secrets::take_try(conn, id, now).await?) })
    });
    let is_let_through = counted.await?;
    let code = Code::parse(code).filter(|_| is_let_through).ok_or(Error::WrongCode)?;
    let presented = Presented::code(id, core.hash_key.code(id, &code));
    let signed_in =
        use_up(core, presented, (client(&request)?, trail(&request)?)).await.map_err(|error| match error {
            Error::SecretNotFound => Error::WrongCode,
            other => other,
        })?;
    attempt.succeeded();
    Ok(signed_in)
}

/// Uses the secret up and begins a session, or asks for a factor.
async fn use_up(core: &Core, presented: Presented, (client, trail): (Client, Trail)) -> Result<pb::Credentials, Error> {
    let (key, now, moment) = (Arc::clone(&core.hash_key), core.clock.now_micros(), core.moment());
    let nobodys = core.hasher.of_nobody()?;
    let beginning = Beginning { now, timeouts: core.timeouts, client, trail: trail.clone() };
    let begun = core.database.write(Atomic::Transaction, move |conn| {
        let (key, nobodys, beginning) = (Arc::clone(&key), nobodys.clone(), beginning.clone());
        Box::pin(async move {
            let (_, row) = presented.take(conn, &key, &[Purpose::SignIn], now).await?;
            if row.disable_time.is_some() {
                return Err(Error::AccountDisabled);
            }
            let (account, ended) = proved(conn, row, &nobodys, (now, moment)).await?;
            let begun = begin(conn, account.id, Method::OneTimeSecret, &beginning).await?;
            Ok::<_, Error>((account, begun, ended))
        })
    });
    let (account, begun, ended) = begun.await?;
    core.tell(ended);
    answer(core, &account, begun, &trail).await
}

/// Whoever reads the mail has the address. Where that had not been shown before, somebody else may have made the account and
/// know its password: that is good no more, and neither are their sessions and links.
async fn proved(
    conn: &mut Conn<'_>,
    row: AccountRow,
    nobodys: &str,
    (now, moment): (i64, Moment),
) -> Result<(Account, Option<Revocation>), Error> {
    if row.email_verified {
        return Ok((with_roles(conn, Some(row)).await?, None));
    }
    let ended = take_back(conn, &row, nobodys, (now, moment)).await?;
    let row = accounts::find(conn, row.id()?).await?;
    Ok((with_roles(conn, row).await?, Some(ended)))
}
