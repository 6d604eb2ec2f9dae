//! What an authenticator has signed: judged before the transaction that uses it up.

use mainstay_db::{Atomic, Conn, Lane};
use uuid::Uuid;
use webauthn_rs::prelude::PublicKeyCredential;

use super::asking::{found, passkeys_of, required};
use super::json::from_struct;
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::authentication::Authentication;
use crate::domain::challenge::{ChallengeToken, Purpose};
use crate::domain::one_time_secret::SecretHash;
use crate::error::Error;
use crate::handlers::factors::factor_name_of;
use crate::handlers::owner::find;
use crate::handlers::proving::Proof;
use crate::handlers::sending::{notice, wake};
use crate::limits::Origin;
use crate::mail::Kind;
use crate::passkeys::{self, PasskeyError, State};
use crate::store::factors::{self, FactorRow};
use crate::store::{challenges, mails};

/// What an authenticator has shown, and was right.
#[derive(Clone)]
pub(in crate::handlers) struct Judged {
    pub(super) challenge: (Uuid, SecretHash),
    /// The challenge of the sign-in that waits for it.
    waiting: Option<Uuid>,
    pub(in crate::handlers) account: AccountId,
    /// What was shown before it.
    pub(super) shown: Option<Authentication>,
    pub(in crate::handlers) proof: Proof,
}

/// Judges what an authenticator has signed. Whatever is wrong with it, the answer is the same.
pub(in crate::handlers) async fn judge(
    core: &Core,
    (challenge, credential): (&str, Option<prost_types::Struct>),
    (origin, trail): (Origin, &Trail),
) -> Result<Judged, Error> {
    required(challenge, credential.is_some())?;
    let refused = || Error::Passkey(PasskeyError::Refused);
    let attempt = core.limits.token(origin)?;
    let token = ChallengeToken::parse(challenge).ok_or(Error::ChallengeOver)?;
    let (challenge, state) = found(core, &token, Purpose::Passkey).await?;
    let credential = from_struct(credential.unwrap_or_default());
    let shown: PublicKeyCredential = serde_json::from_value(credential).map_err(|_| refused())?;
    let row = of_credential(core, shown.get_credential_id().to_vec()).await?.ok_or_else(refused)?;
    let account: AccountId = row.account_uid.parse().map_err(|_| refused())?;
    if challenge.account.is_some_and(|bound| bound != account) {
        return Err(refused());
    }
    let State { ceremony, waiting } = state;
    let passkey = passkeys::open(&core.key_encryption_key, &row.uid, &row.sealed_content)?;
    let synced = passkeys::facts(&passkey).1;
    let right = match passkeys_of(core)?.judge(ceremony, &shown, account.uuid(), passkey) {
        Ok(right) => right,
        Err(PasskeyError::Behind) => return Err(cloned(core, (origin, trail), account, &row.uid).await),
        Err(problem) => return Err(problem.into()),
    };
    attempt.succeeded();
    let content = passkeys::seal(&right.passkey, &core.key_encryption_key, &row.uid)?;
    let proof = Proof::Passkey { content, counter: right.counter, synced, factor: row.uid };
    Ok(Judged { challenge: (challenge.id, token.hash()), waiting, account, shown: challenge.shown, proof })
}

async fn of_credential(core: &Core, id: Vec<u8>) -> Result<Option<FactorRow>, Error> {
    let read = core.database.read(Lane::Inline, move |conn| {
        let id = id.clone();
        Box::pin(async move { Ok::<_, Error>(factors::of_credential(conn, &id).await?) })
    });
    read.await
}

impl Judged {
    /// Uses the challenge, the sign-in that waits for it and what was shown up, each once.
    pub(in crate::handlers) async fn use_up(&self, conn: &mut Conn<'_>, now: i64) -> Result<(), Error> {
        for challenge in [Some(self.challenge.0), self.waiting].into_iter().flatten() {
            if !challenges::use_up(conn, challenge, now).await? {
                return Err(Error::ChallengeOver);
            }
        }
        if self.proof.take(conn, self.account, now).await? {
            return Ok(());
        }
        // One that is there still has signed more often since it was judged.
        let Proof::Passkey { factor, .. } = &self.proof else { return Err(Error::WrongCode) };
        let is_there = factors::find(conn, &self.account.to_string(), factor).await?.is_some();
        Err(if is_there { PasskeyError::Behind } else { PasskeyError::Refused }.into())
    }

    /// What is answered where it could not be used: its owner is told where there may be two of it.
    pub(in crate::handlers) async fn not_used(self, core: &Core, by: (Origin, &Trail), error: Error) -> Error {
        match (error, self.proof) {
            (Error::Passkey(PasskeyError::Behind), Proof::Passkey { factor, .. }) => {
                cloned(core, by, self.account, &factor).await
            }
            (error, _) => error,
        }
    }
}

/// Two of one passkey sign: the counter of one of them is behind. It is noted, its owner is told, and the answer does not tell it
/// from what is wrong otherwise.
async fn cloned(core: &Core, (origin, trail): (Origin, &Trail), account: AccountId, factor: &str) -> Error {
    tracing::warn!(%account, factor, "a passkey has signed less often than before: there may be two of it; it was refused");
    match tell(core, (origin, trail), account, factor).await {
        Ok(()) => PasskeyError::Behind.into(),
        Err(error) => error,
    }
}

/// So many at once, and no more: they are counted as wrong codes of the account are.
async fn tell(core: &Core, (origin, trail): (Origin, &Trail), account: AccountId, factor: &str) -> Result<(), Error> {
    // What it takes stays counted.
    drop(core.limits.second_factor(origin, &account.to_string())?);
    let row = find(core, account).await?;
    let told = notice(core, Kind::PasskeyCloned, &row, &row.email)?;
    let event = Told::of(factor_name_of(account, factor));
    let (now, trail) = (core.clock.now_micros(), trail.clone());
    let noted = core.database.write(Atomic::Transaction, move |conn| {
        let (trail, event, told) = (trail.clone(), event.clone(), told.clone());
        Box::pin(async move {
            trail.note(conn, now, Action::PasskeyCloned, account, event).await?;
            if let Some(mail) = &told {
                mails::insert(conn, mail).await?;
            }
            Ok::<_, Error>(())
        })
    });
    noted.await?;
    wake(core);
    Ok(())
}
