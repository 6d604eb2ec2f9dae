//! Shows again, in a session that has begun, who its owner is.

use mainstay_db::{Atomic, Conn};
use mainstay_identity::{Kind as CallerKind, Principal};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::step_up_request::Factor;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::credentials::credentials;
use super::ending::session_name_of;
use super::owner::{find, prove_password, require_no_factor};
use super::passkeys::judging::{Judged, judge};
use super::proving::{Proof, wrong};
use super::sending::{notice, wake};
use super::switching::acting;
use super::whose::with_roles;
use super::{origin, trail};
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::authentication::Method;
use crate::domain::password::Password;
use crate::domain::session::{Session, Timeouts};
use crate::error::{Error, refused_password};
use crate::limits::{Origin, Try};
use crate::mail::Kind;
use crate::passkeys::PasskeyError;
use crate::store::{accounts, mails, sessions};

pub(super) async fn step_up(core: &Core, request: Request<pb::StepUpRequest>) -> Result<pb::Credentials, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    let (account, session) = own_session(&caller)?;
    let factor = request.into_inner().factor;
    let factor = factor.ok_or_else(|| violation("factor", "is required: one of the fields has to be given"))?;
    let (evidence, attempt) = read(core, (account, factor), (origin, &trail)).await?;
    let told = match evidence.proof() {
        Proof::Code(_) => {
            let row = find(core, account).await?;
            notice(core, Kind::RecoveryCodeUsed, &row, &row.email)?
        }
        _ => None,
    };
    let (now, timeouts, by, shown) = (core.clock.now_micros(), core.timeouts, trail.clone(), evidence.clone());
    let raised = core.database.write(Atomic::Transaction, move |conn| {
        let (shown, trail, told) = (shown.clone(), by.clone(), told.clone());
        Box::pin(async move {
            shown.take(conn, account, now).await?;
            let method = shown.proof().method();
            let session = raise(conn, (account, session), method, (now, timeouts)).await?;
            let told_of = Told::of(session_name_of(account, session.id)).with("method", method.stored());
            trail.note(conn, now, Action::StepUp, account, told_of).await?;
            if let Some(mail) = &told {
                mails::insert(conn, mail).await?;
            }
            let row = accounts::find(conn, account).await?;
            let acting = acting(conn, &session).await?;
            Ok((with_roles(conn, row).await?, acting, session))
        })
    });
    match raised.await {
        Ok((account, acting, session)) => {
            if let Some(attempt) = attempt {
                attempt.succeeded();
            }
            wake(core);
            credentials(core, (&account, acting.as_ref()), (&session, None), &trail).await
        }
        Err(Error::WrongCode) => Err(wrong(core, &trail, account)),
        Err(error) => Err(evidence.not_taken(core, (origin, &trail), error).await),
    }
}

/// What is shown in a session, and was right when it was looked at.
#[derive(Clone)]
enum Evidence {
    Proof(Proof),
    /// With the challenge that it was signed for.
    Passkey(Judged),
}

impl Evidence {
    fn proof(&self) -> &Proof {
        match self {
            Evidence::Proof(proof) => proof,
            Evidence::Passkey(judged) => &judged.proof,
        }
    }

    /// Uses it up, once.
    async fn take(&self, conn: &mut Conn<'_>, account: AccountId, now: i64) -> Result<(), Error> {
        match self {
            Evidence::Passkey(judged) => judged.use_up(conn, now).await,
            Evidence::Proof(proof) if proof.take(conn, account, now).await? => Ok(()),
            Evidence::Proof(_) => Err(Error::WrongCode),
        }
    }

    async fn not_taken(self, core: &Core, by: (Origin, &Trail), error: Error) -> Error {
        match self {
            Evidence::Passkey(judged) => judged.not_used(core, by, error).await,
            Evidence::Proof(_) => error,
        }
    }
}

/// Judges what is shown, and says what is given back of what was counted for it.
async fn read<'a>(
    core: &'a Core,
    (account, factor): (AccountId, Factor),
    (origin, trail): (Origin, &Trail),
) -> Result<(Evidence, Option<Try<'a>>), Error> {
    let (proof, attempt) = match factor {
        Factor::Password(password) => (Some(password_of(core, account, &password, (origin, trail)).await?), None),
        Factor::Passkey(pb::PasskeyAssertion { challenge, credential }) => {
            let judged = judge(core, (&challenge, credential), (origin, trail)).await?;
            let is_own = judged.account == account;
            return if is_own { Ok((Evidence::Passkey(judged), None)) } else { Err(PasskeyError::Refused.into()) };
        }
        Factor::TotpCode(code) => {
            let attempt = core.limits.second_factor(origin, &account.to_string())?;
            (Proof::totp(core, account, &code).await?, Some(attempt))
        }
        Factor::RecoveryCode(code) => {
            let attempt = core.limits.second_factor(origin, &account.to_string())?;
            (Proof::recovery_code(core, account, &code), Some(attempt))
        }
    };
    let proof = proof.ok_or_else(|| wrong(core, trail, account))?;
    Ok((Evidence::Proof(proof), attempt))
}

fn violation(field: &str, problem: &str) -> Error {
    Error::Violations(vec![Violation::new(field, problem)])
}

/// The session of a user's access token, and whose it is.
pub(super) fn own_session(caller: &Principal) -> Result<(AccountId, Uuid), Error> {
    let session = caller.session_id().and_then(|id| Uuid::try_parse(id).ok());
    let account = caller.uid().filter(|_| caller.kind() == CallerKind::User).and_then(|uid| uid.parse().ok());
    account.zip(session).ok_or(Error::NotSignedIn)
}

/// The password says nothing new of an account that has a factor.
async fn password_of(core: &Core, account: AccountId, text: &str, by: (Origin, &Trail)) -> Result<Proof, Error> {
    let password = Password::attempt(text).map_err(|problem| Error::Violations(vec![refused_password(problem)]))?;
    require_no_factor(core, account).await?;
    let row = find(core, account).await?;
    prove_password(core, &row, password, by).await?;
    Ok(Proof::Password(row.password_hash))
}

/// Notes in a session what was shown at `now`, inside the transaction that uses it up.
pub(super) async fn raise(
    conn: &mut Conn<'_>,
    (account, id): (AccountId, Uuid),
    method: Method,
    (now, timeouts): (i64, Timeouts),
) -> Result<Session, Error> {
    let row = sessions::find(conn, id).await?.ok_or(Error::SessionEnded)?;
    let session = Session::try_from(row)?;
    if session.account != account || session.is_over(now, &timeouts) {
        return Err(Error::SessionEnded);
    }
    let after = session.authentication.clone().with(method, now);
    let names = (&*account.to_string(), &*sessions::text(id));
    if !sessions::authenticate(conn, names, &session.authentication, &after).await? {
        return Err(Error::Contention);
    }
    Ok(Session { authentication: after, ..session })
}
