//! The second half of a sign-in: a factor, or a recovery code in its place, for the challenge that the first half gave.

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::beginning::{Beginning, begin_with};
use super::credentials::first_credentials;
use super::proving::{Proof, wrong};
use super::sending::{notice, wake};
use super::whose::with_roles;
use super::{client, origin, trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::challenge::{Challenge, ChallengeToken, Purpose};
use crate::domain::one_time_secret::SecretHash;
use crate::error::Error;
use crate::limits::Try;
use crate::mail::Kind;
use crate::store::accounts::{self, AccountRow};
use crate::store::challenges;

pub(super) async fn sign_in_with_totp(
    core: &Core,
    request: Request<pb::SignInWithTotpRequest>,
) -> Result<pb::Credentials, Error> {
    let pb::SignInWithTotpRequest { challenge, code } = request.get_ref();
    required(challenge, code)?;
    let met = meet(core, &request, challenge).await?;
    let proof = Proof::totp(core, met.account, code).await?;
    finish(core, met, proof).await
}

pub(super) async fn sign_in_with_recovery_code(
    core: &Core,
    request: Request<pb::SignInWithRecoveryCodeRequest>,
) -> Result<pb::Credentials, Error> {
    let pb::SignInWithRecoveryCodeRequest { challenge, code } = request.get_ref();
    required(challenge, code)?;
    let met = meet(core, &request, challenge).await?;
    let proof = Proof::recovery_code(core, met.account, code);
    finish(core, met, proof).await
}

fn required(challenge: &str, code: &str) -> Result<(), Error> {
    let given = [("challenge", challenge), ("code", code)];
    let missing: Vec<_> = given.iter().filter(|(_, text)| text.is_empty()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Violations(missing.into_iter().map(|(field, _)| Violation::new(*field, "is required")).collect()))
}

/// A challenge that is good, with one try of it counted.
struct Met<'a> {
    id: Uuid,
    hash: SecretHash,
    account: AccountId,
    row: AccountRow,
    attempt: Try<'a>,
    beginning: Beginning,
}

/// Finds the challenge, and counts a try for its account and for itself before anything is compared.
async fn meet<'a, T>(core: &'a Core, request: &Request<T>, text: &str) -> Result<Met<'a>, Error> {
    let origin = origin(request)?;
    let attempt = core.limits.token(origin)?;
    let token = ChallengeToken::parse(text).ok_or(Error::ChallengeOver)?;
    let (id, hash, now) = (token.id(), token.hash(), core.clock.now_micros());
    let found = core.database.read(Lane::Inline, move |conn| Box::pin(look(conn, (id, hash), now)));
    let (_, row) = found.await?;
    attempt.succeeded();
    let account = row.id()?;
    let attempt = core.limits.second_factor(origin, &row.uid)?;
    let counted = core.database.write(Atomic::Statement, move |conn| {
        Box::pin(async move { Ok::<_, Error>(challenges::take_try(conn, id, now).await?) })
    });
    if !counted.await? {
        return Err(Error::ChallengeOver);
    }
    let beginning = Beginning { now, timeouts: core.timeouts, client: client(request)?, trail: trail(request)? };
    Ok(Met { id, hash, account, row, attempt, beginning })
}

/// Finds a challenge that is good, and its account.
pub(super) async fn look(
    conn: &mut Conn<'_>,
    (id, hash): (Uuid, SecretHash),
    now: i64,
) -> Result<(Challenge, AccountRow), Error> {
    let row = challenges::find(conn, id).await?.ok_or(Error::ChallengeOver)?;
    let challenge = Challenge::try_from(row)?;
    let account = challenge.account.filter(|_| challenge.admits(hash, Purpose::SignIn, now));
    let row = accounts::find(conn, account.ok_or(Error::ChallengeOver)?).await?.ok_or(Error::ChallengeOver)?;
    Ok((challenge, row))
}

/// Uses the challenge and the factor up, and begins the session.
async fn finish(core: &Core, met: Met<'_>, proof: Option<Proof>) -> Result<pb::Credentials, Error> {
    let Met { id, hash, account, row, attempt, beginning } = met;
    let trail = beginning.trail.clone();
    let Some(proof) = proof else { return Err(wrong(core, &trail, account)) };
    let told = match proof {
        Proof::Code(_) => notice(core, Kind::RecoveryCodeUsed, &row, &row.email)?,
        _ => None,
    };
    let begun = core.database.write(Atomic::Transaction, move |conn| {
        let (proof, beginning, told) = (proof.clone(), beginning.clone(), told.clone());
        Box::pin(async move {
            let now = beginning.now;
            let (challenge, row) = look(conn, (id, hash), now).await?;
            if row.disable_time.is_some() {
                return Err(Error::AccountDisabled);
            }
            if !challenges::use_up(conn, id, now).await? {
                return Err(Error::ChallengeOver);
            }
            if !proof.take(conn, account, now).await? {
                return Err(Error::WrongCode);
            }
            let shown = challenge.shown.ok_or(Error::ChallengeOver)?.with(proof.method(), now);
            let begun = begin_with(conn, account, shown, &beginning).await?;
            if let Some(mail) = &told {
                crate::store::mails::insert(conn, mail).await?;
            }
            Ok((with_roles(conn, Some(row)).await?, begun))
        })
    });
    match begun.await {
        Ok((account, (session, token))) => {
            attempt.succeeded();
            wake(core);
            first_credentials(core, &account, (&session, &token), &trail).await
        }
        Err(Error::WrongCode) => Err(wrong(core, &trail, account)),
        Err(error) => Err(error),
    }
}
