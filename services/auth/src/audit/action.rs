/// What can be done to an account, as the log calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    SignUp,
    CreateAccount,
    SetRoles,
    DisableAccount,
    EnableAccount,
    VerifyEmail,
    ChangeEmail,
    ChangePassword,
    /// By a link that was sent to the account's address.
    ResetPassword,
    SignIn,
    /// With a wrong password, of an account that exists.
    SignInFailed,
    SignOut,
    RevokeSession,
    RevokeAllSessions,
    /// A refresh token came again that was exchanged before.
    TokenReused,
    /// A factor was shown in a session.
    StepUp,
    /// A wrong code of a factor, or in its place, by somebody who has shown the rest.
    SecondFactorFailed,
    /// A passkey has signed less often than before: there may be two of it.
    PasskeyCloned,
    AddFactor,
    RemoveFactor,
    /// By an administrator, all of them.
    ResetFactors,
    RegenerateRecoveryCodes,
}

impl Action {
    pub(crate) const ALL: [Action; 22] = [
        Action::SignUp,
        Action::CreateAccount,
        Action::SetRoles,
        Action::DisableAccount,
        Action::EnableAccount,
        Action::VerifyEmail,
        Action::ChangeEmail,
        Action::ChangePassword,
        Action::ResetPassword,
        Action::SignIn,
        Action::SignInFailed,
        Action::SignOut,
        Action::RevokeSession,
        Action::RevokeAllSessions,
        Action::TokenReused,
        Action::StepUp,
        Action::SecondFactorFailed,
        Action::PasskeyCloned,
        Action::AddFactor,
        Action::RemoveFactor,
        Action::ResetFactors,
        Action::RegenerateRecoveryCodes,
    ];

    /// `sessions.signIn`
    pub(crate) fn name(self) -> &'static str {
        match self {
            Action::SignUp => "accounts.signUp",
            Action::CreateAccount => "accounts.create",
            Action::SetRoles => "accounts.setRoles",
            Action::DisableAccount => "accounts.disable",
            Action::EnableAccount => "accounts.enable",
            Action::VerifyEmail => "accounts.verifyEmail",
            Action::ChangeEmail => "accounts.changeEmail",
            Action::ChangePassword => "accounts.changePassword",
            Action::ResetPassword => "accounts.resetPassword",
            Action::SignIn => "sessions.signIn",
            Action::SignInFailed => "sessions.signInFailed",
            Action::SignOut => "sessions.signOut",
            Action::RevokeSession => "sessions.revoke",
            Action::RevokeAllSessions => "sessions.revokeAll",
            Action::TokenReused => "sessions.tokenReused",
            Action::StepUp => "sessions.stepUp",
            Action::SecondFactorFailed => "sessions.secondFactorFailed",
            Action::PasskeyCloned => "sessions.passkeyCloned",
            Action::AddFactor => "factors.add",
            Action::RemoveFactor => "factors.remove",
            Action::ResetFactors => "factors.reset",
            Action::RegenerateRecoveryCodes => "factors.regenerateRecoveryCodes",
        }
    }
}
