//! Passkeys: how an account gets one, and how it is signed in to with one.

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_identity::{Kind as CallerKind, Principal};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;
use webauthn_rs::prelude::{Passkey, PublicKeyCredential, WebauthnError};

use super::beginning::{Beginning, begin_with};
use super::credentials::credentials;
use super::enrolling::{codes_for, name_of};
use super::factors::{factor_name_of, factor_to_pb};
use super::json::{from_struct, to_struct};
use super::owner::{find, own_account_of, require_level, require_recent};
use super::proving::Proof;
use super::second_factor::look;
use super::sending::{notice, wake};
use super::stepping_up::{own_session, raise};
use super::whose::with_roles;
use super::{client, origin, timestamp, trail};
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::authentication::{Authentication, Method};
use crate::domain::challenge::{self, Challenge, ChallengeToken, Purpose};
use crate::domain::factor::{self, MOST_PASSKEYS};
use crate::domain::one_time_secret::SecretHash;
use crate::domain::session::micros;
use crate::error::Error;
use crate::limits::Origin;
use crate::mail::Kind;
use crate::passkeys::{self, Passkeys, State};
use crate::store::factors::{self, FactorRow};
use crate::store::{accounts, challenges, mails, recovery_codes};

fn passkeys_of(core: &Core) -> Result<&Passkeys, Error> {
    core.passkeys.as_ref().ok_or(Error::NoPasskeys)
}

pub(super) async fn begin_enrolment(
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
    let known = passkeys_of_account(core, account).await?;
    if known.len() >= MOST_PASSKEYS {
        return Err(Error::TooManyFactors(MOST_PASSKEYS));
    }
    let (options, state) = passkeys.begin_registration(account.uuid(), &row.email, &known)?;
    let asked = ask(core, (Purpose::Enrol, Some(account), None), &state).await?;
    Ok(pb::BeginPasskeyResponse { challenge: asked.to_text(), options: Some(to_struct(options)) })
}

/// The passkeys of an account.
async fn passkeys_of_account(core: &Core, account: AccountId) -> Result<Vec<Passkey>, Error> {
    let uid = account.to_string();
    let read = core.database.read(Lane::Inline, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(factors::of_account(conn, &uid).await?) })
    });
    let rows = read.await?;
    let rows = rows.iter().filter(|row| row.kind == factor::Kind::Passkey.word());
    let open = |row: &FactorRow| passkeys::open(&core.key_encryption_key, &row.uid, &row.sealed_content);
    Ok(rows.map(open).collect::<Result<_, _>>()?)
}

/// Stores what the protocol has to know again, and gives the token that finds it.
async fn ask(
    core: &Core,
    (purpose, account, shown): (Purpose, Option<AccountId>, Option<Authentication>),
    state: &State,
) -> Result<ChallengeToken, Error> {
    let id = Uuid::now_v7();
    let token = ChallengeToken::of(id)?;
    let create_time = core.clock.now_micros();
    let challenge = Challenge {
        id,
        purpose,
        account,
        hash: token.hash(),
        shown,
        sealed_state: Some(state.seal(&core.key_encryption_key, id)?),
        create_time,
        expire_time: create_time.saturating_add(micros(challenge::LASTS)),
        use_time: None,
    };
    let stored = core.database.write(Atomic::Statement, move |conn| {
        let challenge = challenge.clone();
        Box::pin(async move { Ok::<_, Error>(challenges::insert(conn, &challenge).await?) })
    });
    stored.await?;
    Ok(token)
}

/// Finds a challenge that is good for this.
async fn found(core: &Core, token: &ChallengeToken, purpose: Purpose, now: i64) -> Result<Challenge, Error> {
    let (id, hash) = (token.id(), token.hash());
    let read = core.database.read(Lane::Inline, move |conn| Box::pin(admitted(conn, (id, hash), purpose, now)));
    read.await
}

async fn admitted(
    conn: &mut Conn<'_>,
    (id, hash): (Uuid, SecretHash),
    purpose: Purpose,
    now: i64,
) -> Result<Challenge, Error> {
    let row = challenges::find(conn, id).await?.ok_or(Error::ChallengeOver)?;
    let challenge = Challenge::try_from(row)?;
    if challenge.admits(hash, purpose, now) { Ok(challenge) } else { Err(Error::ChallengeOver) }
}

pub(super) async fn finish_enrolment(
    core: &Core,
    request: Request<pb::FinishPasskeyRequest>,
) -> Result<pb::FinishPasskeyResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    let pb::FinishPasskeyRequest { parent, challenge, credential, display_name } = request.into_inner();
    let account = own_account_of(&caller, ("parent", &parent))?;
    let (_, session) = own_session(&caller)?;
    required(&challenge, credential.is_some())?;
    let display_name = name_of(&display_name, factor::Kind::Passkey)?;
    let attempt = core.limits.token(origin)?;
    require_level(core, &caller, account).await?;
    let passkeys = passkeys_of(core)?;
    let token = ChallengeToken::parse(&challenge).ok_or(Error::ChallengeOver)?;
    let now = core.clock.now_micros();
    let challenge = found(core, &token, Purpose::Enrol, now).await?;
    if challenge.account != Some(account) {
        return Err(Error::ChallengeOver);
    }
    let sealed = challenge.sealed_state.as_deref().ok_or(Error::ChallengeOver)?;
    let state = State::open(&core.key_encryption_key, challenge.id, sealed)?;
    let passkey = passkeys.finish_registration(&state, from_struct(credential.unwrap_or_default()));
    let passkey = passkey.ok_or(Error::PasskeyRefused)?;
    let uid = Uuid::now_v7().as_hyphenated().to_string();
    let (counter, synced) = passkeys::facts(&passkey);
    let factor = FactorRow {
        account_uid: account.to_string(),
        kind: factor::Kind::Passkey.word().to_owned(),
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
    let (now, timeouts, shown) = (factor.create_time, core.timeouts, factor.clone());
    let added = core.database.write(Atomic::Transaction, move |conn| {
        let (factor, hashes, trail, told) = (factor.clone(), hashes.clone(), trail.clone(), told.clone());
        Box::pin(async move {
            if !challenges::use_up(conn, challenge, now).await? {
                return Err(Error::ChallengeOver);
            }
            let kinds = factors::kinds(conn, &factor.account_uid).await?;
            if kinds.iter().filter(|kind| **kind == factor.kind).count() >= MOST_PASSKEYS {
                return Err(Error::TooManyFactors(MOST_PASSKEYS));
            }
            factors::insert(conn, &factor).await?;
            if kinds.is_empty() {
                recovery_codes::replace(conn, &factor.account_uid, &hashes).await?;
            }
            let method = Method::Passkey { synced, verified: true };
            let session = raise(conn, (account, session), method, (now, timeouts)).await?;
            let added = Told::of(factor_name_of(account, &factor.uid)).with("kind", factor::Kind::Passkey.word());
            trail.note(conn, now, Action::AddFactor, account, added).await?;
            if let Some(mail) = &told {
                mails::insert(conn, mail).await?;
            }
            let row = accounts::find(conn, account).await?;
            Ok((kinds.is_empty(), with_roles(conn, row).await?, session))
        })
    });
    let (is_first, owner, session) = added.await?;
    wake(core);
    Ok(pb::FinishPasskeyResponse {
        factor: Some(factor_to_pb(account, &shown)?),
        recovery_codes: if is_first { codes } else { Vec::new() },
        credentials: Some(credentials(core, &owner, &session, None)?),
    })
}

fn required(challenge: &str, has_credential: bool) -> Result<(), Error> {
    let given = [("challenge", !challenge.is_empty()), ("credential", has_credential)];
    let missing = given.into_iter().filter(|(_, given)| !given);
    let missing: Vec<Violation> = missing.map(|(field, _)| Violation::new(field, "is required")).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::Violations(missing)) }
}

/// Asks for a passkey: of the account of a sign-in that waits, of the caller's, or of whoever shows one.
pub(super) async fn begin_sign_in(
    core: &Core,
    request: Request<pb::BeginPasskeySignInRequest>,
) -> Result<pb::BeginPasskeySignInResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let passkeys = passkeys_of(core)?;
    let origin = origin(&request)?;
    core.limits.challenge(origin)?;
    let waiting = request.get_ref().challenge.as_str();
    let (account, shown) = if waiting.is_empty() {
        (own(&caller), None)
    } else {
        let waiting = waiting_for(core, waiting, origin).await?;
        (waiting.account, waiting.shown)
    };
    let known = match account {
        Some(account) => passkeys_of_account(core, account).await?,
        None => Vec::new(),
    };
    let (options, state) =
        if known.is_empty() { passkeys.begin_discoverable()? } else { passkeys.begin_known(&known)? };
    let token = ask(core, (Purpose::Passkey, account, shown), &state).await?;
    let expire_time = core.clock.now_micros().saturating_add(micros(challenge::LASTS));
    Ok(pb::BeginPasskeySignInResponse {
        challenge: token.to_text(),
        options: Some(to_struct(options)),
        expire_time: Some(timestamp(expire_time)),
    })
}

fn own(caller: &Principal) -> Option<AccountId> {
    caller.uid().filter(|_| caller.kind() == CallerKind::User).and_then(|uid| uid.parse().ok())
}

/// The sign-in whose first secret was right.
async fn waiting_for(core: &Core, text: &str, origin: Origin) -> Result<Challenge, Error> {
    let attempt = core.limits.token(origin)?;
    let token = ChallengeToken::parse(text).ok_or(Error::ChallengeOver)?;
    let (id, hash, now) = (token.id(), token.hash(), core.clock.now_micros());
    let read = core.database.read(Lane::Inline, move |conn| Box::pin(look(conn, (id, hash), now)));
    let (challenge, _) = read.await?;
    attempt.succeeded();
    Ok(challenge)
}

/// What an authenticator has shown, and was right.
pub(super) struct Judged {
    pub(super) challenge: Uuid,
    hash: SecretHash,
    pub(super) account: AccountId,
    /// What was shown before it.
    shown: Option<Authentication>,
    pub(super) proof: Proof,
}

/// Judges what an authenticator has signed. Whatever is wrong with it, the answer is the same.
pub(super) async fn judge(
    core: &Core,
    (challenge, credential): (&str, Option<prost_types::Struct>),
    (origin, trail): (Origin, &Trail),
) -> Result<Judged, Error> {
    required(challenge, credential.is_some())?;
    let passkeys = passkeys_of(core)?;
    let attempt = core.limits.token(origin)?;
    let token = ChallengeToken::parse(challenge).ok_or(Error::ChallengeOver)?;
    let challenge = found(core, &token, Purpose::Passkey, core.clock.now_micros()).await?;
    let shown: PublicKeyCredential =
        serde_json::from_value(from_struct(credential.unwrap_or_default())).map_err(|_| Error::PasskeyRefused)?;
    let id = shown.get_credential_id().to_vec();
    let read = core.database.read(Lane::Inline, move |conn| {
        let id = id.clone();
        Box::pin(async move { Ok::<_, Error>(factors::of_credential(conn, &id).await?) })
    });
    let row = read.await?.ok_or(Error::PasskeyRefused)?;
    let account: AccountId = row.account_uid.parse().map_err(|_| Error::PasskeyRefused)?;
    if challenge.account.is_some_and(|bound| bound != account) {
        return Err(Error::PasskeyRefused);
    }
    let sealed = challenge.sealed_state.as_deref().ok_or(Error::ChallengeOver)?;
    let state = State::open(&core.key_encryption_key, challenge.id, sealed)?;
    let mut passkey = passkeys::open(&core.key_encryption_key, &row.uid, &row.sealed_content)?;
    let result = passkeys.judge(state, &shown, account.uuid(), &passkey).map_err(|error| {
        if matches!(error, WebauthnError::CredentialPossibleCompromise) {
            return cloned(core, trail, account, &row.uid);
        }
        Error::PasskeyRefused
    })?;
    passkey.update_credential(&result);
    attempt.succeeded();
    Ok(Judged {
        challenge: challenge.id,
        hash: token.hash(),
        account,
        shown: challenge.shown,
        proof: Proof::Passkey {
            content: passkeys::seal(&passkey, &core.key_encryption_key, &row.uid)?,
            before: row.counter,
            after: row.counter.max(result.counter().into()),
            synced: result.backup_eligible(),
            factor: row.uid,
        },
    })
}

/// Two of one passkey sign: the counter of one of them is behind. It is noted, and neither is told apart from what is wrong.
fn cloned(core: &Core, trail: &Trail, account: AccountId, factor: &str) -> Error {
    let told = Told::of(factor_name_of(account, factor));
    match trail.event(core.clock.now_micros(), Action::PasskeyCloned, account, told) {
        Ok(event) => {
            core.failures.add(event);
            tracing::warn!(%account, factor, "a passkey has signed less often than before: there may be two of it; it was refused");
            Error::PasskeyRefused
        }
        Err(error) => error,
    }
}

pub(super) async fn sign_in(
    core: &Core,
    request: Request<pb::SignInWithPasskeyRequest>,
) -> Result<pb::Credentials, Error> {
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    let now = core.clock.now_micros();
    let beginning = Beginning { now, timeouts: core.timeouts, client: client(&request)?, trail: trail.clone() };
    let pb::SignInWithPasskeyRequest { challenge, credential } = request.into_inner();
    let judged = judge(core, (&challenge, credential), (origin, &trail)).await?;
    let Judged { challenge, hash, account, shown, proof } = judged;
    let begun = core.database.write(Atomic::Transaction, move |conn| {
        let (shown, proof, beginning) = (shown.clone(), proof.clone(), beginning.clone());
        Box::pin(async move {
            admitted(conn, (challenge, hash), Purpose::Passkey, now).await?;
            let row = accounts::find(conn, account).await?.ok_or(Error::PasskeyRefused)?;
            if row.disable_time.is_some() {
                return Err(Error::AccountDisabled);
            }
            use_up(conn, challenge, &proof, (account, now)).await?;
            let method = proof.method();
            let shown = shown.map_or_else(|| Authentication::by(method, now), |shown| shown.with(method, now));
            let begun = begin_with(conn, account, shown, &beginning).await?;
            Ok((with_roles(conn, Some(row)).await?, begun))
        })
    });
    let (account, (session, token)) = begun.await?;
    credentials(core, &account, &session, Some(&token))
}

/// Uses a challenge and what was shown for it, each once.
pub(super) async fn use_up(
    conn: &mut Conn<'_>,
    challenge: Uuid,
    proof: &Proof,
    (account, now): (AccountId, i64),
) -> Result<(), Error> {
    if !challenges::use_up(conn, challenge, now).await? {
        return Err(Error::ChallengeOver);
    }
    if proof.take(conn, account, now).await? { Ok(()) } else { Err(Error::PasskeyRefused) }
}
