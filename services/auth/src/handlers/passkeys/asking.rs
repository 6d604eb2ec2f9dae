//! What is asked of an authenticator: a challenge, stored with what the protocol has to know again.

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_record::Violation;
use uuid::Uuid;
use webauthn_rs::prelude::Passkey;

use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::authentication::Authentication;
use crate::domain::challenge::{self, Challenge, ChallengeToken, Purpose};
use crate::domain::factor::Kind;
use crate::domain::one_time_secret::SecretHash;
use crate::domain::session::micros;
use crate::error::Error;
use crate::passkeys::{self, PasskeyError, Passkeys, State};
use crate::store::challenges;
use crate::store::factors::{self, FactorRow};

/// Gives passkeys, where this installation has a name for them.
pub(super) fn passkeys_of(core: &Core) -> Result<&Passkeys, Error> {
    core.passkeys.as_ref().ok_or(Error::Passkey(PasskeyError::NoName))
}

/// The passkeys of an account.
pub(super) async fn passkeys_of_account(core: &Core, account: AccountId) -> Result<Vec<Passkey>, Error> {
    let uid = account.to_string();
    let read = core.database.read(Lane::Inline, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(factors::of_account(conn, &uid).await?) })
    });
    let rows = read.await?;
    let rows = rows.iter().filter(|row| row.kind == Kind::Passkey.word());
    let open = |row: &FactorRow| passkeys::open(&core.key_encryption_key, &row.uid, &row.sealed_content);
    Ok(rows.map(open).collect::<Result<_, _>>()?)
}

/// What a challenge is made for.
pub(super) struct Asking {
    pub(super) purpose: Purpose,
    /// Nobody's, where whoever shows a passkey is let in.
    pub(super) account: Option<AccountId>,
    /// What was shown before.
    pub(super) shown: Option<Authentication>,
    pub(super) state: State,
    /// It is over then at the latest.
    pub(super) until: i64,
}

/// Stores what the protocol has to know again, and gives the token that finds it, and until when.
pub(super) async fn ask(core: &Core, asking: Asking) -> Result<(ChallengeToken, i64), Error> {
    let id = Uuid::now_v7();
    let token = ChallengeToken::of(id)?;
    let create_time = core.clock.now_micros();
    let expire_time = create_time.saturating_add(micros(challenge::LASTS)).min(asking.until);
    let challenge = Challenge {
        id,
        purpose: asking.purpose,
        account: asking.account,
        hash: token.hash(),
        shown: asking.shown,
        sealed_state: Some(asking.state.seal(&core.key_encryption_key, id)?),
        create_time,
        expire_time,
        use_time: None,
    };
    let stored = core.database.write(Atomic::Statement, move |conn| {
        let challenge = challenge.clone();
        Box::pin(async move { Ok::<_, Error>(challenges::insert(conn, &challenge).await?) })
    });
    stored.await?;
    Ok((token, expire_time))
}

/// Finds a challenge that is good for this, with what was stored of it. Uses nothing up.
pub(super) async fn found(core: &Core, token: &ChallengeToken, purpose: Purpose) -> Result<(Challenge, State), Error> {
    let (id, hash, now) = (token.id(), token.hash(), core.clock.now_micros());
    let read = core.database.read(Lane::Inline, move |conn| Box::pin(admitted(conn, (id, hash), purpose, now)));
    let challenge = read.await?;
    let sealed = challenge.sealed_state.as_deref().ok_or(Error::ChallengeOver)?;
    let state = State::open(&core.key_encryption_key, challenge.id, sealed)?;
    Ok((challenge, state))
}

/// Finds a challenge that is good for this.
pub(super) async fn admitted(
    conn: &mut Conn<'_>,
    (id, hash): (Uuid, SecretHash),
    purpose: Purpose,
    now: i64,
) -> Result<Challenge, Error> {
    let row = challenges::find(conn, id).await?.ok_or(Error::ChallengeOver)?;
    let challenge = Challenge::try_from(row)?;
    if challenge.admits(hash, purpose, now) { Ok(challenge) } else { Err(Error::ChallengeOver) }
}

/// Refuses a request that lacks what it is about, before anything is counted.
pub(super) fn required(challenge: &str, has_credential: bool) -> Result<(), Error> {
    let given = [("challenge", !challenge.is_empty()), ("credential", has_credential)];
    let missing = given.into_iter().filter(|(_, given)| !given);
    let missing: Vec<Violation> = missing.map(|(field, _)| Violation::new(field, "is required")).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::Violations(missing)) }
}
