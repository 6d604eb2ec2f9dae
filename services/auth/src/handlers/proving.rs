//! What somebody shows of a factor: judged before the transaction that uses it up.

use mainstay_db::{Conn, Lane};

use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::authentication::Method;
use crate::domain::factor::Kind;
use crate::domain::one_time_secret::SecretHash;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::totp::TotpSecret;
use crate::error::Error;
use crate::store::{accounts, factors, recovery_codes};

/// Something that was right when it was looked at.
#[derive(Clone)]
pub(super) enum Proof {
    /// A step of an app that makes codes.
    Step { factor: String, step: i64 },
    /// A recovery code, which only the store knows.
    Code(SecretHash),
    /// What an authenticator has signed with a passkey: how often it says that it has, and what is stored of it then.
    Passkey { factor: String, counter: i64, content: Vec<u8>, synced: bool },
    /// The password, by its hash.
    Password(String),
}

impl Proof {
    /// Finds out of which app of the account a code is, and of which step. Nothing where it is of none.
    pub(super) async fn totp(core: &Core, account: AccountId, code: &str) -> Result<Option<Proof>, Error> {
        let uid = account.to_string();
        let rows = core.database.read(Lane::Inline, move |conn| {
            let uid = uid.clone();
            Box::pin(async move { Ok::<_, Error>(factors::of_account(conn, &uid).await?) })
        });
        let now = core.clock.now_seconds();
        for row in rows.await?.into_iter().filter(|row| row.kind == Kind::Totp.word()) {
            let secret = TotpSecret::open(&core.key_encryption_key, &row.uid, &row.sealed_content)?;
            if let Some(step) = secret.step_of(code, now) {
                return Ok(Some(Proof::Step { factor: row.uid, step }));
            }
        }
        Ok(None)
    }

    /// Reads a recovery code. Nothing where it cannot be one.
    pub(super) fn recovery_code(core: &Core, account: AccountId, code: &str) -> Option<Proof> {
        RecoveryCode::parse(code).map(|code| Proof::Code(code.hash(&core.hash_key, account)))
    }

    pub(super) fn method(&self) -> Method {
        match self {
            Proof::Step { .. } => Method::Totp,
            Proof::Code(_) => Method::RecoveryCode,
            Proof::Passkey { synced, .. } => Method::Passkey { synced: *synced, verified: true },
            Proof::Password(_) => Method::Password,
        }
    }

    /// Uses it up, by one compare-and-swap: of many who do so at once, one succeeds. False where it is not good any more.
    pub(super) async fn take(&self, conn: &mut Conn<'_>, account: AccountId, now: i64) -> Result<bool, Error> {
        match self {
            Proof::Step { factor, step } => Ok(factors::use_counter(conn, factor, *step, now).await?),
            Proof::Code(hash) => Ok(recovery_codes::use_up(conn, &account.to_string(), *hash, now).await?),
            Proof::Passkey { factor, counter, content, .. } => {
                Ok(factors::use_passkey(conn, factor, (*counter, content), now).await?)
            }
            Proof::Password(hash) => {
                let found = accounts::find(conn, account).await?.ok_or(Error::AccountNotFound)?;
                Ok(found.password_hash == *hash)
            }
        }
    }
}

/// Has a wrong code noted, and gives what is answered to it.
pub(super) fn wrong(core: &Core, trail: &Trail, account: AccountId) -> Error {
    let event = trail.event(core.clock.now_micros(), Action::SecondFactorFailed, account, Told::default());
    match event {
        Ok(event) => {
            core.failures.add(event);
            Error::WrongCode
        }
        Err(error) => error,
    }
}
