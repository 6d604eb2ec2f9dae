//! `mainstay admin`: the first administrator, accounts, and roles.

mod erase;
mod export;
mod import;
mod organisation;

use std::io::Read as _;
use std::process::ExitCode;

use mainstay_auth as auth;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::roles;
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::process::{self, Common, Failure, Flags, Role};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};

use crate::cli::{AdminCommand, Reach};
use crate::local::{CallError, Server, Target, target};
use crate::say::say;
use crate::serve::AllSettings;

/// The message that a page of accounts is.
const PAGE: &str = "mainstay.auth.v1.ListAccountsResponse";

/// The longest password that is read, in bytes.
const MAX_PASSWORD_BYTES: u64 = 4 * 1024;

/// Runs the command.
pub fn run(flags: &Flags, reach: Reach, command: AdminCommand) -> ExitCode {
    let settings: AllSettings = match flags.load() {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let (mut common, auth, _, _) = settings.split(Role::All);
    common.telemetry.log = "warn".to_owned();
    process::run(common, env!("CARGO_PKG_VERSION"), move |process| async move {
        perform(&process.common, &reach, &auth, command).await
    })
}

async fn perform(common: &Common, reach: &Reach, config: &auth::Config, command: AdminCommand) -> Result<(), Failure> {
    match command {
        AdminCommand::Create { email, password_stdin } => {
            let password = read_password(password_stdin)?;
            create(target(common, reach, Role::Auth)?, common, config, (&email, &password)).await?;
            say!("{email} administers now");
        }
        AdminCommand::Grant { email, role } => {
            auth::check_role(&role).map_err(|problem| format!("`{role}` {problem}"))?;
            grant(target(common, reach, Role::Auth)?, common, config, (&email, &role)).await?;
            say!("{email} has the role {role} now, in every token from the next refresh on");
        }
        AdminCommand::Revoke { email, role } => {
            let had = revoke(target(common, reach, Role::Auth)?, common, config, (&email, &role)).await?;
            say_revoked((&email, &role), had);
        }
        AdminCommand::Disable { email } => {
            disable(target(common, reach, Role::Auth)?, common, config, &email, true).await?;
            say!("nobody signs in to {email} any more; its sessions end everywhere within seconds");
        }
        AdminCommand::Enable { email } => {
            disable(target(common, reach, Role::Auth)?, common, config, &email, false).await?;
            say!("{email} can sign in");
        }
        AdminCommand::SignOut { email } => {
            say_ended(&email, sign_out(target(common, reach, Role::Auth)?, common, config, &email).await?);
        }
        AdminCommand::ResetFactors { email } => {
            say_removed(&email, reset_factors(target(common, reach, Role::Auth)?, common, config, &email).await?);
        }
        AdminCommand::Delete { email, yes } => {
            if !yes {
                return Err(format!("{email} would be removed for good; say --yes to do it").into());
            }
            delete(target(common, reach, Role::Auth)?, common, config, &email).await?;
            say!("{email} is removed; its sessions end everywhere within seconds");
        }
        AdminCommand::Export { account, output } => {
            export::export(common, reach, &account, output.as_deref()).await?;
        }
        AdminCommand::Erase { account, dry_run, certificate, backups, keep_free_space, yes, json } => {
            let wanted = erase::Wanted { account, dry_run, certificate, backups, compact: !keep_free_space, yes, json };
            erase::erase(common, reach, wanted).await?;
        }
        AdminCommand::Organisation { command } => organisation::perform(common, reach, config, command).await?,
        AdminCommand::Import { file } => import::import(common, reach, config, &file).await?,
        AdminCommand::Search { text, json } => {
            let page = search(common, reach, config, &text).await?;
            if json { print_json(&page)? } else { print(&page) }
        }
        AdminCommand::List { filter, page_size, page_token, json } => {
            let request = pb::ListAccountsRequest { page_size, page_token, filter };
            let page = list(target(common, reach, Role::Auth)?, common, config, request).await?;
            if json { print_json(&page)? } else { print(&page) }
        }
    }
    Ok(())
}

/// Says whether an account has lost a role.
fn say_revoked((email, role): (&str, &str), had: bool) {
    match had {
        true => say!("{email} has the role {role} no more; tokens that say so are refused within seconds"),
        false => say!("{email} does not have the role {role}: nothing was changed"),
    }
}

/// Says how many sessions of an account end.
fn say_ended(email: &str, sessions: usize) {
    match sessions {
        0 => say!("{email} has no session"),
        1 => say!("{email} had one session; it ends everywhere within seconds"),
        many => say!("{email} had {many} sessions; they end everywhere within seconds"),
    }
}

/// Says how many factors an account has lost.
fn say_removed(email: &str, factors: usize) {
    match factors {
        0 => say!("{email} has no second factor: nothing was changed"),
        1 => say!("{email} had one second factor; the password alone signs in now, and its sessions end"),
        many => say!("{email} had {many} second factors; the password alone signs in now, and its sessions end"),
    }
}

/// Reads the password from standard input, where the command says so; one line end after it does not count.
fn read_password(is_there: bool) -> Result<String, Failure> {
    if !is_there {
        return Err("pass the password on standard input: --password-stdin (arguments are seen by others)".into());
    }
    let mut password = String::new();
    std::io::stdin().take(MAX_PASSWORD_BYTES + 2).read_to_string(&mut password)?;
    let end = password.trim_end_matches(['\r', '\n']).len();
    password.truncate(end);
    Ok(password)
}

async fn create(
    target: Target,
    common: &Common,
    config: &auth::Config,
    (email, password): (&str, &str),
) -> Result<(), Failure> {
    match target {
        Target::Server(server) => {
            let account =
                pb::Account { email: email.to_owned(), roles: vec![roles::ADMIN.to_owned()], ..Default::default() };
            let request = pb::CreateAccountRequest { account: Some(account), password: password.to_owned() };
            let _: pb::Account = server.call(&method("CreateAccount"), &request).await?;
        }
        Target::Store(_directory) => {
            let auth = auth::process::open(common, config).await?;
            auth.create_account(email, password, &[roles::ADMIN.to_owned()]).await.map_err(auth_words)?;
            auth.close().await;
        }
    }
    Ok(())
}

async fn grant(
    target: Target,
    common: &Common,
    config: &auth::Config,
    (email, role): (&str, &str),
) -> Result<(), Failure> {
    match target {
        Target::Server(server) => {
            let mut account = look_up(&server, email).await?;
            if !account.roles.iter().any(|held| held == role) {
                account.roles.push(role.to_owned());
            }
            set_roles(&server, account).await
        }
        Target::Store(_directory) => {
            let auth = auth::process::open(common, config).await?;
            auth.grant_role(email, role).await.map_err(|error| words_of(error, email))?;
            auth.close().await;
            Ok(())
        }
    }
}

/// Says whether the account had the role.
async fn revoke(
    target: Target,
    common: &Common,
    config: &auth::Config,
    (email, role): (&str, &str),
) -> Result<bool, Failure> {
    match target {
        Target::Server(server) => {
            let mut account = look_up(&server, email).await?;
            let Some(index) = account.roles.iter().position(|held| held == role) else { return Ok(false) };
            account.roles.remove(index);
            set_roles(&server, account).await.map(|()| true)
        }
        Target::Store(_directory) => {
            let auth = auth::process::open(common, config).await?;
            let had_it = auth.revoke_role(email, role).await.map_err(|error| words_of(error, email))?;
            auth.close().await;
            Ok(had_it)
        }
    }
}

/// Disables an account, or enables it.
async fn disable(
    target: Target,
    common: &Common,
    config: &auth::Config,
    email: &str,
    disable: bool,
) -> Result<(), Failure> {
    match target {
        Target::Server(server) => {
            let pb::Account { name, etag, .. } = look_up(&server, email).await?;
            let _: pb::Account = if disable {
                server.call(&method("DisableAccount"), &pb::DisableAccountRequest { name, etag }).await?
            } else {
                server.call(&method("EnableAccount"), &pb::EnableAccountRequest { name, etag }).await?
            };
        }
        Target::Store(_directory) => {
            let auth = auth::process::open(common, config).await?;
            auth.set_disabled(email, disable).await.map_err(|error| words_of(error, email))?;
            auth.close().await;
        }
    }
    Ok(())
}

/// Says how many sessions ended.
async fn sign_out(target: Target, common: &Common, config: &auth::Config, email: &str) -> Result<usize, Failure> {
    match target {
        Target::Server(server) => {
            let parent = look_up(&server, email).await?.name;
            let request = pb::RevokeAllSessionsRequest { parent, keep_current: false };
            let path = "/mainstay.auth.v1.SessionService/RevokeAllSessions";
            let ended: pb::RevokeAllSessionsResponse = server.call(path, &request).await?;
            Ok(usize::try_from(ended.revoked_sessions).unwrap_or_default())
        }
        Target::Store(_directory) => {
            let auth = auth::process::open(common, config).await?;
            let ended = auth.sign_out_everywhere(email).await.map_err(|error| words_of(error, email))?;
            auth.close().await;
            Ok(ended)
        }
    }
}

/// Says how many factors were removed.
async fn reset_factors(target: Target, common: &Common, config: &auth::Config, email: &str) -> Result<usize, Failure> {
    match target {
        Target::Server(server) => {
            let parent = look_up(&server, email).await?.name;
            let path = "/mainstay.auth.v1.FactorService/ResetFactors";
            let reset: pb::ResetFactorsResponse = server.call(path, &pb::ResetFactorsRequest { parent }).await?;
            Ok(usize::try_from(reset.removed_factors).unwrap_or_default())
        }
        Target::Store(_directory) => {
            let auth = auth::process::open(common, config).await?;
            let removed = auth.reset_factors(email).await.map_err(|error| words_of(error, email))?;
            auth.close().await;
            Ok(removed)
        }
    }
}

/// Removes an account for good.
async fn delete(target: Target, common: &Common, config: &auth::Config, email: &str) -> Result<(), Failure> {
    match target {
        Target::Server(server) => {
            let pb::Account { name, etag, .. } = look_up(&server, email).await?;
            let request = pb::DeleteAccountRequest { name, etag, password: String::new() };
            let _: () = server.call(&method("DeleteAccount"), &request).await?;
        }
        Target::Store(_directory) => {
            let auth = auth::process::open(common, config).await?;
            auth.delete_account(email).await.map_err(|error| words_of(error, email))?;
            auth.close().await;
        }
    }
    Ok(())
}

/// Finds accounts by how their address, user name or name begins: the first hundred of each.
async fn search(
    common: &Common,
    reach: &Reach,
    config: &auth::Config,
    text: &str,
) -> Result<pb::ListAccountsResponse, Failure> {
    let escaped: String = text
        .chars()
        .flat_map(|sign| matches!(sign, '"' | '\\' | '*').then_some('\\').into_iter().chain([sign]))
        .collect();
    let mut accounts: Vec<pb::Account> = Vec::new();
    for field in ["email", "user_name", "display_name"] {
        let filter = format!("{field} = \"{escaped}*\"");
        let request = pb::ListAccountsRequest { page_size: 100, filter, ..Default::default() };
        let page = list(target(common, reach, Role::Auth)?, common, config, request).await?;
        let known = |account: &pb::Account| accounts.iter().any(|known| known.name == account.name);
        let new: Vec<_> = page.accounts.into_iter().filter(|account| !known(account)).collect();
        accounts.extend(new);
    }
    Ok(pb::ListAccountsResponse { accounts, next_page_token: String::new() })
}

async fn list(
    target: Target,
    common: &Common,
    config: &auth::Config,
    request: pb::ListAccountsRequest,
) -> Result<pb::ListAccountsResponse, Failure> {
    match target {
        Target::Server(server) => Ok(server.call(&method("ListAccounts"), &request).await?),
        Target::Store(_directory) => {
            let auth = auth::process::open(common, config).await?;
            let page = auth.list_accounts(request).await.map_err(auth_words)?;
            auth.close().await;
            Ok(page)
        }
    }
}

pub async fn look_up(server: &Server, email: &str) -> Result<pb::Account, Failure> {
    let lookup = pb::LookupAccountRequest { email: email.to_owned() };
    let found: Result<pb::Account, CallError> = server.call(&method("LookupAccount"), &lookup).await;
    found.map_err(|error| match error {
        CallError::Refused { fault, .. } if fault.reason() == Some(Reason::ResourceNotFound) => no_account(email),
        error => error.into(),
    })
}

/// Stores the account's roles. Its etag makes sure that nobody changed them since it was looked up.
async fn set_roles(server: &Server, account: pb::Account) -> Result<(), Failure> {
    let request = pb::SetRolesRequest { name: account.name, roles: account.roles, etag: account.etag };
    let _: pb::Account = server.call(&method("SetRoles"), &request).await?;
    Ok(())
}

/// Prints a page as the API writes it.
fn print_json(page: &pb::ListAccountsResponse) -> Result<(), Failure> {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let descriptor = pool.get_message_by_name(PAGE).ok_or("the platform's contract has no list of accounts")?;
    let page = DynamicMessage::decode(descriptor, page.encode_to_vec().as_slice())?;
    say!("{}", serde_json::to_string_pretty(&page)?);
    Ok(())
}

/// Prints a page for people.
fn print(page: &pb::ListAccountsResponse) {
    let width = page.accounts.iter().map(|account| account.email.chars().count()).max().unwrap_or_default();
    for account in &page.accounts {
        let roles = if account.roles.is_empty() { "no roles".to_owned() } else { account.roles.join(", ") };
        let disabled = if account.disable_time.is_some() { "  disabled" } else { "" };
        say!("{}  {:width$}  {roles}{disabled}", account.name, account.email);
    }
    match (page.accounts.is_empty(), page.next_page_token.as_str()) {
        (true, _) => say!("there are no such accounts; they are made by signing up, or with mainstay admin create"),
        (false, "") => {}
        (false, token) => say!("\nthere are more: mainstay admin list --page-token {token}"),
    }
}

/// What went wrong with the account that has an address.
pub fn words_of(error: auth::Error, email: &str) -> Failure {
    match error {
        auth::Error::AccountNotFound => no_account(email),
        error => auth_words(error),
    }
}

fn no_account(email: &str) -> Failure {
    format!("no account has the address {email}; accounts are made by signing up").into()
}

/// An auth error as a client would read it.
pub fn auth_words(error: auth::Error) -> Failure {
    let fault = Fault::from(error);
    let violations: String = fault.violations().iter().map(|v| format!("\n  {}: {}", v.field, v.description)).collect();
    format!("{}{violations}", fault.text()).into()
}

fn method(name: &str) -> String {
    format!("/mainstay.auth.v1.AccountService/{name}")
}
