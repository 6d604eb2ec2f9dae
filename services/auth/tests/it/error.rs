//! The one mapping from what went wrong to what a client learns, a row each.

use std::sync::Arc;

use mainstay_auth::Error;
use mainstay_auth::hashing::HashingError;
use mainstay_auth::passkeys::PasskeyError;
use mainstay_auth::store::DamagedRow;
use mainstay_db as db;
use mainstay_fault::{Fault, Reason};
use mainstay_record::Violation;

fn cause() -> Arc<dyn std::error::Error + Send + Sync> {
    Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("canary: /var/lib/secret SELECT 1"))
}

#[test]
fn every_error_has_its_reason_and_shows_no_cause() {
    let rows = [
        (Error::Violations(vec![Violation::new("email", "is required")]), Reason::FieldViolation),
        (Error::AccountNotFound, Reason::ResourceNotFound),
        (Error::EmailTaken, Reason::EmailTaken),
        (Error::SignUpClosed, Reason::PermissionDenied),
        (Error::WrongCredentials, Reason::WrongCredentials),
        (Error::SessionEnded, Reason::SessionEnded),
        (Error::NotSignedIn, Reason::Unauthenticated),
        (Error::SecretNotFound, Reason::OneTimeSecretNotFound),
        (Error::WrongCode, Reason::WrongCode),
        (Error::ChallengeOver, Reason::ChallengeOver),
        (Error::FactorNotFound, Reason::ResourceNotFound),
        (Error::EmailNotVerified, Reason::FailedPrecondition),
        (Error::TooManyFactors(5), Reason::FailedPrecondition),
        (Error::NoFactor, Reason::FailedPrecondition),
        (Error::SecondFactorWanted, Reason::InsufficientUserAuthentication),
        (Error::RecentAuthenticationWanted, Reason::InsufficientUserAuthentication),
        (Error::Passkey(PasskeyError::NoName), Reason::FailedPrecondition),
        (Error::Passkey(PasskeyError::Refused), Reason::PasskeyRefused),
        (Error::Passkey(PasskeyError::Behind), Reason::PasskeyRefused),
        (Error::Passkey(PasskeyError::Keys(mainstay_keys::Error::NotSealedHere)), Reason::Internal),
        (
            Error::from(db::Error::UniqueViolation {
                constraint: "factors_credential_taken".to_owned(),
                source: cause(),
            }),
            Reason::AlreadyExists,
        ),
        (Error::EmailVerified, Reason::FailedPrecondition),
        (Error::NoMail, Reason::FailedPrecondition),
        (Error::NoMailbox, Reason::Unimplemented),
        (Error::MailboxClosed, Reason::PermissionDenied),
        (Error::MailNotFound, Reason::ResourceNotFound),
        (Error::EtagMismatch, Reason::EtagMismatch),
        (Error::Contention, Reason::Conflict),
        (Error::NoSigningKey, Reason::Internal),
        (Error::Hashing(HashingError::Busy), Reason::Overloaded),
        (Error::Damaged(DamagedRow { table: "canary", column: "canary" }), Reason::Internal),
        (Error::Keys(mainstay_keys::Error::NotSealedHere), Reason::Internal),
        (
            Error::from(db::Error::UniqueViolation { constraint: "accounts_email_taken".to_owned(), source: cause() }),
            Reason::EmailTaken,
        ),
        (
            Error::from(db::Error::UniqueViolation { constraint: "canary".to_owned(), source: cause() }),
            Reason::Internal,
        ),
        (Error::from(db::Error::Unavailable(cause())), Reason::Unavailable),
        (Error::from(db::Error::Overloaded("canary")), Reason::Overloaded),
        (Error::from(db::Error::Conflict { attempts: 3, source: cause() }), Reason::Conflict),
        (Error::from(db::Error::CommitUnknown(cause())), Reason::CommitUnknown),
        (Error::from(db::Error::Internal(cause())), Reason::Internal),
    ];
    for (error, reason) in rows {
        let said = format!("{error:?}");
        let fault = Fault::from(error);
        assert_eq!(fault.reason(), Some(reason), "{said}");
        let shown = String::from_utf8(fault.to_json()).unwrap();
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn a_busy_server_says_when_to_come_back() {
    let shown = String::from_utf8(Fault::from(Error::Hashing(HashingError::Busy)).to_json()).unwrap();
    assert!(shown.contains("RetryInfo"), "{shown}");
}
