/// Declares the actions from one table: what they are, and what the log calls them.
macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident $name:literal;)*) => {
        /// What can be done to an account, as the log calls it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Action { $($(#[$doc])* $action,)* }

        impl Action {
            pub(crate) const ALL: &'static [Action] = &[$(Action::$action,)*];

            /// `sessions.signIn`
            pub(crate) fn name(self) -> &'static str {
                match self { $(Action::$action => $name,)* }
            }
        }
    };
}

actions! {
    SignUp "accounts.signUp";
    CreateAccount "accounts.create";
    /// With the token that a start showed.
    CreateFirstAdministrator "accounts.createFirstAdministrator";
    /// With the hash of its password from elsewhere.
    ImportAccount "accounts.import";
    UpdateAccount "accounts.update";
    /// One without an address has got one.
    UpgradeAccount "accounts.upgrade";
    DeleteAccount "accounts.delete";
    /// One without an address that nobody can come back to.
    PurgeAccount "accounts.purge";
    /// All that is known of it was given out.
    ExportAccount "accounts.export";
    /// The same as its deletion, with a document that certifies it.
    EraseAccount "accounts.erase";
    SetRoles "accounts.setRoles";
    DisableAccount "accounts.disable";
    EnableAccount "accounts.enable";
    VerifyEmail "accounts.verifyEmail";
    ChangeEmail "accounts.changeEmail";
    ChangePassword "accounts.changePassword";
    /// By a link that was sent to the account's address.
    ResetPassword "accounts.resetPassword";
    SignIn "sessions.signIn";
    /// With an account that is made by it.
    SignInAnonymously "sessions.signInAnonymously";
    /// With a wrong password, of an account that exists.
    SignInFailed "sessions.signInFailed";
    /// A wrong password by somebody who is signed in.
    PasswordFailed "accounts.passwordFailed";
    SignOut "sessions.signOut";
    RevokeSession "sessions.revoke";
    RevokeAllSessions "sessions.revokeAll";
    /// A refresh token came again that was exchanged before.
    TokenReused "sessions.tokenReused";
    /// A factor was shown in a session.
    StepUp "sessions.stepUp";
    /// A wrong code of a factor, or in its place, by somebody who has shown the rest.
    SecondFactorFailed "sessions.secondFactorFailed";
    /// Somebody acts as somebody else: noted of both.
    Impersonate "accounts.impersonate";
    /// A passkey has signed less often than before: there may be two of it.
    PasskeyCloned "sessions.passkeyCloned";
    AddFactor "factors.add";
    RemoveFactor "factors.remove";
    /// By an administrator, all of them.
    ResetFactors "factors.reset";
    RegenerateRecoveryCodes "factors.regenerateRecoveryCodes";
    /// What a provider knows its owner by.
    LinkIdentity "identities.link";
    UnlinkIdentity "identities.unlink";
    SwitchOrganisation "sessions.switchOrganisation";
    CreateOrganisation "organisations.create";
    UpdateOrganisation "organisations.update";
    DeleteOrganisation "organisations.delete";
    DisableOrganisation "organisations.disable";
    EnableOrganisation "organisations.enable";
    CreateMember "members.create";
    SetMemberRoles "members.setRoles";
    DeleteMember "members.delete";
    CreateInvitation "invitations.create";
    DeleteInvitation "invitations.delete";
    AcceptInvitation "invitations.accept";
    CreateServiceAccount "serviceAccounts.create";
    SetServiceAccountRoles "serviceAccounts.setRoles";
    DeleteServiceAccount "serviceAccounts.delete";
    CreateServiceAccountKey "serviceAccountKeys.create";
    RotateServiceAccountKey "serviceAccountKeys.rotate";
    DeleteServiceAccountKey "serviceAccountKeys.delete";
    CreateOAuthClient "oauthClients.create";
    UpdateOAuthClient "oauthClients.update";
    DeleteOAuthClient "oauthClients.delete";
    RotateOAuthClientSecret "oauthClients.rotateSecret";
    /// A client got a code for the account.
    AllowOAuthClient "oauthConsents.allow";
    DeleteOAuthConsent "oauthConsents.delete";
    /// A code came again that was exchanged before.
    OAuthCodeReused "oauthConsents.codeReused";
    /// A refresh token of a client came again that was exchanged before.
    OAuthTokenReused "oauthConsents.tokenReused";
}
