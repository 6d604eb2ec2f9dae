use std::collections::HashMap;
use std::sync::Arc;

use mainstay_db::{Atomic, Lane};
use mainstay_fault::reply;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::account_service_server::AccountService;
use mainstay_record::Violation;
use tonic::Request;

use super::owner::require_administrators_level;
use super::pages::page_size;
use super::whose::{account_id, may_see, with_roles};
use super::{Answer, account_to_pb, disabling, emails, origin, passwords, sending, trail};
use crate::audit::{Action, Told, Trail};
use crate::config::SignUp;
use crate::core::Core;
use crate::domain::account::{Account, AccountId, Revision};
use crate::domain::email::{Claimed, Email, former_key};
use crate::domain::password::Password;
use crate::domain::{locale, page_token, role};
use crate::error::{Error, refused_email, refused_password, refused_role};
use crate::limits::Origin;
use crate::revoking::outdate_tokens;
use crate::store::accounts::{self as store, AccountRow};

/// Serves `mainstay.auth.v1.AccountService`.
pub(crate) struct Accounts(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl AccountService for Accounts {
    async fn sign_up(&self, request: Request<pb::SignUpRequest>) -> Answer<pb::Account> {
        reply(sign_up(&self.0, request).await)
    }

    async fn get_account(&self, request: Request<pb::GetAccountRequest>) -> Answer<pb::Account> {
        reply(get_account(&self.0, request).await)
    }

    async fn lookup_account(&self, request: Request<pb::LookupAccountRequest>) -> Answer<pb::Account> {
        reply(lookup_account(&self.0, request.into_inner()).await)
    }

    async fn list_accounts(&self, request: Request<pb::ListAccountsRequest>) -> Answer<pb::ListAccountsResponse> {
        reply(list_accounts(&self.0, request).await)
    }

    async fn create_account(&self, request: Request<pb::CreateAccountRequest>) -> Answer<pb::Account> {
        reply(create_account(&self.0, request).await)
    }

    async fn request_email_verification(&self, request: Request<pb::RequestEmailVerificationRequest>) -> Answer<()> {
        reply(emails::request_email_verification(&self.0, request).await)
    }

    async fn verify_email(&self, request: Request<pb::VerifyEmailRequest>) -> Answer<pb::Account> {
        reply(emails::verify_email(&self.0, request).await)
    }

    async fn change_email(&self, request: Request<pb::ChangeEmailRequest>) -> Answer<pb::Account> {
        reply(emails::change_email(&self.0, request).await)
    }

    async fn confirm_email_change(
        &self,
        request: Request<pb::ConfirmEmailChangeRequest>,
    ) -> Answer<pb::ConfirmEmailChangeResponse> {
        reply(emails::confirm_email_change(&self.0, request).await)
    }

    async fn request_password_reset(&self, request: Request<pb::RequestPasswordResetRequest>) -> Answer<()> {
        reply(passwords::request_password_reset(&self.0, request).await)
    }

    async fn reset_password(&self, request: Request<pb::ResetPasswordRequest>) -> Answer<()> {
        reply(passwords::reset_password(&self.0, request).await)
    }

    async fn change_password(&self, request: Request<pb::ChangePasswordRequest>) -> Answer<()> {
        reply(passwords::change_password(&self.0, request).await)
    }

    async fn set_roles(&self, request: Request<pb::SetRolesRequest>) -> Answer<pb::Account> {
        reply(set_roles(&self.0, request).await)
    }

    async fn disable_account(&self, request: Request<pb::DisableAccountRequest>) -> Answer<pb::Account> {
        reply(disabling::disable(&self.0, request).await)
    }

    async fn enable_account(&self, request: Request<pb::EnableAccountRequest>) -> Answer<pb::Account> {
        reply(disabling::enable(&self.0, request).await)
    }
}

async fn sign_up(core: &Core, request: Request<pb::SignUpRequest>) -> Result<pb::Account, Error> {
    if core.sign_up == SignUp::Closed {
        return Err(Error::SignUpClosed);
    }
    let origin = origin(&request)?;
    let pb::SignUpRequest { email, password, locale } = request.get_ref();
    let mut wanted = read_new(core, "", (email, password), &[]).await?;
    locale::check(locale).map_err(|problem| Error::Violations(vec![Violation::new("locale", problem)]))?;
    wanted.locale.clone_from(locale);
    wanted.is_verified_by_mail = core.mail.is_some();
    core.limits.sign_up(origin)?;
    let by = (trail(&request)?, Action::SignUp);
    let account = create(core, wanted, origin, by).await?;
    sending::wake(core);
    Ok(account_to_pb(&account))
}

/// An administrator proves nothing by the password and makes as many accounts as there are to be: there is no limit.
async fn create_account(core: &Core, request: Request<pb::CreateAccountRequest>) -> Result<pb::Account, Error> {
    let origin = origin(&request)?;
    let by = (trail(&request)?, Action::CreateAccount);
    require_administrators_level(core, &caller(&request).map_err(Error::Stack)?).await?;
    let pb::CreateAccountRequest { account, password } = request.into_inner();
    let account = account.unwrap_or_default();
    let wanted = read_new(core, "account.", (&account.email, &password), &account.roles).await?;
    Ok(account_to_pb(&create(core, wanted, origin, by).await?))
}

async fn get_account(core: &Core, request: Request<pb::GetAccountRequest>) -> Result<pb::Account, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let id = account_id(&caller, &request.get_ref().name)?;
    // To everybody else other accounts do not exist (AIP-211).
    if !may_see(&caller, id) {
        return Err(Error::AccountNotFound);
    }
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

async fn lookup_account(core: &Core, request: pb::LookupAccountRequest) -> Result<pb::Account, Error> {
    Ok(account_to_pb(&find_by_email(core, &request.email).await?))
}

async fn list_accounts(
    core: &Core,
    request: Request<pb::ListAccountsRequest>,
) -> Result<pb::ListAccountsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    list(core, caller.uid().unwrap_or_default(), request.into_inner()).await
}

/// Gives a page of all accounts to its reader.
pub(crate) async fn list(
    core: &Core,
    reader: &str,
    request: pb::ListAccountsRequest,
) -> Result<pb::ListAccountsResponse, Error> {
    let size = page_size(request.page_size)?;
    let now = core.clock.now_seconds();
    let after = match request.page_token.as_str() {
        "" => String::new(),
        token => page_token::open::<AccountId>(&core.key_encryption_key, reader, token, now)?.to_string(),
    };
    let mut accounts = read_page(core, after, size + 1).await?;
    let more = accounts.len() > size;
    accounts.truncate(size);
    let last = accounts.last().filter(|_| more).map(|account| account.id);
    let seal = |last| page_token::seal(&core.key_encryption_key, reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    Ok(pb::ListAccountsResponse { accounts: accounts.iter().map(account_to_pb).collect(), next_page_token })
}

/// Reads the accounts after the one with this uid, the roles of all at once.
async fn read_page(core: &Core, after: String, limit: usize) -> Result<Vec<Account>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    core.database
        .read(Lane::Heavy, move |conn| {
            let after = after.clone();
            Box::pin(async move {
                let rows = store::page(conn, &after, limit).await?;
                let uids: Vec<String> = rows.iter().map(|row| row.uid.clone()).collect();
                let mut roles: HashMap<String, Vec<String>> = HashMap::new();
                for (uid, role) in store::roles_of(conn, &uids).await? {
                    roles.entry(uid).or_default().push(role);
                }
                let complete = |row: AccountRow| {
                    let roles = roles.remove(&row.uid).unwrap_or_default();
                    row.into_account(roles)
                };
                Ok(rows.into_iter().map(complete).collect::<Result<_, _>>()?)
            })
        })
        .await
}

async fn set_roles(core: &Core, request: Request<pb::SetRolesRequest>) -> Result<pb::Account, Error> {
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
    email: Email,
    password: Password,
    roles: Vec<String>,
    locale: String,
    /// Whether its owner is asked at once whether the address is theirs.
    is_verified_by_mail: bool,
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
            Ok(NewAccount { email, password, roles, locale: String::new(), is_verified_by_mail: false })
        }
        _ => Err(Error::Violations(violations)),
    }
}

/// Makes an account. `by`: who does so, and what the audit log calls it.
pub(crate) async fn create(
    core: &Core,
    wanted: NewAccount,
    origin: Origin,
    by: (Trail, Action),
) -> Result<Account, Error> {
    let NewAccount { email, password, roles, locale, is_verified_by_mail } = wanted;
    let password_hash = core.hasher.hash(password, origin).await?;
    let row = AccountRow { locale, ..new_row(&email, password_hash, core.clock.now_micros()) };
    let asking = is_verified_by_mail.then(|| emails::verification(core, &row)).transpose()?;
    let former = core.former_are_left.then(|| former_key(email.original()));
    core.database
        .write(Atomic::Transaction, move |conn| {
            let (row, roles, former, asking) = (row.clone(), roles.clone(), former.clone(), asking.clone());
            let (trail, action) = by.clone();
            Box::pin(async move {
                if let Some(key) = former
                    && store::find_by_email_key(conn, &key).await?.is_some()
                {
                    return Err(Error::EmailTaken);
                }
                store::insert(conn, &row, &roles).await?;
                if let Some(asking) = &asking {
                    asking.store_unless_too_many(conn).await?;
                }
                let account = row.into_account(roles)?;
                let told = Told::default().with_roles(&account.roles);
                trail.note(conn, account.create_time, action, account.id, told).await?;
                Ok(account)
            })
        })
        .await
}

fn new_row(email: &Email, password_hash: String, now: i64) -> AccountRow {
    AccountRow {
        uid: AccountId::generate().to_string(),
        email: email.original().to_owned(),
        email_key: email.key().to_owned(),
        email_verified: false,
        password_hash,
        pending_email: None,
        pending_email_key: None,
        pending_email_proved: false,
        pending_email_approved: false,
        locale: String::new(),
        create_time: now,
        update_time: now,
        revision: Revision(0).next(now).0,
        token_epoch: 0,
        disable_time: None,
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
