//! Makes accounts, finds them and changes their roles.

use mainstay_db::{Atomic, Lane};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;

use super::making::{Admitted, Call};
use super::owner::require_administrators_level;
use super::profile::Profile;
use super::solving::Solver;
use super::whose::{account_id, require_sight, with_roles};
use super::{account_to_pb, emails, origin, sending, trail};
use crate::audit::{Action, Told, Trail};
use crate::config::SignUp;
use crate::core::Core;
use crate::domain::account::{Account, AccountId, Revision};
use crate::domain::email::{Claimed, Email, former_key};
use crate::domain::password::Password;
use crate::domain::profile::display_name_key;
use crate::domain::sign_up::Way;
use crate::domain::user_name::UserName;
use crate::domain::{locale, role};
use crate::error::{Error, refused_email, refused_password, refused_role};
use crate::limits::Origin;
use crate::revoking::outdate_tokens;
use crate::store::accounts::{self as store, AccountRow};

pub(super) async fn sign_up(core: &Core, request: Request<pb::SignUpRequest>) -> Result<pb::Account, Error> {
    if core.sign_up != SignUp::Open {
        return Err(Error::SignUpClosed);
    }
    let origin = origin(&request)?;
    let (call, solver) = (Call::of(&request)?, Solver::of(&request)?);
    let by = (trail(&request)?, Action::SignUp);
    let pb::SignUpRequest { email, password, locale, captcha_token } = request.get_ref();
    let mut wanted = read_new(core, "", (email, password), &[]).await?;
    locale::check(locale).map_err(|problem| Error::Violations(vec![Violation::new("locale", problem)]))?;
    wanted.profile.locale.clone_from(locale);
    wanted.is_verified_by_mail = core.mail.is_some();
    solver.check(core, captcha_token).await?;
    core.limits.sign_up(origin)?;
    let account = create(core, wanted, (origin, Some(call)), by).await?;
    sending::wake(core);
    Ok(account_to_pb(&account))
}

/// An administrator proves nothing by the password and makes as many accounts as there are to be: there is no limit.
pub(super) async fn create_account(
    core: &Core,
    request: Request<pb::CreateAccountRequest>,
) -> Result<pb::Account, Error> {
    let origin = origin(&request)?;
    let (by, call) = ((trail(&request)?, Action::CreateAccount), Call::of(&request)?);
    require_administrators_level(core, &caller(&request).map_err(Error::Stack)?).await?;
    let pb::CreateAccountRequest { account, password } = request.into_inner();
    let account = account.unwrap_or_default();
    let mut violations = Vec::new();
    let profile = Profile::read(account.clone(), &mut violations);
    let mut wanted = match read_new(core, "account.", (&account.email, &password), &account.roles).await {
        Err(Error::Violations(others)) => return Err(Error::Violations([others, violations].concat())),
        _ if !violations.is_empty() => return Err(Error::Violations(violations)),
        wanted => wanted?,
    };
    wanted.profile = profile;
    Ok(account_to_pb(&create(core, wanted, (origin, Some(call)), by).await?))
}

pub(super) async fn get_account(core: &Core, request: Request<pb::GetAccountRequest>) -> Result<pb::Account, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let id = account_id(&caller, &request.get_ref().name)?;
    // To everybody else other accounts do not exist (AIP-211).
    require_sight(&caller, id, Error::AccountNotFound)?;
    let account = core
        .database
        .read(Lane::Inline, move |conn| {
            Box::pin(async move {
                let row = store::find(conn, id).await?;
                with_roles(conn, row).await
            })
        })
        .await?;
    Ok(account_to_pb(&account))
}

pub(super) async fn lookup_account(core: &Core, request: pb::LookupAccountRequest) -> Result<pb::Account, Error> {
    Ok(account_to_pb(&find_by_email(core, &request.email).await?))
}

pub(super) async fn set_roles(core: &Core, request: Request<pb::SetRolesRequest>) -> Result<pb::Account, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let request = request.into_inner();
    require_administrators_level(core, &caller).await?;
    let id = account_id(&caller, &request.name)?;
    let wanted = role::check_all(&request.roles).map_err(|problems| role_violations("", &problems))?;
    let account = change_roles(core, trail, id, request.etag, move |_| wanted.clone()).await?;
    Ok(account_to_pb(&account))
}

/// An account that is to be made.
pub(crate) struct NewAccount {
    pub(super) email: Email,
    pub(super) password: Password,
    roles: Vec<String>,
    pub(super) profile: Profile,
    /// Whether its owner is asked at once whether the address is theirs.
    is_verified_by_mail: bool,
}

impl NewAccount {
    /// Gives the address and the password.
    pub(super) fn into_parts(self) -> (Email, Password) {
        (self.email, self.password)
    }
}

/// Reads what an account is to be. `prefix` is where the request has its fields, for the violations.
pub(crate) async fn read_new(
    core: &Core,
    prefix: &str,
    (email, password): (&str, &str),
    roles: &[String],
) -> Result<NewAccount, Error> {
    let mut violations = Vec::new();
    let password = core.passwords.choose(password, email).await?;
    let email = Email::parse(email).map_err(|problem| violations.push(refused_email(prefix, problem)));
    let password = password.map_err(|problem| violations.push(refused_password(problem)));
    let roles = role::check_all(roles).map_err(|problems| {
        violations.extend(problems.iter().map(|(index, problem)| refused_role(prefix, *index, problem)));
    });
    match (email, password, roles) {
        (Ok(email), Ok(password), Ok(roles)) => {
            Ok(NewAccount { email, password, roles, profile: Profile::default(), is_verified_by_mail: false })
        }
        _ => Err(Error::Violations(violations)),
    }
}

/// Makes an account: by a call, or for whoever runs the installation. `by`: who does so, and what the audit log calls it.
pub(super) async fn create(
    core: &Core,
    wanted: NewAccount,
    (origin, call): (Origin, Option<Call>),
    by: (Trail, Action),
) -> Result<Account, Error> {
    let NewAccount { email, password, roles, profile, is_verified_by_mail } = wanted;
    let row = new_row(&email, String::new(), profile, core.clock.now_micros());
    let admitted = match call {
        Some(call) => {
            let way = if by.1 == Action::SignUp { Way::Password } else { Way::Administrator };
            Admitted::ask(core, (row, &roles), (way, ""), &call).await?
        }
        None => Admitted::unasked(core, row, &Way::Operator),
    };
    let password_hash = core.hasher.hash(password, origin).await?;
    let admitted = admitted.with_password_hash(password_hash);
    let asking = is_verified_by_mail.then(|| emails::verification(core, admitted.row())).transpose()?;
    let former = core.former_are_left.then(|| former_key(email.original()));
    let made = core
        .database
        .write(Atomic::Transaction, move |conn| {
            let (admitted, roles, former, asking) = (admitted.clone(), roles.clone(), former.clone(), asking.clone());
            let (trail, action) = by.clone();
            Box::pin(async move {
                if let Some(key) = former
                    && store::find_by_email_key(conn, &key).await?.is_some()
                {
                    return Err(Error::EmailTaken);
                }
                let account = admitted.insert(conn, &roles).await?;
                if let Some(asking) = &asking {
                    asking.store_unless_too_many(conn).await?;
                }
                let told = Told::default().with_roles(&account.roles);
                trail.note(conn, account.create_time, action, account.id, told).await?;
                Ok(account)
            })
        })
        .await;
    core.hooks.wake();
    made
}

/// Makes an account for whoever runs the installation, at its command line: nobody is asked.
pub(crate) async fn create_unasked(core: &Core, wanted: NewAccount) -> Result<Account, Error> {
    create(core, wanted, (Origin::Inside, None), (Trail::of_command_line(), Action::CreateAccount)).await
}

/// Makes the row of an account that nobody has shown to be theirs so far.
pub(super) fn new_row(email: &Email, password_hash: String, profile: Profile, now: i64) -> AccountRow {
    let address = (email.original().to_owned(), email.key().to_owned());
    row_of(AccountId::generate().to_string(), address, password_hash, profile, now)
}

fn row_of(
    uid: String,
    (email, email_key): (String, String),
    password_hash: String,
    profile: Profile,
    now: i64,
) -> AccountRow {
    AccountRow {
        uid,
        email,
        email_key,
        email_verified: false,
        password_hash,
        pending_email: None,
        pending_email_key: None,
        pending_email_proved: false,
        pending_email_approved: false,
        locale: profile.locale,
        user_name_look: profile.user_name.as_ref().map(UserName::look),
        user_name: profile.user_name.map(|name| name.as_str().to_owned()),
        display_name_key: display_name_key(&profile.display_name),
        display_name: profile.display_name,
        picture_uri: profile.picture_uri,
        claims: profile.claims.to_stored(),
        anonymous: false,
        create_time: now,
        update_time: now,
        revision: Revision(0).next(now).0,
        token_epoch: 0,
        disable_time: None,
    }
}

/// An account that comes from elsewhere.
pub(super) fn imported_row(email: &Email, verified: bool, hash: String, profile: Profile, now: i64) -> AccountRow {
    AccountRow { email_verified: verified, ..new_row(email, hash, profile, now) }
}

/// What the key of an account without an address begins with. No address begins so.
const NO_ADDRESS: &str = "anonymous ";

/// An account without an address, and with a hash that no password has.
pub(super) fn anonymous_row(password_hash: String, profile: Profile, now: i64) -> AccountRow {
    let uid = AccountId::generate().to_string();
    let email_key = format!("{NO_ADDRESS}{uid}");
    let base = row_of(uid, (String::new(), email_key), password_hash, profile, now);
    AccountRow { anonymous: true, ..base }
}

/// An account that a provider vouches for: with an address, or without one.
pub(super) fn provided_row(address: Option<(&Email, bool)>, hash: String, profile: Profile, now: i64) -> AccountRow {
    match address {
        Some((email, verified)) => imported_row(email, verified, hash, profile, now),
        None => AccountRow { anonymous: false, ..anonymous_row(hash, profile, now) },
    }
}

/// Finds the account that has an address.
pub(crate) async fn find_by_email(core: &Core, email: &str) -> Result<Account, Error> {
    let email = Claimed::read(email, core.former_are_left)
        .map_err(|problem| Error::Violations(vec![refused_email("", problem)]))?;
    core.database
        .read(Lane::Inline, move |conn| {
            let email = email.clone();
            Box::pin(async move {
                let row = store::find_by_email(conn, &email).await?;
                with_roles(conn, row).await
            })
        })
        .await
}

/// Replaces an account's roles by what `change` makes of them, if `etag` is empty or still the account's. Where one is taken
/// away, the account's tokens have to be refreshed.
pub(crate) async fn change_roles(
    core: &Core,
    trail: Trail,
    id: AccountId,
    etag: String,
    change: impl Fn(&[String]) -> Vec<String> + Clone + Send + Sync + 'static,
) -> Result<Account, Error> {
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let (account, revocation) = core
        .database
        .write(Atomic::Transaction, move |conn| {
            let (etag, change, trail) = (etag.clone(), change.clone(), trail.clone());
            Box::pin(async move {
                let row = store::find(conn, id).await?;
                let mut account = with_roles(conn, row).await?;
                if !etag.is_empty() && etag != account.revision.etag() {
                    return Err(Error::EtagMismatch);
                }
                let roles = change(&account.roles);
                if !store::replace_roles(conn, &id.to_string(), account.revision, &roles, now).await? {
                    return Err(Error::Contention);
                }
                account.revision = account.revision.next(now);
                account.update_time = now;
                let says_too_much = account.roles.iter().any(|held| !roles.contains(held));
                account.roles = roles;
                let told = Told::default().with_roles(&account.roles);
                trail.note(conn, now, Action::SetRoles, id, told).await?;
                let revocation = if says_too_much { Some(outdate_tokens(conn, moment, id).await?) } else { None };
                Ok::<_, Error>((account, revocation))
            })
        })
        .await?;
    core.tell(revocation);
    Ok(account)
}

pub(crate) fn role_violations(prefix: &str, problems: &[(Option<usize>, role::RoleError)]) -> Error {
    Error::Violations(problems.iter().map(|(index, problem)| refused_role(prefix, *index, problem)).collect())
}
