//! Accounts that come from elsewhere, with the hashes that another system has made of their passwords.

use mainstay_db::{Atomic, Lane};
use mainstay_fault::Fault;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::imported_account::Password;
use mainstay_record::Violation;
use tonic::Request;

use super::accounts::imported_row;
use super::making::Admitted;
use super::owner::require_administrators_level;
use super::profile::Profile;
use super::trail;
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::email::{Email, former_key};
use crate::domain::role;
use crate::error::{Error, StartError, refused_email, refused_role};
use crate::hashing::{Foreign, ForeignError, Scrypt, check_ours};
use crate::store::accounts::{self as store, AccountRow};

/// Most accounts of one call.
pub const MAX_IMPORTED: usize = 100;

pub(super) async fn import(
    core: &Core,
    request: Request<pb::ImportAccountsRequest>,
) -> Result<pb::ImportAccountsResponse, Error> {
    let trail = trail(&request)?;
    require_administrators_level(core, &caller(&request).map_err(Error::Stack)?).await?;
    perform(core, trail, request.into_inner()).await
}

/// Makes each account that can be made, and says of the others why not.
pub(crate) async fn perform(
    core: &Core,
    trail: Trail,
    request: pb::ImportAccountsRequest,
) -> Result<pb::ImportAccountsResponse, Error> {
    if request.accounts.len() > MAX_IMPORTED {
        let problem = format!("has more than {MAX_IMPORTED} entries");
        return Err(Error::Violations(vec![Violation::new("accounts", problem)]));
    }
    let mut answer = pb::ImportAccountsResponse::default();
    for (index, given) in request.accounts.into_iter().enumerate() {
        match import_one(core, trail.clone(), given).await {
            Ok(()) => answer.imported_accounts += 1,
            Err(error) => answer.failures.push(failure(index, error)?),
        }
    }
    read_foreign(core).await?;
    Ok(answer)
}

async fn import_one(core: &Core, trail: Trail, given: pb::ImportedAccount) -> Result<(), Error> {
    let (row, roles) = read(core, given)?;
    let former = core.former_are_left.then(|| former_key(&row.email));
    let admitted = Admitted::imported(row);
    let made = core.database.write(Atomic::Transaction, move |conn| {
        let (admitted, roles, former, trail) = (admitted.clone(), roles.clone(), former.clone(), trail.clone());
        Box::pin(async move {
            if let Some(key) = former
                && store::find_by_email_key(conn, &key).await?.is_some()
            {
                return Err(Error::EmailTaken);
            }
            let account = admitted.insert(conn, &roles).await?;
            let told = Told::default().with_roles(&roles);
            trail.note(conn, account.create_time, Action::ImportAccount, account.id, told).await
        })
    });
    made.await
}

/// Reads an account with its hash, or says of all that is wrong with it.
fn read(core: &Core, given: pb::ImportedAccount) -> Result<(AccountRow, Vec<String>), Error> {
    let account = given.account.unwrap_or_default();
    let mut violations = Vec::new();
    let email = Email::parse(&account.email).map_err(|problem| violations.push(refused_email("account.", problem)));
    let roles = role::check_all(&account.roles).map_err(|problems| {
        violations.extend(problems.iter().map(|(index, problem)| refused_role("account.", *index, problem)));
    });
    let profile = Profile::read(account, &mut violations);
    let hash = match given.password {
        None => core.hasher.of_nobody().map(Ok)?,
        Some(Password::PasswordHash(text)) => hash_of(&text).map_err(|problem| ("password_hash", problem)),
        Some(Password::FirebaseScrypt(given)) => {
            firebase(given).map(|hash| hash.to_text()).map_err(|problem| ("firebase_scrypt", problem))
        }
    };
    let hash = hash.map_err(|(field, problem)| violations.push(Violation::new(field, problem)));
    match (email, roles, hash) {
        (Ok(email), Ok(roles), Ok(hash)) if violations.is_empty() => {
            let now = core.clock.now_micros();
            Ok((imported_row(&email, given.email_verified, hash, profile, now), roles))
        }
        _ => Err(Error::Violations(violations)),
    }
}

/// Reads a hash, and writes it as it is stored.
fn hash_of(text: &str) -> Result<String, ForeignError> {
    match Foreign::parse(text)? {
        Some(foreign) => Ok(foreign.to_text()),
        None => check_ours(text).map(|()| text.to_owned()),
    }
}

fn firebase(given: pb::FirebaseScrypt) -> Result<Foreign, ForeignError> {
    let log_n = u8::try_from(given.memory_cost).map_err(|_| ForeignError::TooCostly)?;
    let r = u32::try_from(given.rounds).map_err(|_| ForeignError::Damaged)?;
    let foreign = Foreign::Firebase {
        cost: Scrypt { log_n, r, p: 1 },
        signer_key: given.signer_key,
        separator: given.salt_separator,
        salt: given.salt,
        hash: given.hash,
    };
    foreign.check_cost().map(|()| foreign)
}

/// Says why an account was not made; what is nobody's fault but ours ends the call.
fn failure(index: usize, error: Error) -> Result<pb::ImportFailure, Error> {
    match error {
        Error::Violations(_) | Error::EmailTaken | Error::UserNameTaken => {
            let fault = Fault::from(error);
            let violations = fault.violations().iter().map(|it| format!("{}: {}", it.field, it.description));
            let told: Vec<String> = std::iter::once(fault.text().to_owned()).chain(violations).collect();
            Ok(pb::ImportFailure {
                index: i32::try_from(index).unwrap_or(i32::MAX),
                reason: fault.reason().map(|reason| reason.name().to_owned()).unwrap_or_default(),
                message: told.join("; "),
            })
        }
        other => Err(other),
    }
}

/// Has the hasher know what a wrong password of an imported account costs, as long as there are some that nobody has signed in
/// to: one of an account that is not there costs the same then.
pub(crate) async fn read_foreign(core: &Core) -> Result<(), Error> {
    let read = core
        .database
        .read(Lane::Inline, |conn| Box::pin(async move { Ok::<_, Error>(store::any_foreign_hash(conn).await?) }));
    let foreign = read.await?.and_then(|text| Foreign::parse(&text).ok().flatten());
    core.hasher.expect_foreign(foreign);
    Ok(())
}

/// The same as a job.
pub(crate) async fn follow_foreign(core: &Core) -> Result<(), StartError> {
    read_foreign(core).await.map_err(StartError::Foreign)
}
