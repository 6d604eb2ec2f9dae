use mainstay_db as db;
use mainstay_fault::{Fault, Reason};
use mainstay_record::Violation;

use crate::breaches::BreachListError;
use crate::captcha::CaptchaError;
use crate::domain::email::EmailError;
use crate::domain::factor::RECENT;
use crate::domain::page_token::PageTokenError;
use crate::domain::password::PasswordError;
use crate::domain::role::RoleError;
use crate::domain::search::FilterError;
use crate::domain::totp::NoUri;
use crate::hashing::{self, HashingError};
use crate::hooks::HookError;
use crate::limits::Exceeded;
use crate::mail::{LetterError, MailError, TemplateError};
use crate::passkeys::{PasskeyError, PasskeysError};
use crate::providers::ProviderError;
use crate::refusal::Refusal;
use crate::store::DamagedRow;
use crate::store::accounts::{EMAIL_TAKEN, USER_NAME_TAKEN};
use crate::store::factors::CREDENTIAL_TAKEN;
use crate::store::identities::IDENTITY_TAKEN;
use crate::store::members::PageError;

/// What can go wrong in a call, in this service's words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request are not acceptable; all of them, with what is wrong.
    #[error("the request has fields that are not acceptable")]
    Violations(Vec<Violation>),
    #[error("there is no such account, or the caller may not know of it")]
    AccountNotFound,
    #[error("another account has the address")]
    EmailTaken,
    #[error("another account has the user name, or one that looks like it")]
    UserNameTaken,
    #[error("`{0}` is for administrators")]
    NotAdministrator(&'static str),
    #[error("the field mask {0}")]
    Mask(String),
    #[error("nobody makes accounts without an address here")]
    AnonymousSignInClosed,
    #[error("the account has an address already")]
    NotAnonymous,
    #[error("the account has no address")]
    NoAddress,
    #[error(transparent)]
    Filter(FilterError),
    /// What the caller is told, or nothing.
    #[error("whoever decides about sign-ups has refused this one")]
    SignUpDenied(String),
    #[error(transparent)]
    Captcha(#[from] CaptchaError),
    #[error(transparent)]
    Hook(#[from] HookError),
    #[error("sign-up is closed")]
    SignUpClosed,
    #[error("the address and the password do not belong together")]
    WrongCredentials,
    #[error("there is no such session, or the caller may not know of it")]
    SessionNotFound,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the account is disabled")]
    AccountDisabled,
    #[error("the session has ended")]
    SessionEnded,
    #[error("nobody is signed in")]
    NotSignedIn,
    #[error("the secret of a link is not good, or not good any more")]
    SecretNotFound,
    #[error("the address is verified already")]
    EmailVerified,
    #[error("this installation sends no mail")]
    NoMail,
    #[error("there is no such mail in the mailbox")]
    MailNotFound,
    #[error("this installation has no mailbox")]
    NoMailbox,
    #[error("the mailbox is for this machine and for administrators")]
    MailboxClosed,
    #[error("the code is wrong, or not good any more")]
    WrongCode,
    #[error("the sign-in was begun too long ago, was finished, or was tried too often")]
    ChallengeOver,
    #[error("there is no such factor, or the caller may not know of it")]
    FactorNotFound,
    #[error("the account's address is not verified")]
    EmailNotVerified,
    #[error("the account has {0} factors of the kind already")]
    TooManyFactors(usize),
    #[error("the account has no factor")]
    NoFactor,
    #[error("the account has a factor, which the session has not shown")]
    SecondFactorWanted,
    #[error("the session has not shown for a while who its owner is")]
    RecentAuthenticationWanted,
    #[error("there is no such provider, or nobody comes in by it")]
    ProviderNotFound,
    #[error("the provider does not answer as it should")]
    ProviderUnavailable(#[source] ProviderError),
    #[error("the provider does not vouch for whoever came back")]
    ProviderRefused(#[source] ProviderError),
    #[error("the ID token was used before")]
    TokenUsed,
    #[error("an account has the address, and its owner has to agree to the link")]
    IdentityNotLinked,
    #[error("another account is linked with the user of the provider")]
    IdentityTaken,
    #[error("there is no such identity, or the caller may not know of it")]
    IdentityNotFound,
    #[error("the account has {0} identities already")]
    TooManyIdentities(usize),
    #[error("nobody could come in any more")]
    LastWayIn,
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    #[error(transparent)]
    NoUri(#[from] NoUri),
    #[error("the thread that judges a password ended early")]
    NotJudged(#[source] tokio::task::JoinError),
    #[error(transparent)]
    Breaches(#[from] BreachListError),
    #[error(transparent)]
    Letter(#[from] LetterError),
    #[error(transparent)]
    Words(#[from] TemplateError),
    #[error(transparent)]
    PageToken(#[from] PageTokenError),
    #[error("the account has changed since its etag was read")]
    EtagMismatch,
    #[error("another call changed the same row, again and again")]
    Contention,
    /// What the stack says of a request that it let in.
    #[error(transparent)]
    Stack(Fault),
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    Keys(#[from] mainstay_keys::Error),
    #[error("no key can sign")]
    NoSigningKey,
    #[error("a token cannot be written")]
    Encoding(#[source] serde_json::Error),
    #[error(transparent)]
    Damaged(#[from] DamagedRow),
    #[error(transparent)]
    Storage(db::Error),
}

/// Says what is wrong with an address; `prefix` is what the request has before it.
pub(crate) fn refused_email(prefix: &str, problem: EmailError) -> Violation {
    Violation::new(format!("{prefix}email"), problem)
}

pub(crate) fn refused_password(problem: PasswordError) -> Violation {
    refused_password_in("password", problem)
}

/// The same where the request has another name for it.
pub(crate) fn refused_password_in(field: &str, problem: PasswordError) -> Violation {
    Violation::new(field, problem)
}

/// Says what is wrong with roles: `account.roles[1]`, or all of them.
pub(crate) fn refused_role(prefix: &str, index: Option<usize>, problem: &RoleError) -> Violation {
    let entry = index.map(|index| format!("[{index}]")).unwrap_or_default();
    Violation::new(format!("{prefix}roles{entry}"), problem)
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Error {
        match error {
            PageError::Storage(error) => error.into(),
            PageError::Damaged(damaged) => damaged.into(),
        }
    }
}

impl From<db::Error> for Error {
    /// Gives a violated constraint its meaning.
    fn from(error: db::Error) -> Error {
        if error.violates(EMAIL_TAKEN) {
            Error::EmailTaken
        } else if USER_NAME_TAKEN.iter().any(|name| error.violates(name)) {
            Error::UserNameTaken
        } else if error.violates(CREDENTIAL_TAKEN) {
            PasskeyError::Taken.into()
        } else if error.violates(IDENTITY_TAKEN) {
            Error::IdentityTaken
        } else {
            Error::Storage(error)
        }
    }
}

impl From<Error> for Fault {
    /// The one mapping to reasons. Causes are kept for the log and never shown.
    fn from(error: Error) -> Fault {
        match error {
            Error::Violations(violations) => violations
                .into_iter()
                .fold(Fault::new(Reason::FieldViolation), |fault, v| fault.violation(v.field, v.description)),
            Error::AccountNotFound
            | Error::SessionNotFound
            | Error::FactorNotFound
            | Error::ProviderNotFound
            | Error::IdentityNotFound => Fault::new(Reason::ResourceNotFound),
            Error::Refused(refusal) => refusal.into(),
            Error::Passkey(problem) => problem.into(),
            Error::AccountDisabled => Fault::new(Reason::AccountDisabled),
            Error::SignUpDenied(told) if told.is_empty() => Fault::new(Reason::SignUpDenied),
            Error::SignUpDenied(told) => Fault::new(Reason::SignUpDenied).message(told),
            Error::Captcha(problem) => problem.into(),
            Error::Hook(source) => Fault::new(Reason::HookUnavailable).with_source(source),
            Error::EmailTaken => Fault::new(Reason::EmailTaken),
            Error::UserNameTaken => Fault::new(Reason::UserNameTaken),
            Error::NotAdministrator(field) => {
                Fault::new(Reason::PermissionDenied).message(format!("only an administrator changes `{field}`"))
            }
            Error::Mask(problem) => Fault::new(Reason::InvalidMask).message(format!("update_mask {problem}")),
            Error::PageToken(problem) => Fault::new(Reason::InvalidPageToken).message(problem.to_string()),
            Error::EtagMismatch => Fault::new(Reason::EtagMismatch),
            Error::Contention => Fault::new(Reason::Conflict),
            Error::Exceeded(exceeded) | Error::Hashing(HashingError::TooMany(exceeded)) => {
                let Exceeded { limit, wait } = exceeded;
                Fault::new(Reason::RateLimited)
                    .message(exceeded.to_string())
                    .meta("limit", limit.name())
                    .retry_after(wait)
            }
            Error::Hashing(source @ HashingError::Busy) => {
                Fault::new(Reason::Overloaded).retry_after(hashing::RETRY_AFTER).with_source(source)
            }
            Error::Storage(source @ db::Error::CommitUnknown(_)) => {
                Fault::new(Reason::CommitUnknown).with_source(source)
            }
            Error::Storage(source @ db::Error::Overloaded(_)) => {
                Fault::new(Reason::Overloaded).retry_after(hashing::RETRY_AFTER).with_source(source)
            }
            Error::Storage(source @ db::Error::Conflict { .. }) => Fault::new(Reason::Conflict).with_source(source),
            Error::Storage(source @ db::Error::Corrupt { .. }) => Fault::new(Reason::DataDamaged).with_source(source),
            Error::Storage(source) if source.is_transient() => Fault::unavailable(source),
            Error::Storage(source) => Fault::internal(source),
            Error::Stack(fault) => fault,
            Error::Hashing(_)
            | Error::Keys(_)
            | Error::NoSigningKey
            | Error::Encoding(_)
            | Error::NotJudged(_)
            | Error::Breaches(_)
            | Error::Letter(_)
            | Error::Words(_)
            | Error::NoUri(_)
            | Error::Damaged(_) => Fault::internal(error),
            refused => refusal(refused),
        }
    }
}

impl From<CaptchaError> for Fault {
    fn from(error: CaptchaError) -> Fault {
        match error {
            CaptchaError::Required => Fault::new(Reason::CaptchaRequired),
            CaptchaError::Failed(_) => Fault::new(Reason::CaptchaFailed),
            CaptchaError::Unavailable(source) => Fault::new(Reason::CaptchaUnavailable).with_source(source),
        }
    }
}

/// What is refused because of how the account, the session or the installation is.
fn refusal(error: Error) -> Fault {
    match error {
        Error::SignUpClosed => {
            Fault::new(Reason::PermissionDenied).message("sign-up is closed here; an administrator makes accounts")
        }
        Error::AnonymousSignInClosed => Fault::new(Reason::PermissionDenied)
            .message("accounts without an address are not made here; auth.anonymous_sign_in opens it"),
        Error::NotAnonymous => Fault::new(Reason::FailedPrecondition).message("the account has an address already"),
        Error::NoAddress => Fault::new(Reason::FailedPrecondition)
            .message("the account has no address yet; UpgradeAccount or ChangeEmail gives it one"),
        Error::Filter(problem) => Fault::new(Reason::InvalidFilter).message(format!("filter {problem}")),
        Error::WrongCredentials => Fault::new(Reason::WrongCredentials),
        Error::SessionEnded => Fault::new(Reason::SessionEnded),
        Error::NotSignedIn => Fault::new(Reason::Unauthenticated),
        Error::SecretNotFound => Fault::new(Reason::OneTimeSecretNotFound),
        Error::WrongCode => Fault::new(Reason::WrongCode),
        Error::ChallengeOver => Fault::new(Reason::ChallengeOver),
        Error::EmailNotVerified => Fault::new(Reason::FailedPrecondition)
            .message("the account's address has to be verified first; RequestEmailVerification sends a mail"),
        Error::TooManyFactors(most) => Fault::new(Reason::FailedPrecondition)
            .message(format!("the account has {most} of this kind already; remove one first")),
        Error::NoFactor => Fault::new(Reason::FailedPrecondition).message("the account has no factor"),
        Error::SecondFactorWanted => Fault::new(Reason::InsufficientUserAuthentication)
            .message("the account has a second factor, which this session has not shown: SessionService.StepUp takes one")
            .meta("acr_values", "aal2"),
        Error::RecentAuthenticationWanted => Fault::new(Reason::InsufficientUserAuthentication)
            .message("this session has not shown for a while who its owner is: SessionService.StepUp takes a factor, or the password where there is none")
            .meta("max_age", RECENT.as_secs().to_string()),
        Error::ProviderUnavailable(source) => Fault::new(Reason::ProviderUnavailable).with_source(source),
        Error::ProviderRefused(source) => Fault::new(Reason::ProviderRefused).with_source(source),
        Error::TokenUsed => Fault::new(Reason::ProviderRefused),
        Error::IdentityNotLinked => Fault::new(Reason::IdentityNotLinked),
        Error::IdentityTaken => Fault::new(Reason::IdentityTaken),
        Error::TooManyIdentities(most) => Fault::new(Reason::FailedPrecondition)
            .message(format!("the account is linked with {most} users of providers already; remove one first")),
        Error::LastWayIn => Fault::new(Reason::FailedPrecondition)
            .message("nobody could sign in to the account any more; choose a password, verify an address or link another provider first"),
        Error::EmailVerified => Fault::new(Reason::FailedPrecondition).message("the address is verified already"),
        Error::NoMail => Fault::new(Reason::FailedPrecondition)
            .message("this installation sends no mail; its operator sets auth.mail.smtp where it shall"),
        Error::MailNotFound => Fault::new(Reason::ResourceNotFound),
        Error::NoMailbox => Fault::new(Reason::Unimplemented)
            .message("there is a mailbox in development only, and only where no auth.mail.smtp is set"),
        Error::MailboxClosed => Fault::new(Reason::PermissionDenied)
            .message("the mailbox is for callers on the same machine and for administrators"),
        other => Fault::internal(other),
    }
}

/// Says why the service did not start, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the configuration has values that cannot work:{}", list(.0))]
    Config(Vec<(String, String)>),
    #[error("auth.password_hashing: these parameters are not possible for argon2id")]
    Hashing(#[source] HashingError),
    #[error(
        "auth.key_encryption_key is not set: signing keys are stored sealed with it. Make one with `openssl rand -base64 32` and give all replicas the same"
    )]
    NoKeyEncryptionKey,
    #[error("auth.key_encryption_key cannot be used")]
    KeyEncryptionKey(#[source] mainstay_keys::Error),
    #[error(transparent)]
    SealedWithAnotherKey(#[from] mainstay_keys::SealedWithAnotherKey),
    #[error("a signing key cannot be made")]
    SigningKey(#[source] mainstay_keys::Error),
    #[error("the signing key {0} in the database is damaged")]
    DamagedSigningKey(String),
    #[error("the settings around the auth service do not go with it:{}", lines(.0))]
    Missing(Vec<(&'static str, String)>),
    #[error(transparent)]
    Breaches(#[from] BreachListError),
    #[error(transparent)]
    Passkeys(#[from] PasskeysError),
    #[error("mail cannot be sent as it is configured")]
    Mail(#[from] MailError),
    #[error("the database of the auth service cannot be used")]
    Database(#[source] db::Error),
    #[error("a hook of auth.hooks cannot be called as it is configured")]
    Hooks(#[from] mainstay_runtime::channel::RemoteError),
    #[error("auth.outbound: {0}")]
    Outbound(#[from] mainstay_outbound::TlsError),
    #[error("the key of the audit log cannot be made")]
    ChainKey(#[source] mainstay_keys::Error),
    #[error("accounts without an address cannot be removed")]
    Purge(#[source] Error),
    #[error("it cannot be read which imported hashes are left")]
    Foreign(#[source] Error),
    #[error("the audit log cannot be tended")]
    Audit(#[source] Error),
    #[error("what was revoked cannot be read")]
    Revocations(#[source] Error),
}

impl From<db::Error> for StartError {
    fn from(error: db::Error) -> StartError {
        StartError::Database(error)
    }
}

fn lines(problems: &[(&'static str, String)]) -> String {
    problems.iter().map(|(path, remedy)| format!("\n  {path} {remedy}")).collect()
}

fn list(problems: &[(String, String)]) -> String {
    problems.iter().map(|(path, remedy)| format!("\n  auth.{path} {remedy}")).collect()
}
