//! What a call may do, as far as it matters who acts as whom.

use mainstay_fault::{Fault, Reason};
use mainstay_identity::Principal;

use crate::Access;

/// What a call may do: it decides what somebody may call who acts as somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing, and shows what is the application's.
    Reads,
    /// It changes nothing, and shows what is the platform's.
    Inspects,
    /// It may change what belongs to the application.
    Changes,
    /// It may change something of the platform's: who somebody is, how they sign in, what others may do.
    Governs,
}

impl Effect {
    /// Whether it changes nothing.
    pub fn is_read(self) -> bool {
        matches!(self, Effect::Reads | Effect::Inspects)
    }

    /// Decides for a caller whom the method's policy lets in. Whoever acts as somebody else reads; changes what belongs to the
    /// application where that was asked for and allowed; and governs nothing. What everybody may call, signed in or not, gives them
    /// nothing that they do not have, which is said of the platform's methods: to those of the application rules say who may.
    ///
    /// Whoever comes through one of the application's own services has given it no more than the application.
    pub fn admit(self, principal: &Principal, access: &Access) -> Result<(), Fault> {
        let refused = |text| Err(Fault::new(Reason::PermissionDenied).message(text));
        match self {
            Effect::Inspects | Effect::Governs if principal.upstream().is_some() => refused(
                "an assertion opens the application's methods; those of the platform want the caller's own access token",
            ),
            _ if principal.actor().is_none() => Ok(()),
            Effect::Reads | Effect::Inspects => Ok(()),
            Effect::Governs if *access == Access::Anyone => Ok(()),
            Effect::Governs => refused(
                "whoever acts as somebody else changes nothing of their account, of how they sign in, or of what others may do",
            ),
            Effect::Changes if principal.only_reads() => refused(
                "whoever acts as somebody else only reads here: ImpersonateAccount takes `write`, where the installation allows it",
            ),
            Effect::Changes => Ok(()),
        }
    }
}
