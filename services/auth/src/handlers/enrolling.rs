//! Apps that make codes, and recovery codes: how an account gets them.

use mainstay_db::{Atomic, Lane};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::beginning::kinds_of;
use super::credentials::credentials_if_minted;
use super::factors::{factor_name, factor_name_of, factor_to_pb};
use super::owner::{find, is_own, own_account_of, require_level, require_recent};
use super::proving::wrong;
use super::sending::{notice, wake};
use super::stepping_up::{own_session, raise};
use super::switching::acting;
use super::whose::with_roles;
use super::{origin, trail};
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::authentication::Method;
use crate::domain::factor::{self, ENROLMENT_LASTS, MOST_TOTP};
use crate::domain::one_time_secret::SecretHash;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::session::micros;
use crate::domain::totp::TotpSecret;
use crate::error::Error;
use crate::mail::Kind;
use crate::store::factors::{self, FactorRow};
use crate::store::{accounts, mails, recovery_codes};

pub(super) async fn enroll_totp(
    core: &Core,
    request: Request<pb::EnrollTotpRequest>,
) -> Result<pb::EnrollTotpResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let pb::EnrollTotpRequest { parent, display_name } = request.get_ref();
    let account = own_account_of(&caller, ("parent", parent))?;
    let row = find(core, account).await?;
    if !row.email_verified {
        return Err(Error::EmailNotVerified);
    }
    require_level(core, &caller, account).await?;
    require_recent(core, &caller)?;
    let display_name = name_of(display_name, factor::Kind::Totp)?;
    let secret = TotpSecret::generate()?;
    let uid = Uuid::now_v7().as_hyphenated().to_string();
    let factor = FactorRow {
        account_uid: row.uid.clone(),
        kind: factor::Kind::Totp.word().to_owned(),
        display_name,
        sealed_content: secret.seal(&core.key_encryption_key, &uid)?,
        uid,
        credential_id: None,
        counter: 0,
        create_time: core.clock.now_micros(),
        confirm_time: None,
        use_time: None,
    };
    let stored = factor.clone();
    let begun = core.database.write(Atomic::Transaction, move |conn| {
        let factor = stored.clone();
        Box::pin(async move {
            let kinds = factors::kinds(conn, &factor.account_uid).await?;
            if kinds.iter().filter(|kind| **kind == factor.kind).count() >= MOST_TOTP {
                return Err(Error::TooManyFactors(MOST_TOTP));
            }
            factors::remove_begun(conn, &factor.account_uid).await?;
            Ok(factors::insert(conn, &factor).await?)
        })
    });
    begun.await?;
    Ok(pb::EnrollTotpResponse {
        factor: Some(factor_to_pb(account, &factor)?),
        uri: secret.uri(&core.application, &row.email)?,
        secret: secret.to_text(),
    })
}

/// What a factor is called: what its owner says, or something that says what it is.
pub(super) fn name_of(text: &str, kind: factor::Kind) -> Result<String, Error> {
    let text = if text.is_empty() { kind.usual_name() } else { text };
    factor::name(text).map_err(|problem| Error::Violations(vec![Violation::new("display_name", problem)]))
}

pub(super) async fn confirm_totp(
    core: &Core,
    request: Request<pb::ConfirmTotpRequest>,
) -> Result<pb::ConfirmTotpResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    let pb::ConfirmTotpRequest { name, code } = request.get_ref();
    let (account, uid) = factor_name(&caller, ("name", name))?;
    if !is_own(&caller, account) {
        return Err(Error::FactorNotFound);
    }
    let (_, session) = own_session(&caller)?;
    if code.is_empty() {
        return Err(Error::Violations(vec![Violation::new("code", "is required")]));
    }
    let attempt = core.limits.second_factor(origin, &account.to_string())?;
    require_level(core, &caller, account).await?;
    let now = core.clock.now_micros();
    let since = now.saturating_sub(micros(ENROLMENT_LASTS));
    let begun = begun(core, account, uid, since).await?;
    let secret = TotpSecret::open(&core.key_encryption_key, &begun.uid, &begun.sealed_content)?;
    let Some(step) = secret.step_of(code, core.clock.now_seconds()) else { return Err(wrong(core, &trail, account)) };
    let row = find(core, account).await?;
    let told = notice(core, Kind::FactorAdded, &row, &row.email)?;
    let (codes, hashes) = codes_for(core, account)?;
    let (timeouts, by) = (core.timeouts, trail.clone());
    let confirmed = core.database.write(Atomic::Transaction, move |conn| {
        let (uid, hashes, trail, told) = (begun.uid.clone(), hashes.clone(), by.clone(), told.clone());
        Box::pin(async move {
            let own = account.to_string();
            let is_first = kinds_of(conn, account).await?.is_empty();
            if !factors::confirm(conn, (&own, &uid), step, since, now).await? {
                return Err(Error::FactorNotFound);
            }
            if is_first {
                recovery_codes::replace(conn, &own, &hashes).await?;
            }
            let session = raise(conn, (account, session), Method::Totp, (now, timeouts)).await?;
            let added = Told::of(factor_name_of(account, &uid)).with("kind", factor::Kind::Totp.word());
            trail.note(conn, now, Action::AddFactor, account, added).await?;
            if let Some(mail) = &told {
                mails::insert(conn, mail).await?;
            }
            let factor = factors::find(conn, &own, &uid).await?.ok_or(Error::FactorNotFound)?;
            let row = accounts::find(conn, account).await?;
            let acting = acting(conn, &session).await?;
            Ok((factor, is_first, (with_roles(conn, row).await?, acting), session))
        })
    });
    let (factor, is_first, (owner, acting), session) = confirmed.await?;
    attempt.succeeded();
    wake(core);
    Ok(pb::ConfirmTotpResponse {
        factor: Some(factor_to_pb(account, &factor)?),
        recovery_codes: if is_first { codes } else { Vec::new() },
        credentials: credentials_if_minted(core, (&owner, acting.as_ref()), &session, &trail).await?,
    })
}

/// What the account has begun to enrol since then.
async fn begun(core: &Core, account: AccountId, uid: String, since: i64) -> Result<FactorRow, Error> {
    let found = core.database.read(Lane::Inline, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(factors::find(conn, &account.to_string(), &uid).await?) })
    });
    let waits = |row: &FactorRow| {
        row.confirm_time.is_none() && row.create_time > since && row.kind == factor::Kind::Totp.word()
    };
    found.await?.filter(waits).ok_or(Error::FactorNotFound)
}

/// Draws recovery codes for an account: as they are shown, and as they are stored.
pub(super) fn codes_for(core: &Core, account: AccountId) -> Result<(Vec<String>, Vec<SecretHash>), Error> {
    let codes = RecoveryCode::generate_all()?;
    let hashes = codes.iter().map(|code| code.hash(&core.hash_key, account)).collect();
    Ok((codes.iter().map(RecoveryCode::to_text).collect(), hashes))
}

pub(super) async fn regenerate_recovery_codes(
    core: &Core,
    request: Request<pb::RegenerateRecoveryCodesRequest>,
) -> Result<pb::RegenerateRecoveryCodesResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let account = own_account_of(&caller, ("parent", &request.get_ref().parent))?;
    require_level(core, &caller, account).await?;
    require_recent(core, &caller)?;
    let (recovery_codes, hashes) = codes_for(core, account)?;
    let now = core.clock.now_micros();
    let replaced = core.database.write(Atomic::Transaction, move |conn| {
        let (hashes, trail) = (hashes.clone(), trail.clone());
        Box::pin(async move {
            if kinds_of(conn, account).await?.is_empty() {
                return Err(Error::NoFactor);
            }
            recovery_codes::replace(conn, &account.to_string(), &hashes).await?;
            trail.note(conn, now, Action::RegenerateRecoveryCodes, account, Told::default()).await
        })
    });
    replaced.await?;
    Ok(pb::RegenerateRecoveryCodesResponse { recovery_codes })
}
