//! Accounts that nobody is known behind yet: made by a call, with a session and nothing else, and kept when they get an address.

use mainstay_db::Atomic;
use mainstay_identity::Revocation;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;

use super::credentials::{credentials_with, mint};
use super::ending::session_name_of;
use super::making::{Admitted, Call, ask_to_upgrade};
use super::owner::{find, own_account, require_level, require_recent};
use super::profile::Profile;
use super::sending::wake;
use super::solving::Solver;
use super::whose::with_roles;
use super::{account_to_pb, accounts, client, emails, origin, trail};
use crate::audit::{Action, Told};
use crate::config::{AnonymousSignIn, SignUp};
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::authentication::Authentication;
use crate::domain::email::former_key;
use crate::domain::locale;
use crate::domain::session::Session;
use crate::domain::sign_up::Way;
use crate::error::Error;
use crate::revoking::outdate_tokens;
use crate::store::accounts::{self as store, AccountRow};
use crate::store::sessions::{self, SessionRow};
use crate::store::sign_ups;

/// Makes an account without an address and without a password, and a session of it: who loses that loses the account.
pub(super) async fn sign_in(
    core: &Core,
    request: Request<pb::SignInAnonymouslyRequest>,
) -> Result<pb::Credentials, Error> {
    if core.anonymous_sign_in == AnonymousSignIn::Closed {
        return Err(Error::AnonymousSignInClosed);
    }
    let locale = request.get_ref().locale.clone();
    locale::check(&locale).map_err(|problem| Error::Violations(vec![Violation::new("locale", problem)]))?;
    Solver::of(&request)?.check(core, &request.get_ref().captcha_token).await?;
    core.limits.sign_up(origin(&request)?)?;
    let (trail, client, call) = (trail(&request)?, client(&request)?, Call::of(&request)?);
    let now = core.clock.now_micros();
    let profile = Profile { locale, ..Profile::default() };
    let row = accounts::anonymous_row(core.hasher.of_nobody()?, profile, now);
    let id = row.id()?;
    let admitted = Admitted::ask(core, (row, &[]), (Way::Anonymous, ""), &call).await?;
    let authentication = Authentication::of_nobody(now);
    let (session, token) = Session::begin(id, authentication, now, &core.timeouts)?;
    let session = Session { client, ..session };
    // First: where the token is not made, there is no account that nobody can come back to.
    let said = mint(core, (&admitted.row().clone().into_account(Vec::new())?, None), &session, &trail).await?;
    let (stored, name) = (SessionRow::from(&session), session_name_of(id, session.id));
    let made = core.database.write(Atomic::Transaction, move |conn| {
        let (admitted, stored, trail, name) = (admitted.clone(), stored.clone(), trail.clone(), name.clone());
        Box::pin(async move {
            let account = admitted.insert(conn, &[]).await?;
            sessions::insert(conn, &stored).await?;
            trail.by(id).note(conn, now, Action::SignInAnonymously, id, Told::of(name)).await?;
            Ok::<Account, Error>(account)
        })
    });
    let account = made.await?;
    core.hooks.wake();
    credentials_with(core, (&account, &said), None, (&session, Some(&token)))
}

/// Gives the caller's own account, which has none, an address and a password. It stays the same account.
pub(super) async fn upgrade(core: &Core, request: Request<pb::UpgradeAccountRequest>) -> Result<pb::Account, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (origin, trail, call) = (origin(&request)?, trail(&request)?, Call::of(&request)?);
    let pb::UpgradeAccountRequest { name, email, password } = request.into_inner();
    let id = own_account(&caller, &name)?;
    let row = find(core, id).await?;
    if !row.email.is_empty() {
        return Err(Error::NotAnonymous);
    }
    if !row.anonymous {
        // It has another way in, which its owner has just come by.
        require_level(core, &caller, id).await?;
        require_recent(core, &caller)?;
    }
    if core.sign_up == SignUp::Closed {
        return Err(Error::SignUpClosed);
    }
    let wanted = accounts::read_new(core, "", (&email, &password), &[]).await?;
    core.limits.sign_up(origin)?;
    let (email, password) = (wanted.email, wanted.password);
    let named = AccountRow { email: email.original().to_owned(), email_key: email.key().to_owned(), ..row.clone() };
    let told = ask_to_upgrade(core, AccountRow { anonymous: false, ..named.clone() }, &call).await?;
    let hash = core.hasher.hash(password, origin).await?;
    let asking = core.mail.is_some().then(|| emails::verification(core, &named)).transpose()?;
    let former = core.former_are_left.then(|| former_key(email.original()));
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let upgraded = core.database.write(Atomic::Transaction, move |conn| {
        let (row, email, hash, trail) = (row.clone(), email.clone(), hash.clone(), trail.clone());
        let (asking, former, told) = (asking.clone(), former.clone(), told.clone());
        Box::pin(async move {
            if let Some(key) = former
                && store::find_by_email_key(conn, &key).await?.is_some()
            {
                return Err(Error::EmailTaken);
            }
            if !store::upgrade(conn, &row, (email.original(), email.key()), &hash, now).await? {
                return Err(Error::Contention);
            }
            if let Some(asking) = &asking {
                asking.store_unless_too_many(conn).await?;
            }
            if let Some(told) = &told {
                sign_ups::insert(conn, told).await?;
            }
            trail.note(conn, now, Action::UpgradeAccount, id, Told::default()).await?;
            // Tokens that say that nobody is known behind it say what is not so any more.
            let revocation = outdate_tokens(conn, moment, id).await?;
            let row = store::find(conn, id).await?;
            Ok::<(Account, Revocation), Error>((with_roles(conn, row).await?, revocation))
        })
    });
    let (account, revocation) = upgraded.await?;
    core.tell([revocation]);
    core.hooks.wake();
    wake(core);
    Ok(account_to_pb(&account))
}
