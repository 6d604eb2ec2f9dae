//! What is refused of organisations and service accounts, and in which words.

use mainstay_fault::{Fault, Reason};

use crate::domain::oauth::client::MAX_CLIENTS;
use crate::domain::organisation::MAX_OWNED;
use crate::domain::service_account::{MAX_KEYS, MAX_OF_ORGANISATION};

/// Why something of an organisation, or of a service account, is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such organisation, or the caller may not know of it")]
    OrganisationNotFound,
    #[error("the organisation is disabled")]
    OrganisationDisabled,
    #[error("the organisation has no such member")]
    MemberNotFound,
    #[error("the caller does not administer the organisation")]
    NotManager,
    #[error("the caller does not own the organisation")]
    NotOwner,
    #[error("nobody would own the organisation any more")]
    LastOwner,
    #[error("the account owns as many organisations as it may")]
    OwnsTooMany,
    #[error("the account is a member already")]
    AlreadyMember,
    #[error("organisations are made by administrators")]
    CreateOrganisationsClosed,
    #[error("there is no such invitation, or the caller may not know of it")]
    InvitationNotFound,
    #[error("too many invitations wait")]
    TooManyInvitations,
    #[error("the address of the account is not verified")]
    EmailNotVerified,
    #[error("there is no such service account, or the caller may not know of it")]
    ServiceAccountNotFound,
    #[error("there is no such key, or the caller may not know of it")]
    KeyNotFound,
    #[error("the key of a service account is not good, not any more, or not from where it is shown")]
    WrongKey,
    #[error("the organisation has as many service accounts as it may")]
    TooManyServiceAccounts,
    #[error("the service account has as many keys as it may")]
    TooManyKeys,
    #[error("the caller does not administer the installation")]
    NotAdministrator,
    #[error("the installation has no address that other applications can trust")]
    NoIssuer,
    #[error("there is no such client")]
    OAuthClientNotFound,
    #[error("there are as many clients as there may be")]
    TooManyOAuthClients,
    #[error("the client has no secret")]
    NoClientSecret,
    #[error("nothing was agreed to, or the caller may not know of it")]
    ConsentNotFound,
    #[error("nobody is known behind the account, who could agree")]
    NobodyKnown,
}

impl From<Refusal> for Fault {
    /// What there is not and what the caller may not know of are told in the same words.
    fn from(refusal: Refusal) -> Fault {
        let (reason, text) = match refusal {
            Refusal::OrganisationNotFound
            | Refusal::MemberNotFound
            | Refusal::InvitationNotFound
            | Refusal::ServiceAccountNotFound
            | Refusal::OAuthClientNotFound
            | Refusal::ConsentNotFound
            | Refusal::KeyNotFound => return Fault::new(Reason::ResourceNotFound),
            Refusal::OrganisationDisabled => (
                Reason::FailedPrecondition,
                "the organisation is disabled; who runs this installation can enable it".to_owned(),
            ),
            Refusal::NotManager => (
                Reason::PermissionDenied,
                "this is for owners and managers of the organisation (`mainstay.owner`, `mainstay.manager`)".to_owned(),
            ),
            Refusal::NotOwner => {
                (Reason::PermissionDenied, "this is for owners of the organisation (`mainstay.owner`)".to_owned())
            }
            Refusal::LastOwner => (
                Reason::FailedPrecondition,
                "nobody would own the organisation any more: make somebody else its owner, or delete it".to_owned(),
            ),
            Refusal::OwnsTooMany => {
                (Reason::FailedPrecondition, format!("an account owns {MAX_OWNED} organisations at most"))
            }
            Refusal::AlreadyMember => (Reason::AlreadyExists, "the account is a member already".to_owned()),
            Refusal::CreateOrganisationsClosed => {
                (Reason::PermissionDenied, "organisations are made by an administrator here".to_owned())
            }
            Refusal::TooManyInvitations => {
                (Reason::FailedPrecondition, "too many invitations of the organisation wait; take some back".to_owned())
            }
            Refusal::EmailNotVerified => (
                Reason::FailedPrecondition,
                "verify the account's address first (`RequestEmailVerification`)".to_owned(),
            ),
            Refusal::WrongKey => {
                (Reason::WrongCredentials, "the key is not good, or not any more, or not from this address".to_owned())
            }
            Refusal::TooManyServiceAccounts => (
                Reason::FailedPrecondition,
                format!("an organisation has {MAX_OF_ORGANISATION} service accounts at most"),
            ),
            Refusal::TooManyKeys => (
                Reason::FailedPrecondition,
                format!("a service account has {MAX_KEYS} keys at most; delete one that is not used any more"),
            ),
            Refusal::NotAdministrator => (
                Reason::PermissionDenied,
                "what belongs to the installation is for its administrators; name an organisation".to_owned(),
            ),
            Refusal::NoIssuer | Refusal::TooManyOAuthClients | Refusal::NoClientSecret | Refusal::NobodyKnown => {
                (Reason::FailedPrecondition, of_clients(refusal))
            }
        };
        Fault::new(reason).message(text)
    }
}

/// What is said where something of other applications cannot be done.
fn of_clients(refusal: Refusal) -> String {
    match refusal {
        Refusal::TooManyOAuthClients => format!("there are {MAX_CLIENTS} clients, which is all that there may be"),
        Refusal::NoClientSecret => {
            "the client has no secret: it shows who it is in another way, or not at all".to_owned()
        }
        Refusal::NobodyKnown => {
            "nobody is known behind the account: give it an address first (`UpgradeAccount`)".to_owned()
        }
        _ => "other applications sign nobody in here: its operator sets `public_url` to an `https` address".to_owned(),
    }
}
