//! How an account gets a passkey.

use mainstay_db::{Atomic, Conn};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;
use uuid::Uuid;

use super::asking::{Asking, ask, found, passkeys_of, passkeys_of_account, required};
use super::json::{from_struct, to_struct};
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::authentication::Method;
use crate::domain::challenge::{ChallengeToken, Purpose};
use crate::domain::factor::{Kind as FactorKind, MOST_PASSKEYS};
use crate::error::Error;
use crate::handlers::beginning::kinds_of;
use crate::handlers::credentials::credentials_if_minted;
use crate::handlers::enrolling::{codes_for, name_of};
use crate::handlers::factors::{factor_name_of, factor_to_pb};
use crate::handlers::owner::{find, own_account_of, require_level, require_recent};
use crate::handlers::sending::{notice, wake};
use crate::handlers::stepping_up::{own_session, raise};
use crate::handlers::switching::acting;
use crate::handlers::whose::with_roles;
use crate::handlers::{origin, timestamp, trail};
use crate::mail::Kind;
use crate::passkeys::{self, State};
use crate::store::factors::{self, FactorRow};
use crate::store::{accounts, challenges, mails, recovery_codes};

pub(in crate::handlers) async fn begin(
    core: &Core,
    request: Request<pb::BeginPasskeyRequest>,
) -> Result<pb::BeginPasskeyResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let account = own_account_of(&caller, ("parent", &request.get_ref().parent))?;
    let row = find(core, account).await?;
    let passkeys = passkeys_of(core)?;
    if !row.email_verified {
        return Err(Error::EmailNotVerified);
    }
    require_level(core, &caller, account).await?;
    require_recent(core, &caller)?;
    // Each is a row for some minutes.
    core.limits.challenge(origin(&request)?)?;
    let known = passkeys_of_account(core, account).await?;
    if known.len() >= MOST_PASSKEYS {
        return Err(Error::TooManyFactors(MOST_PASSKEYS));
    }
    let shown = if row.display_name.is_empty() { &row.email } else { &row.display_name };
    let (options, ceremony) = passkeys.begin_registration(account.uuid(), (&row.email, shown), &known)?;
    let state = State { ceremony, waiting: None };
    let asking = Asking { purpose: Purpose::Enrol, account: Some(account), shown: None, state, until: i64::MAX };
    let (token, expire_time) = ask(core, asking).await?;
    Ok(pb::BeginPasskeyResponse {
        challenge: token.to_text(),
        options: Some(to_struct(options)),
        expire_time: Some(timestamp(expire_time)),
    })
}

pub(in crate::handlers) async fn finish(
    core: &Core,
    request: Request<pb::FinishPasskeyRequest>,
) -> Result<pb::FinishPasskeyResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    let pb::FinishPasskeyRequest { parent, challenge, credential, display_name } = request.into_inner();
    let account = own_account_of(&caller, ("parent", &parent))?;
    let (_, session) = own_session(&caller)?;
    required(&challenge, credential.is_some())?;
    let display_name = name_of(&display_name, FactorKind::Passkey)?;
    let attempt = core.limits.token(origin)?;
    require_level(core, &caller, account).await?;
    let passkeys = passkeys_of(core)?;
    let token = ChallengeToken::parse(&challenge).ok_or(Error::ChallengeOver)?;
    let (challenge, state) = found(core, &token, Purpose::Enrol).await?;
    if challenge.account != Some(account) {
        return Err(Error::ChallengeOver);
    }
    let passkey = passkeys.finish_registration(&state.ceremony, from_struct(credential.unwrap_or_default()))?;
    let now = core.clock.now_micros();
    let uid = Uuid::now_v7().as_hyphenated().to_string();
    let (counter, synced) = passkeys::facts(&passkey);
    let factor = FactorRow {
        account_uid: account.to_string(),
        kind: FactorKind::Passkey.word().to_owned(),
        display_name,
        sealed_content: passkeys::seal(&passkey, &core.key_encryption_key, &uid)?,
        uid,
        credential_id: Some(passkey.cred_id().to_vec()),
        counter,
        create_time: now,
        confirm_time: Some(now),
        use_time: Some(now),
    };
    let answer = add(core, (challenge.id, factor), (account, session), (trail, synced)).await?;
    attempt.succeeded();
    Ok(answer)
}

/// Adds a passkey, and gives recovery codes where it is the first factor.
async fn add(
    core: &Core,
    (challenge, factor): (Uuid, FactorRow),
    (account, session): (AccountId, Uuid),
    (trail, synced): (Trail, bool),
) -> Result<pb::FinishPasskeyResponse, Error> {
    let row = find(core, account).await?;
    let told = notice(core, Kind::FactorAdded, &row, &row.email)?;
    let (codes, hashes) = codes_for(core, account)?;
    let (now, timeouts, shown, by) = (factor.create_time, core.timeouts, factor.clone(), trail.clone());
    let added = core.database.write(Atomic::Transaction, move |conn| {
        let (factor, hashes, trail, told) = (factor.clone(), hashes.clone(), by.clone(), told.clone());
        Box::pin(async move {
            if !challenges::use_up(conn, challenge, now).await? {
                return Err(Error::ChallengeOver);
            }
            // The address may be another one since it was begun.
            if !accounts::find(conn, account).await?.is_some_and(|row| row.email_verified) {
                return Err(Error::EmailNotVerified);
            }
            let is_first = kinds_of(conn, account).await?.is_empty();
            insert(conn, &factor).await?;
            if is_first {
                recovery_codes::replace(conn, &factor.account_uid, &hashes).await?;
            }
            let method = Method::Passkey { synced, verified: true };
            let session = raise(conn, (account, session), method, (now, timeouts)).await?;
            let added = Told::of(factor_name_of(account, &factor.uid)).with("kind", FactorKind::Passkey.word());
            trail.note(conn, now, Action::AddFactor, account, added).await?;
            if let Some(mail) = &told {
                mails::insert(conn, mail).await?;
            }
            let row = accounts::find(conn, account).await?;
            let acting = acting(conn, &session).await?;
            Ok((is_first, (with_roles(conn, row).await?, acting), session))
        })
    });
    let (is_first, (owner, acting), session) = added.await?;
    wake(core);
    Ok(pb::FinishPasskeyResponse {
        factor: Some(factor_to_pb(account, &shown)?),
        recovery_codes: if is_first { codes } else { Vec::new() },
        credentials: credentials_if_minted(core, (&owner, acting.as_ref()), &session, &trail).await?,
    })
}

/// Stores a passkey, unless its account has as many as it may.
async fn insert(conn: &mut Conn<'_>, factor: &FactorRow) -> Result<(), Error> {
    let kinds = factors::kinds(conn, &factor.account_uid).await?;
    if kinds.iter().filter(|kind| **kind == factor.kind).count() >= MOST_PASSKEYS {
        return Err(Error::TooManyFactors(MOST_PASSKEYS));
    }
    Ok(factors::insert(conn, factor).await?)
}
