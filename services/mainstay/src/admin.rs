//! `mainstay admin`: the first administrator, and roles.

use std::io::Read as _;
use std::process::ExitCode;

use mainstay_auth as auth;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::roles;
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::process::{self, Common, Failure, Flags, Role};

use crate::cli::{AdminCommand, Reach};
use crate::local::{CallError, Server, Target, target};
use crate::say::say;
use crate::serve::AllSettings;

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
            if !password_stdin {
                return Err(
                    "pass the password on standard input: --password-stdin (arguments are seen by others)".into()
                );
            }
            let password = read_password()?;
            create(target(common, reach, Role::Auth)?, common, config, (&email, &password)).await?;
            say!("{email} administers now");
        }
        AdminCommand::Grant { email, role } => {
            auth::check_role(&role).map_err(|problem| format!("`{role}` {problem}"))?;
            grant(target(common, reach, Role::Auth)?, common, config, (&email, &role)).await?;
            say!("{email} has the role {role} now, in every token from the next refresh on");
        }
    }
    Ok(())
}

/// Reads the password; one line end after it does not count.
fn read_password() -> Result<String, Failure> {
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
        Target::Server(server) => grant_remotely(&server, email, role).await,
        Target::Store(_directory) => {
            let auth = auth::process::open(common, config).await?;
            auth.grant_role(email, role).await.map_err(|error| match error {
                auth::Error::AccountNotFound => no_account(email),
                error => auth_words(error),
            })?;
            auth.close().await;
            Ok(())
        }
    }
}

async fn grant_remotely(server: &Server, email: &str, role: &str) -> Result<(), Failure> {
    let lookup = pb::LookupAccountRequest { email: email.to_owned() };
    let found: Result<pb::Account, CallError> = server.call(&method("LookupAccount"), &lookup).await;
    let account = found.map_err(|error| match error {
        CallError::Refused { fault, .. } if fault.reason() == Some(Reason::ResourceNotFound) => no_account(email),
        error => error.into(),
    })?;
    let mut roles = account.roles;
    if !roles.iter().any(|held| held == role) {
        roles.push(role.to_owned());
    }
    // The etag makes sure that nobody changes the roles between the two calls.
    let request = pb::SetRolesRequest { name: account.name, roles, etag: account.etag };
    let _: pb::Account = server.call(&method("SetRoles"), &request).await?;
    Ok(())
}

fn no_account(email: &str) -> Failure {
    format!("no account has the address {email}; accounts are made by signing up").into()
}

/// An auth error as a client would read it.
fn auth_words(error: auth::Error) -> Failure {
    let fault = Fault::from(error);
    let violations: String = fault.violations().iter().map(|v| format!("\n  {}: {}", v.field, v.description)).collect();
    format!("{}{violations}", fault.text()).into()
}

fn method(name: &str) -> String {
    format!("/mainstay.auth.v1.AccountService/{name}")
}
