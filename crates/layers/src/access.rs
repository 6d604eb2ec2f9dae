//! Who may call a method at all: decided by the resolved method, never by a path string.

use mainstay_fault::{Fault, Reason};
use mainstay_identity::Principal;
use std::sync::Arc;

/// The policy of one method. What a caller may see of a resource is decided later, by its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Everyone, signed in or not.
    Anyone,
    /// Everyone; what they show in `authorization` is for the endpoint alone, and is nobody's whom the stack knows.
    Strangers,
    /// Everyone who is signed in: users and service accounts.
    SignedIn,
    /// Whoever holds at least one of these roles.
    AnyRole(Arc<[Box<str>]>),
}

impl Access {
    /// Lets whoever holds one of `roles` in; without any, nobody.
    pub fn roles<R: Into<Box<str>>>(roles: impl IntoIterator<Item = R>) -> Access {
        Access::AnyRole(roles.into_iter().map(Into::into).collect())
    }

    /// Decides. Nobody signed in is UNAUTHENTICATED, somebody without the right is PERMISSION_DENIED; the system
    /// principal, which never comes over a wire, may call everything.
    pub fn check(&self, principal: &Principal) -> Result<(), Fault> {
        use mainstay_identity::Kind;
        match (self, principal.kind()) {
            (Access::Anyone | Access::Strangers, _) | (_, Kind::System) => Ok(()),
            (_, Kind::Anonymous) => Err(Fault::new(Reason::Unauthenticated)),
            (Access::SignedIn, Kind::User | Kind::Service) => Ok(()),
            (Access::AnyRole(roles), Kind::User | Kind::Service) => {
                let held = roles.iter().any(|role| principal.has_role(role));
                let withheld = || roles.iter().any(|role| principal.withholds(role));
                match held {
                    true => Ok(()),
                    false if withheld() => Err(second_factor_wanted()),
                    false => Err(Fault::new(Reason::PermissionDenied)),
                }
            }
        }
    }
}

/// Says what would help whose account has the right role and whose session is not worth it yet (RFC 9470 section 3).
pub fn second_factor_wanted() -> Fault {
    Fault::new(Reason::InsufficientUserAuthentication)
        .message(
            "administrators show a second factor here: SessionService.StepUp takes one; whoever has none enrols one first, with \
             FactorService.EnrollTotp or BeginPasskey",
        )
        .meta("acr_values", "aal2")
}
