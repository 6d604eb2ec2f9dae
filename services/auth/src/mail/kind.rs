use serde::{Deserialize, Serialize};

/// What a mail is about. The files of texts and the mailbox know it by its word, `verify_email`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// To the address of a new account: is it yours?
    VerifyEmail,
    /// To the address that an account shall have: is it yours?
    ChangeEmail,
    /// To the address that an account has: shall it have another one?
    ApproveEmailChange,
    /// To the address that an account had: it has another one.
    EmailChanged,
    /// To who has forgotten a password.
    ResetPassword,
    /// To who wants to sign in without a password.
    SignIn,
    /// To the owner: the password is another one.
    PasswordChanged,
    /// To the owner: the account has one factor more.
    FactorAdded,
    /// To the owner: the account has a factor less, or none any more.
    FactorRemoved,
    /// To the owner: somebody has signed in with a recovery code.
    RecoveryCodeUsed,
    /// To the owner: there may be two of a passkey.
    PasskeyCloned,
    /// To whoever has an address: become a member of an organisation.
    Invitation,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 12] = [
        Kind::VerifyEmail,
        Kind::ChangeEmail,
        Kind::ApproveEmailChange,
        Kind::EmailChanged,
        Kind::ResetPassword,
        Kind::SignIn,
        Kind::PasswordChanged,
        Kind::FactorAdded,
        Kind::FactorRemoved,
        Kind::RecoveryCodeUsed,
        Kind::PasskeyCloned,
        Kind::Invitation,
    ];

    /// The word that stands for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::VerifyEmail => "verify_email",
            Kind::ChangeEmail => "change_email",
            Kind::ApproveEmailChange => "approve_email_change",
            Kind::EmailChanged => "email_changed",
            Kind::ResetPassword => "reset_password",
            Kind::SignIn => "sign_in",
            Kind::PasswordChanged => "password_changed",
            Kind::FactorAdded => "factor_added",
            Kind::FactorRemoved => "factor_removed",
            Kind::RecoveryCodeUsed => "recovery_code_used",
            Kind::PasskeyCloned => "passkey_cloned",
            Kind::Invitation => "invitation",
        }
    }

    /// Whether it carries a link with a secret; the others only tell.
    pub fn has_link(self) -> bool {
        !matches!(
            self,
            Kind::EmailChanged
                | Kind::PasswordChanged
                | Kind::FactorAdded
                | Kind::FactorRemoved
                | Kind::RecoveryCodeUsed
                | Kind::PasskeyCloned
        )
    }
}
