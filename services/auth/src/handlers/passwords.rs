//! Passwords that were forgotten, and those that are changed.

use std::sync::Arc;

use mainstay_db::{Atomic, Lane};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;
use uuid::Uuid;

use super::owner::{find, own_account, prove_password, require_level};
use super::sending::{Presented, notice, required, send_to_whoever_has, wake};
use super::solving::Solver;
use super::{origin, trail};
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::one_time_secret::Purpose;
use crate::domain::password::Password;
use crate::error::{Error, refused_password_in};
use crate::mail::Kind;
use crate::revoking::end_sessions;
use crate::store::accounts;
use crate::store::{mails, one_time_secrets};
use crate::ways_in::remove_others;

/// What is of no more use when the password is another one: all that somebody may have asked for who knew the old one.
const OF_THE_OLD_PASSWORD: [Purpose; 4] =
    [Purpose::ResetPassword, Purpose::ChangeEmail, Purpose::ApproveEmailChange, Purpose::SignIn];

/// Sends a link where there is an account, and does the same work where there is none.
pub(super) async fn request_password_reset(
    core: &Core,
    request: Request<pb::RequestPasswordResetRequest>,
) -> Result<(), Error> {
    let (origin, solver) = (origin(&request)?, Solver::of(&request)?);
    let pb::RequestPasswordResetRequest { email, captcha_token } = request.get_ref();
    send_to_whoever_has(core, Purpose::ResetPassword, email, (origin, &solver, captcha_token)).await.map(drop)
}

pub(super) async fn reset_password(core: &Core, request: Request<pb::ResetPasswordRequest>) -> Result<(), Error> {
    let origin = origin(&request)?;
    let pb::ResetPasswordRequest { token, new_password } = request.get_ref();
    let mut violations: Vec<_> = required(token).into_iter().collect();
    // Whose it is is not known before the secret is looked at, and that comes later: nothing of the owner is known here.
    let password = core.passwords.choose(new_password, "").await?;
    let password = password.map_err(|problem| violations.push(refused_password_in("new_password", problem)));
    let Some(password) = password.ok().filter(|_| violations.is_empty()) else {
        return Err(Error::Violations(violations));
    };
    let attempt = core.limits.token(origin)?;
    let trail = trail(&request)?;
    let presented = Presented::read(token)?;
    let (key, now) = (Arc::clone(&core.hash_key), core.clock.now_micros());
    // What is not good is not worth a hash.
    let looking = Arc::clone(&key);
    let found = core.database.read(Lane::Inline, move |conn| {
        let key = Arc::clone(&looking);
        Box::pin(async move { presented.find(conn, &key, &[Purpose::ResetPassword], now).await })
    });
    let (_, row) = found.await?;
    let told = notice(core, Kind::PasswordChanged, &row, &row.email)?;
    let hash = core.hasher.hash(password, origin).await?;
    let moment = core.moment();
    let reset = core.database.write(Atomic::Transaction, move |conn| {
        let (key, hash, told, trail) = (Arc::clone(&key), hash.clone(), told.clone(), trail.clone());
        Box::pin(async move {
            let (_, row) = presented.take(conn, &key, &[Purpose::ResetPassword], now).await?;
            if !accounts::reset_password(conn, &row, &hash, now).await? {
                return Err(Error::Contention);
            }
            let id = row.id()?;
            trail.by(id).note(conn, now, Action::ResetPassword, id, Told::default()).await?;
            let (_, ended) = end_sessions(conn, moment, id, None).await?;
            one_time_secrets::use_up_all(conn, &row.uid, &OF_THE_OLD_PASSWORD, now).await?;
            if !row.email_verified {
                remove_others(conn, &row.uid).await?;
            }
            if let Some(mail) = &told {
                mails::insert(conn, mail).await?;
            }
            Ok::<_, Error>(ended)
        })
    });
    core.tell([reset.await?]);
    attempt.succeeded();
    wake(core);
    Ok(())
}

pub(super) async fn change_password(core: &Core, request: Request<pb::ChangePasswordRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let origin = origin(&request)?;
    let trail = trail(&request)?;
    let request = request.get_ref();
    let id = own_account(&caller, &request.name)?;
    let row = find(core, id).await?;
    require_level(core, &caller, id).await?;
    let (old, new) = read_change(core, request, &row.email).await?;
    prove_password(core, &row, old, (origin, &trail)).await?;
    let hash = core.hasher.hash(new, origin).await?;
    // Who has not shown that the address is theirs may have written another's.
    let told = if row.email_verified { notice(core, Kind::PasswordChanged, &row, &row.email)? } else { None };
    let kept = caller.session_id().and_then(|sid| Uuid::try_parse(sid).ok());
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let changed = core.database.write(Atomic::Transaction, move |conn| {
        let (row, hash, told, trail) = (row.clone(), hash.clone(), told.clone(), trail.clone());
        Box::pin(async move {
            if !accounts::replace_password_hash(conn, &row.uid, &row.password_hash, &hash).await? {
                return Err(Error::Contention);
            }
            trail.note(conn, now, Action::ChangePassword, id, Told::default()).await?;
            let (_, ended) = end_sessions(conn, moment, id, kept).await?;
            one_time_secrets::use_up_all(conn, &row.uid, &OF_THE_OLD_PASSWORD, now).await?;
            if let Some(mail) = &told {
                mails::insert(conn, mail).await?;
            }
            Ok::<_, Error>(ended)
        })
    });
    core.tell([changed.await?]);
    wake(core);
    Ok(())
}

async fn read_change(
    core: &Core,
    request: &pb::ChangePasswordRequest,
    email: &str,
) -> Result<(Password, Password), Error> {
    let mut violations = Vec::new();
    let old = Password::attempt(&request.old_password)
        .map_err(|problem| violations.push(refused_password_in("old_password", problem)));
    let new = core.passwords.choose(&request.new_password, email).await?;
    let new = new.map_err(|problem| violations.push(refused_password_in("new_password", problem)));
    match (old, new) {
        (Ok(old), Ok(new)) => Ok((old, new)),
        _ => Err(Error::Violations(violations)),
    }
}
