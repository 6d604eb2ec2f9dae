use std::sync::Arc;

use mainstay_db::{Atomic, Lane};
use mainstay_fault::reply;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::session_service_server::SessionService;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::beginning::{Beginning, Begun, answer, begin};
use super::credentials::{credentials, credentials_with, mint};
use super::ending::end;
use super::switching::{self, acting};
use super::whose::with_roles;
use super::{
    Answer, anonymous, client, mailed_sign_in, origin, passkeys, second_factor, session_list, stepping_up, trail,
};
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::{Account, AccountId};
use crate::domain::authentication::Method;
use crate::domain::email::{Claimed, EmailError};
use crate::domain::organisation::Acting;
use crate::domain::password::Password;
use crate::domain::refresh_token::{Hash, RefreshToken};
use crate::domain::session::{Session, Verdict};
use crate::domain::user_name::UserName;
use crate::error::{Error, refused_email, refused_password};
use crate::hashing::Checked;
use crate::store::accounts::{self, AccountRow};
use crate::store::sessions::{self, SessionRow};

/// How often an exchange looks at the session again after another call changed it in between.
const MAX_ATTEMPTS: usize = 5;

/// Serves `mainstay.auth.v1.SessionService`.
pub(crate) struct Sessions(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl SessionService for Sessions {
    async fn sign_in(&self, request: Request<pb::SignInRequest>) -> Answer<pb::Credentials> {
        reply(sign_in(&self.0, request).await)
    }

    async fn sign_in_anonymously(&self, request: Request<pb::SignInAnonymouslyRequest>) -> Answer<pb::Credentials> {
        reply(anonymous::sign_in(&self.0, request).await)
    }

    async fn request_sign_in(&self, request: Request<pb::RequestSignInRequest>) -> Answer<pb::RequestSignInResponse> {
        reply(mailed_sign_in::request_sign_in(&self.0, request).await)
    }

    async fn sign_in_with_link(&self, request: Request<pb::SignInWithLinkRequest>) -> Answer<pb::Credentials> {
        reply(mailed_sign_in::sign_in_with_link(&self.0, request).await)
    }

    async fn sign_in_with_code(&self, request: Request<pb::SignInWithCodeRequest>) -> Answer<pb::Credentials> {
        reply(mailed_sign_in::sign_in_with_code(&self.0, request).await)
    }

    async fn sign_in_with_totp(&self, request: Request<pb::SignInWithTotpRequest>) -> Answer<pb::Credentials> {
        reply(second_factor::sign_in_with_totp(&self.0, request).await)
    }

    async fn sign_in_with_recovery_code(
        &self,
        request: Request<pb::SignInWithRecoveryCodeRequest>,
    ) -> Answer<pb::Credentials> {
        reply(second_factor::sign_in_with_recovery_code(&self.0, request).await)
    }

    async fn begin_passkey_sign_in(
        &self,
        request: Request<pb::BeginPasskeySignInRequest>,
    ) -> Answer<pb::BeginPasskeySignInResponse> {
        reply(passkeys::signing_in::begin(&self.0, request).await)
    }

    async fn sign_in_with_passkey(&self, request: Request<pb::SignInWithPasskeyRequest>) -> Answer<pb::Credentials> {
        reply(passkeys::signing_in::sign_in(&self.0, request).await)
    }

    async fn step_up(&self, request: Request<pb::StepUpRequest>) -> Answer<pb::Credentials> {
        reply(stepping_up::step_up(&self.0, request).await)
    }

    async fn refresh(&self, request: Request<pb::RefreshRequest>) -> Answer<pb::Credentials> {
        reply(refresh(&self.0, request).await)
    }

    async fn sign_out(&self, request: Request<pb::SignOutRequest>) -> Answer<()> {
        reply(sign_out(&self.0, request).await)
    }

    async fn switch_organisation(
        &self,
        request: Request<pb::SwitchOrganisationRequest>,
    ) -> Answer<pb::SwitchOrganisationResponse> {
        reply(switching::switch(&self.0, request).await)
    }

    async fn get_session(&self, request: Request<pb::GetSessionRequest>) -> Answer<pb::Session> {
        reply(session_list::get(&self.0, request).await)
    }

    async fn list_sessions(&self, request: Request<pb::ListSessionsRequest>) -> Answer<pb::ListSessionsResponse> {
        reply(session_list::list(&self.0, request).await)
    }

    async fn revoke_session(&self, request: Request<pb::RevokeSessionRequest>) -> Answer<()> {
        reply(session_list::revoke(&self.0, request).await)
    }

    async fn revoke_all_sessions(
        &self,
        request: Request<pb::RevokeAllSessionsRequest>,
    ) -> Answer<pb::RevokeAllSessionsResponse> {
        reply(session_list::revoke_all(&self.0, request).await)
    }
}

async fn sign_in(core: &Core, request: Request<pb::SignInRequest>) -> Result<pb::Credentials, Error> {
    let origin = origin(&request)?;
    let trail = trail(&request)?;
    let (login, password) = read_credentials(core, request.get_ref())?;
    let attempt = core.limits.password(origin, &login.identity())?;
    let row = find_row(core, login).await?;
    // Without an account a hash of nobody's is checked: the same work, and always wrong.
    let stored = row.as_ref().map(|row| row.password_hash.clone());
    let checked = match core.hasher.check(password, stored, origin).await {
        Ok(checked) => checked,
        Err(not_checked) => {
            attempt.withdraw();
            return Err(not_checked.into());
        }
    };
    let (row, rehashed) = match (row, checked) {
        (Some(row), Checked::Right) => (row, None),
        (Some(row), Checked::RightAndRehashed(hash)) => (row, Some(hash)),
        (Some(row), Checked::Wrong) => {
            // Later: who gets the answer must not learn by its time that there is an account.
            core.failures.add(trail.event(
                core.clock.now_micros(),
                Action::SignInFailed,
                row.id()?,
                Told::default(),
            )?);
            return Err(Error::WrongCredentials);
        }
        (None, _) => return Err(Error::WrongCredentials),
    };
    attempt.succeeded();
    let now = core.clock.now_micros();
    let beginning = Beginning { now, timeouts: core.timeouts, client: client(&request)?, trail: trail.clone() };
    let (account, begun) = store_sign_in(core, (row, rehashed), beginning).await?;
    answer(core, &account, begun, &trail).await
}

/// What somebody says that they are called.
#[derive(Clone, Debug)]
enum Login {
    Address(Claimed),
    Name(UserName),
}

impl Login {
    /// Reads an address, or a user name, which has no `@`.
    fn read(text: &str, former_are_left: bool) -> Result<Login, Violation> {
        match Claimed::read(text, former_are_left) {
            Ok(address) => Ok(Login::Address(address)),
            Err(EmailError::NoAt) if !text.contains('@') => {
                UserName::claimed(text).map(Login::Name).map_err(|problem| {
                    Violation::new("email", format!("is no e-mail address, and as a user name it {problem}"))
                })
            }
            Err(problem) => Err(refused_email("", problem)),
        }
    }

    /// Names the account for what is counted, whether there is one or not. Who tries one by its name and by its address has
    /// both allowances: to know that they are of one account it would have to be looked up first, and the answer would tell.
    fn identity(&self) -> String {
        match self {
            Login::Address(address) => address.identity().to_owned(),
            Login::Name(name) => name.identity(),
        }
    }
}

fn read_credentials(core: &Core, request: &pb::SignInRequest) -> Result<(Login, Password), Error> {
    let mut violations = Vec::new();
    let email = Login::read(&request.email, core.former_are_left).map_err(|violation| violations.push(violation));
    let password = Password::attempt(&request.password).map_err(|problem| violations.push(refused_password(problem)));
    match (email, password) {
        (Ok(email), Ok(password)) => Ok((email, password)),
        _ => Err(Error::Violations(violations)),
    }
}

async fn find_row(core: &Core, login: Login) -> Result<Option<AccountRow>, Error> {
    core.database
        .read(Lane::Inline, move |conn| {
            let login = login.clone();
            Box::pin(async move {
                Ok(match &login {
                    Login::Address(address) => accounts::find_by_email(conn, address).await?,
                    Login::Name(name) => accounts::find_by_user_name(conn, name).await?,
                })
            })
        })
        .await
}

/// Begins a session or asks for a factor, and stores the stronger password hash when there is one. Gives the account with its
/// roles. What was found out of the account before has to be so still: nobody gets in by a password that was replaced
/// meanwhile.
async fn store_sign_in(
    core: &Core,
    (row, rehashed): (AccountRow, Option<String>),
    beginning: Beginning,
) -> Result<(Account, Begun), Error> {
    let account = row.id()?;
    core.database
        .write(Atomic::Transaction, move |conn| {
            let (row, rehashed, beginning) = (row.clone(), rehashed.clone(), beginning.clone());
            Box::pin(async move {
                let found = accounts::find(conn, account).await?.ok_or(Error::WrongCredentials)?;
                if found.password_hash != row.password_hash {
                    return Err(Error::Contention);
                }
                if found.disable_time.is_some() {
                    return Err(Error::AccountDisabled);
                }
                if let Some(hash) = rehashed {
                    accounts::replace_password_hash(conn, &row.uid, &row.password_hash, &hash).await?;
                }
                let begun = begin(conn, account, Method::Password, &beginning).await?;
                Ok((with_roles(conn, Some(found)).await?, begun))
            })
        })
        .await
}

async fn refresh(core: &Core, request: Request<pb::RefreshRequest>) -> Result<pb::Credentials, Error> {
    let given = request.get_ref().refresh_token.as_str();
    if given.is_empty() {
        return Err(Error::Violations(vec![Violation::new("refresh_token", "is required")]));
    }
    let attempt = core.limits.token(origin(&request)?)?;
    let trail = trail(&request)?;
    match exchange(core, RefreshToken::parse(given).ok_or(Error::SessionEnded)?, &trail).await {
        Ok(refreshed) => {
            attempt.succeeded();
            Ok(refreshed)
        }
        // The token was as good as any.
        Err(error @ Error::Hook(_)) => {
            attempt.withdraw();
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// Exchanges a refresh token for the next one, and an access token beside it.
async fn exchange(core: &Core, token: RefreshToken, trail: &Trail) -> Result<pb::Credentials, Error> {
    for _ in 0..MAX_ATTEMPTS {
        let Some(Found { session, account, acting }) = find_session(core, token.session()).await? else {
            return Err(Error::SessionEnded);
        };
        let now = core.clock.now_micros();
        match session.judge(&token, now, &core.timeouts) {
            Verdict::Rotate => {
                // First: where the token is not made, the refresh token stays as good as it was.
                let said = mint(core, (&account, acting.as_ref()), &session, trail).await?;
                let successor = token.successor()?;
                let rotated = session.rotated(&token, &successor, core.clock.now_micros())?;
                if rotate(core, session.current, SessionRow::from(&rotated)).await? {
                    return credentials_with(core, (&account, &said), acting.as_ref(), (&rotated, Some(&successor)));
                }
            }
            Verdict::Repeat => {
                let sealed = session.previous.as_ref().map(|previous| previous.sealed_successor.as_slice());
                let successor = token.open_successor(sealed.unwrap_or_default())?;
                let parties = (&account, acting.as_ref());
                return credentials(core, parties, (&session, Some(&successor)), trail).await;
            }
            verdict @ (Verdict::Stolen | Verdict::Over) => {
                let by = (verdict == Verdict::Stolen).then(|| (trail.clone(), Action::TokenReused));
                if end(core, (session.account, session.id), Some(session.current), by).await? {
                    report_end(&session, verdict);
                    return Err(Error::SessionEnded);
                }
            }
            Verdict::Foreign => return Err(Error::SessionEnded),
        }
        // Another call changed the row since it was read: judge the token by what the row is now.
    }
    Err(Error::Contention)
}

fn report_end(session: &Session, verdict: Verdict) {
    if verdict == Verdict::Stolen {
        tracing::warn!(
            session = %session.id,
            account = %session.account,
            "a refresh token that was exchanged before came again: the session was ended for everybody who has a token of it"
        );
    }
}

/// A session, whose it is, and what it is in the organisation that it acts in.
struct Found {
    session: Session,
    account: Account,
    acting: Option<Acting>,
}

async fn find_session(core: &Core, id: Uuid) -> Result<Option<Found>, Error> {
    core.database
        .read(Lane::Inline, move |conn| {
            Box::pin(async move {
                let Some(row) = sessions::find(conn, id).await? else { return Ok(None) };
                let session = Session::try_from(row)?;
                let account = accounts::find(conn, session.account).await?;
                let account = with_roles(conn, account).await?;
                let acting = acting(conn, &session).await?;
                Ok(Some(Found { session, account, acting }))
            })
        })
        .await
}

async fn rotate(core: &Core, expected: Hash, rotated: SessionRow) -> Result<bool, Error> {
    core.database
        .write(Atomic::Statement, move |conn| {
            let rotated = rotated.clone();
            Box::pin(async move { Ok(sessions::rotate(conn, expected, &rotated).await?) })
        })
        .await
}

async fn sign_out(core: &Core, request: Request<pb::SignOutRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let given = request.get_ref().refresh_token.as_str();
    let (account, session) = if given.is_empty() {
        let session = caller.session_id().and_then(|id| Uuid::try_parse(id).ok());
        caller.uid().and_then(|uid| uid.parse().ok()).zip(session).ok_or(Error::NotSignedIn)?
    } else {
        let token = RefreshToken::parse(given)
            .ok_or_else(|| Error::Violations(vec![Violation::new("refresh_token", "is not a refresh token")]))?;
        let attempt = core.limits.token(origin(&request)?)?;
        match session_of(core, &token).await? {
            Some(session) => {
                attempt.succeeded();
                session
            }
            None => return Ok(()),
        }
    };
    let trail = trail(&request)?;
    // Whoever acts as somebody is not them.
    let by = (if caller.actor().is_some() { trail } else { trail.by(account) }, Action::SignOut);
    end(core, (account, session), None, Some(by)).await.map(|_was_there| ())
}

/// Finds the session that a refresh token, however old, belongs to, and whose it is. Knowing a session's id is not enough to end
/// it.
async fn session_of(core: &Core, token: &RefreshToken) -> Result<Option<(AccountId, Uuid)>, Error> {
    let found = find_session(core, token.session()).await?;
    Ok(found
        .filter(|found| found.session.family == token.family_hash())
        .map(|found| (found.session.account, found.session.id)))
}
