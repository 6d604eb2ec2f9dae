//! What becomes of a sign-in whose first secret was right: a session, or, where the account has a factor, a challenge.

use mainstay_db::Conn;
use mainstay_proto::auth::v1 as pb;
use uuid::Uuid;

use super::credentials::first_credentials;
use super::ending::session_name_of;
use super::timestamp;
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::{Account, AccountId};
use crate::domain::authentication::{Authentication, Method};
use crate::domain::challenge::{self, Challenge, ChallengeToken, Purpose};
use crate::domain::client::Client;
use crate::domain::factor::Kind;
use crate::domain::refresh_token::RefreshToken;
use crate::domain::session::{Session, Timeouts, micros};
use crate::error::Error;
use crate::store::sessions::{self, SessionRow};
use crate::store::{DamagedRow, challenges, factors, recovery_codes};

/// Who signs in, when, and where from.
#[derive(Clone)]
pub(super) struct Beginning {
    pub(super) now: i64,
    pub(super) timeouts: Timeouts,
    pub(super) client: Client,
    pub(super) trail: Trail,
}

/// What a sign-in leads to.
pub(super) enum Begun {
    Session(Box<(Session, RefreshToken)>),
    Asked(Asked),
}

/// The account has a factor: the client has to show one.
pub(super) struct Asked {
    token: ChallengeToken,
    kinds: Vec<Kind>,
    has_recovery_codes: bool,
    expire_time: i64,
}

/// Begins the session of somebody who has shown a first secret, inside the transaction that uses it; where the account has a
/// factor, there is none yet.
pub(super) async fn begin(
    conn: &mut Conn<'_>,
    account: AccountId,
    method: Method,
    beginning: &Beginning,
) -> Result<Begun, Error> {
    begin_after(conn, account, Authentication::by(method, beginning.now), beginning).await
}

/// The same of somebody who has shown it at another time.
pub(super) async fn begin_after(
    conn: &mut Conn<'_>,
    account: AccountId,
    shown: Authentication,
    beginning: &Beginning,
) -> Result<Begun, Error> {
    let kinds = kinds_of(conn, account).await?;
    if kinds.is_empty() {
        return begin_with(conn, account, shown, beginning).await.map(|begun| Begun::Session(Box::new(begun)));
    }
    let has_recovery_codes = recovery_codes::left(conn, &account.to_string()).await? > 0;
    let id = Uuid::now_v7();
    let token = ChallengeToken::of(id)?;
    let expire_time = beginning.now.saturating_add(micros(challenge::LASTS));
    let challenge = Challenge {
        id,
        purpose: Purpose::SignIn,
        account: Some(account),
        hash: token.hash(),
        shown: Some(shown),
        sealed_state: None,
        create_time: beginning.now,
        expire_time,
        use_time: None,
    };
    challenges::insert(conn, &challenge).await?;
    Ok(Begun::Asked(Asked { token, kinds, has_recovery_codes, expire_time }))
}

/// Begins the session of somebody who has shown all that is wanted.
pub(super) async fn begin_with(
    conn: &mut Conn<'_>,
    account: AccountId,
    shown: Authentication,
    beginning: &Beginning,
) -> Result<(Session, RefreshToken), Error> {
    let Beginning { now, timeouts, client, trail } = beginning;
    let (session, token) = Session::begin(account, shown, *now, timeouts)?;
    let session = Session { client: client.clone(), ..session };
    sessions::insert(conn, &SessionRow::from(&session)).await?;
    let told = Told::of(session_name_of(account, session.id)).with("methods", session.authentication.words().join(" "));
    trail.clone().by(account).note(conn, *now, Action::SignIn, account, told).await?;
    Ok((session, token))
}

/// The kinds of factors that an account has, each once.
pub(super) async fn kinds_of(conn: &mut Conn<'_>, account: AccountId) -> Result<Vec<Kind>, Error> {
    let mut kinds = Vec::new();
    for word in factors::kinds(conn, &account.to_string()).await? {
        let kind = Kind::from_word(&word).ok_or(DamagedRow { table: "factors", column: "kind" })?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// Gives the client what the sign-in has led to.
pub(super) async fn answer(
    core: &Core,
    account: &Account,
    begun: Begun,
    trail: &Trail,
) -> Result<pb::Credentials, Error> {
    match begun {
        Begun::Session(begun) => first_credentials(core, account, (&begun.0, &begun.1), trail).await,
        Begun::Asked(asked) => {
            let kinds = asked.kinds.iter().map(|kind| kind_to_pb(*kind).into()).collect();
            let challenge = pb::Challenge {
                token: asked.token.to_text(),
                factors: kinds,
                recovery_codes: asked.has_recovery_codes,
                expire_time: Some(timestamp(asked.expire_time)),
            };
            Ok(pb::Credentials { challenge: Some(challenge), ..pb::Credentials::default() })
        }
    }
}

pub(super) fn kind_to_pb(kind: Kind) -> pb::factor::Kind {
    match kind {
        Kind::Totp => pb::factor::Kind::Totp,
        Kind::Passkey => pb::factor::Kind::Passkey,
    }
}
