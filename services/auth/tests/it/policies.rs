//! Rules as tests: every RPC states who may call it, and that is what holds; the REST addresses are the documented ones.

use mainstay_auth::SERVICES;
use mainstay_db::Engine;
use mainstay_fault::Reason;
use mainstay_identity::{Actor, Principal, User};
use mainstay_layers::{Access, Effect};
use mainstay_runtime::policies::{access_of, is_reading, path_of};
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};

use crate::harness::{Harness, PASSWORD, reason};

fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    let services = pool.services().filter(|service| service.package_name() == "mainstay.auth.v1");
    let services: Vec<_> = services.collect();
    let mut names: Vec<&str> = services.iter().map(|service| service.full_name()).collect();
    let mut served = SERVICES;
    names.sort_unstable();
    served.sort_unstable();
    assert_eq!(names, served, "every service of the contract is served");
    services.iter().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// The HTTP rules of a method as `VERB path`, each with its body.
fn http(method: &MethodDescriptor) -> Vec<(String, String)> {
    let pool = method.parent_pool();
    let extension = pool.get_extension_by_name("google.api.http").unwrap();
    let options = method.options();
    let rule = options.get_extension(&extension);
    let rule = rule.as_message().unwrap();
    let others = rule.get_field_by_name("additional_bindings").unwrap().into_owned();
    let others: Vec<DynamicMessage> =
        others.as_list().unwrap().iter().map(|it| it.as_message().unwrap().clone()).collect();
    std::iter::once(rule).chain(&others).map(written).collect()
}

fn written(rule: &DynamicMessage) -> (String, String) {
    let text = |name: &str| rule.get_field_by_name(name).unwrap().as_str().unwrap().to_owned();
    let verb = ["get", "post", "patch", "delete"].into_iter().find(|verb| !text(verb).is_empty()).unwrap();
    (format!("{} {}", verb.to_uppercase(), text(verb)), text("body"))
}

#[test]
fn every_method_states_who_may_call_it() {
    for method in methods() {
        let expected = match method.name() {
            "SignUp"
            | "CreateFirstAdministrator"
            | "SignIn"
            | "SignInAnonymously"
            | "BeginPasskeySignIn"
            | "SignInWithPasskey"
            | "SignInWithTotp"
            | "SignInWithRecoveryCode"
            | "Refresh"
            | "SignOut"
            | "GetJwks" => Access::Anyone,
            "VerifyEmail" | "ConfirmEmailChange" | "RequestPasswordReset" | "ResetPassword" => Access::Anyone,
            "RequestSignIn" | "SignInWithLink" | "SignInWithCode" | "SignUpWithInvitation" => Access::Anyone,
            "ListProviders" | "StartSignIn" | "FinishSignIn" | "ExchangeIdToken" | "ExchangeKey" => Access::Anyone,
            "StartLink" | "FinishLink" | "LinkIdToken" | "GetIdentity" | "ListIdentities" | "DeleteIdentity" => {
                Access::SignedIn
            }
            // The service itself lets in who is on the same machine, in development.
            "ListMails" | "GetMail" => Access::Anyone,
            "ListAuditEvents" | "GetAccount" | "GetSession" | "ListSessions" | "RevokeSession"
            | "RevokeAllSessions" => Access::SignedIn,
            "CreateOrganisation" | "GetOrganisation" | "ListOrganisations" | "UpdateOrganisation"
            | "DeleteOrganisation" | "GetMember" | "ListMembers" | "SetMemberRoles" | "DeleteMember"
            | "SwitchOrganisation" | "CreateInvitation" | "GetInvitation" | "ListInvitations" | "DeleteInvitation"
            | "AcceptInvitation" => Access::SignedIn,
            "StepUp"
            | "EnrollTotp"
            | "ConfirmTotp"
            | "GetFactor"
            | "ListFactors"
            | "UpdateFactor"
            | "DeleteFactor"
            | "RegenerateRecoveryCodes"
            | "BeginPasskey"
            | "FinishPasskey" => Access::SignedIn,
            "RequestEmailVerification"
            | "ChangeEmail"
            | "ChangePassword"
            | "UpdateAccount"
            | "UpgradeAccount"
            | "DeleteAccount"
            | "ExportAccount"
            | "EraseAccount" => Access::SignedIn,
            "VerifyAuditLog" | "LookupAccount" | "ListAccounts" | "CreateAccount" | "ImportAccounts" | "SetRoles"
            | "DisableAccount" | "EnableAccount" | "ResetFactors" => Access::roles(["mainstay.admin"]),
            "CreateMember" | "DisableOrganisation" | "EnableOrganisation" => Access::roles(["mainstay.admin"]),
            "ImpersonateAccount" => Access::roles(["mainstay.impersonator"]),
            "WatchRevocations" | "ExchangeToken" => Access::roles(["mainstay.service"]),
            other => of_oauth(other)
                .or_else(|| of_service_accounts(other))
                .unwrap_or_else(|| panic!("{other} is not in the table: who may call it?")),
        };
        assert_eq!(access_of(&method), Some(expected), "{}", path_of(&method));
    }
}

/// What changes something and may be called by whoever acts as somebody else: everybody may call it, and what it does it does by a
/// secret that it is given. `SignOut` ends the session of who calls; of the rest only `BeginPasskeySignIn` looks at them, to name the
/// passkeys that could be shown, and `BeginAuthorization`, to refuse them.
const OPEN_TO_WHO_ACTS_AS_SOMEBODY: [&str; 29] = [
    "BeginAuthorization",
    "BeginDeviceAuthorization",
    "BeginPasskeySignIn",
    "BeginSignOut",
    "ConfirmEmailChange",
    "CreateFirstAdministrator",
    "ExchangeIdToken",
    "ExchangeKey",
    "FinishSignIn",
    "GetUserInfo",
    "IntrospectToken",
    "IssueToken",
    "Refresh",
    "RequestPasswordReset",
    "RequestSignIn",
    "ResetPassword",
    "RevokeToken",
    "SignIn",
    "SignInAnonymously",
    "SignInWithCode",
    "SignInWithLink",
    "SignInWithPasskey",
    "SignInWithRecoveryCode",
    "SignInWithTotp",
    "SignOut",
    "SignUp",
    "SignUpWithInvitation",
    "StartSignIn",
    "VerifyEmail",
];

/// Default deny: who acts as somebody else reads, and is refused whatever else there is and is not in the table.
#[test]
fn who_acts_as_somebody_else_calls_what_reads_and_what_is_in_the_table() {
    let actor = Some(Actor { uid: "support".into(), session_id: "s".into(), epoch: 0 });
    let acting = Principal::user(User { uid: "u".into(), actor, may_change: true, ..User::default() });
    for method in methods() {
        let reads = is_reading(&method);
        let effect = if reads { Effect::Inspects } else { Effect::Governs };
        let admitted = effect.admit(&acting, &access_of(&method).unwrap()).is_ok();
        assert_eq!(admitted, reads || OPEN_TO_WHO_ACTS_AS_SOMEBODY.contains(&method.name()), "{}", path_of(&method));
    }
}

/// The addresses of what is of organisations and service accounts.
const OF_ORGANISATIONS: [(&str, &str); 30] = [
    ("GET /auth/v1/organisations", ""),
    ("POST /auth/v1/organisations", "organisation"),
    ("GET /auth/v1/{name=organisations/*}", ""),
    ("PATCH /auth/v1/{organisation.name=organisations/*}", "organisation"),
    ("DELETE /auth/v1/{name=organisations/*}", ""),
    ("POST /auth/v1/{name=organisations/*}:disable", "*"),
    ("POST /auth/v1/{name=organisations/*}:enable", "*"),
    ("GET /auth/v1/{parent=organisations/*}/auditEvents", ""),
    ("POST /auth/v1/{parent=organisations/*}/members", "member"),
    ("GET /auth/v1/{parent=organisations/*}/members", ""),
    ("GET /auth/v1/{name=organisations/*/members/*}", ""),
    ("DELETE /auth/v1/{name=organisations/*/members/*}", ""),
    ("POST /auth/v1/{name=organisations/*/members/*}:setRoles", "*"),
    ("POST /auth/v1/{parent=organisations/*}/invitations", "invitation"),
    ("GET /auth/v1/{parent=organisations/*}/invitations", ""),
    ("GET /auth/v1/{name=organisations/*/invitations/*}", ""),
    ("DELETE /auth/v1/{name=organisations/*/invitations/*}", ""),
    ("POST /auth/v1/invitations:accept", "*"),
    ("POST /auth/v1/invitations:signUp", "*"),
    ("POST /auth/v1/serviceAccounts", "service_account"),
    ("GET /auth/v1/serviceAccounts", ""),
    ("GET /auth/v1/{name=serviceAccounts/*}", ""),
    ("DELETE /auth/v1/{name=serviceAccounts/*}", ""),
    ("POST /auth/v1/{name=serviceAccounts/*}:setRoles", "*"),
    ("POST /auth/v1/{parent=serviceAccounts/*}/keys", "service_account_key"),
    ("GET /auth/v1/{parent=serviceAccounts/*}/keys", ""),
    ("POST /auth/v1/{name=serviceAccounts/*/keys/*}:rotate", "*"),
    ("DELETE /auth/v1/{name=serviceAccounts/*/keys/*}", ""),
    ("POST /auth/v1/serviceAccounts:exchangeKey", "*"),
    ("POST /auth/v1/sessions:switchOrganisation", "*"),
];

/// The addresses of what is of providers of identities.
const OF_PROVIDERS: [(&str, &str); 10] = [
    ("GET /auth/v1/providers", ""),
    ("POST /auth/v1/{provider=providers/*}:startSignIn", "*"),
    ("POST /auth/v1/providers:finishSignIn", "*"),
    ("POST /auth/v1/{provider=providers/*}:exchangeIdToken", "*"),
    ("POST /auth/v1/{parent=accounts/*}/identities:startLink", "*"),
    ("POST /auth/v1/{parent=accounts/*}/identities:finishLink", "*"),
    ("POST /auth/v1/{parent=accounts/*}/identities:linkIdToken", "*"),
    ("GET /auth/v1/{name=accounts/*/identities/*}", ""),
    ("GET /auth/v1/{parent=accounts/*}/identities", ""),
    ("DELETE /auth/v1/{name=accounts/*/identities/*}", ""),
];

/// Who may call what service accounts are made and ended by.
fn of_service_accounts(method: &str) -> Option<Access> {
    match method {
        "CreateServiceAccount"
        | "GetServiceAccount"
        | "ListServiceAccounts"
        | "SetServiceAccountRoles"
        | "DeleteServiceAccount"
        | "CreateServiceAccountKey"
        | "ListServiceAccountKeys"
        | "RotateServiceAccountKey"
        | "DeleteServiceAccountKey" => Some(Access::SignedIn),
        _ => None,
    }
}

/// Who may call what is of other applications.
fn of_oauth(method: &str) -> Option<Access> {
    Some(match method {
        "CreateOAuthClient"
        | "GetOAuthClient"
        | "ListOAuthClients"
        | "UpdateOAuthClient"
        | "DeleteOAuthClient"
        | "RotateOAuthClientSecret" => Access::roles(["mainstay.admin"]),
        "GetOAuthProvider"
        | "BeginAuthorization"
        | "IssueToken"
        | "IntrospectToken"
        | "RevokeToken"
        | "GetUserInfo"
        | "BeginDeviceAuthorization"
        | "BeginSignOut" => Access::Anyone,
        "DecideAuthorization"
        | "GetDeviceAuthorization"
        | "DecideDeviceAuthorization"
        | "ListOAuthConsents"
        | "DeleteOAuthConsent" => Access::SignedIn,
        _ => return None,
    })
}

/// The addresses of what is of other applications.
const OF_OAUTH: [(&str, &str); 19] = [
    ("POST /auth/v1/oauthClients", "oauth_client"),
    ("GET /auth/v1/oauthClients", ""),
    ("GET /auth/v1/{name=oauthClients/*}", ""),
    ("PATCH /auth/v1/{oauth_client.name=oauthClients/*}", "oauth_client"),
    ("DELETE /auth/v1/{name=oauthClients/*}", ""),
    ("POST /auth/v1/{name=oauthClients/*}:rotateSecret", "*"),
    ("GET /auth/v1/oauth2/provider", ""),
    ("POST /auth/v1/oauth2:authorize", "*"),
    ("POST /auth/v1/oauth2:decide", "*"),
    ("POST /auth/v1/oauth2:issueToken", "*"),
    ("POST /auth/v1/oauth2:introspect", "*"),
    ("POST /auth/v1/oauth2:revoke", "*"),
    ("POST /auth/v1/oauth2:userInfo", "*"),
    ("POST /auth/v1/oauth2:beginDevice", "*"),
    ("POST /auth/v1/oauth2:showDevice", "*"),
    ("POST /auth/v1/oauth2:decideDevice", "*"),
    ("POST /auth/v1/oauth2:beginSignOut", "*"),
    ("GET /auth/v1/{parent=accounts/*}/oauthConsents", ""),
    ("DELETE /auth/v1/{name=accounts/*/oauthConsents/*}", ""),
];

#[test]
fn the_rest_addresses_are_the_documented_ones() {
    let mut found: Vec<(String, String)> = methods().iter().flat_map(http).collect();
    found.sort();
    let mut expected: Vec<(String, String)> = [
        ("GET /.well-known/jwks.json", ""),
        ("GET /auth/v1/{name=accounts/*}", ""),
        ("GET /auth/v1/accounts", ""),
        ("GET /auth/v1/auditLog:verify", ""),
        ("GET /auth/v1/{parent=accounts/*}/auditEvents", ""),
        ("GET /auth/v1/revocations:watch", ""),
        ("POST /auth/v1/assertions:exchangeToken", "*"),
        ("GET /auth/v1/{name=accounts/*/sessions/*}", ""),
        ("GET /auth/v1/{parent=accounts/*}/sessions", ""),
        ("GET /auth/v1/{name=accounts/*/factors/*}", ""),
        ("GET /auth/v1/{parent=accounts/*}/factors", ""),
        ("PATCH /auth/v1/{factor.name=accounts/*/factors/*}", "factor"),
        ("DELETE /auth/v1/{name=accounts/*/factors/*}", ""),
        ("POST /auth/v1/{parent=accounts/*}/factors:enrollTotp", "*"),
        ("POST /auth/v1/{name=accounts/*/factors/*}:confirmTotp", "*"),
        ("POST /auth/v1/{parent=accounts/*}/factors:reset", "*"),
        ("POST /auth/v1/{parent=accounts/*}/recoveryCodes:regenerate", "*"),
        ("POST /auth/v1/sessions:signInWithTotp", "*"),
        ("POST /auth/v1/sessions:signInWithRecoveryCode", "*"),
        ("POST /auth/v1/sessions:stepUp", "*"),
        ("PATCH /auth/v1/{account.name=accounts/*}", "account"),
        ("POST /auth/v1/sessions:beginPasskeySignIn", "*"),
        ("POST /auth/v1/sessions:signInWithPasskey", "*"),
        ("POST /auth/v1/{parent=accounts/*}/factors:beginPasskey", "*"),
        ("POST /auth/v1/{parent=accounts/*}/factors:finishPasskey", "*"),
        ("POST /auth/v1/accounts", "*"),
        ("POST /auth/v1/accounts:createFirstAdministrator", "*"),
        ("POST /auth/v1/accounts:import", "*"),
        ("POST /auth/v1/sessions:signInAnonymously", "*"),
        ("POST /auth/v1/{name=accounts/*}:upgrade", "*"),
        ("POST /auth/v1/{name=accounts/*}:impersonate", "*"),
        ("POST /auth/v1/{name=accounts/*}:delete", "*"),
        ("POST /auth/v1/{name=accounts/*}:export", "*"),
        ("POST /auth/v1/{name=accounts/*}:erase", "*"),
        ("POST /auth/v1/accounts:lookup", "*"),
        ("POST /auth/v1/accounts:signUp", "*"),
        ("POST /auth/v1/sessions:refresh", "*"),
        ("POST /auth/v1/sessions:signIn", "*"),
        ("POST /auth/v1/sessions:signOut", "*"),
        ("POST /auth/v1/{name=accounts/*}:setRoles", "*"),
        ("POST /auth/v1/{name=accounts/*}:disable", "*"),
        ("POST /auth/v1/{name=accounts/*}:enable", "*"),
        ("POST /auth/v1/{name=accounts/*/sessions/*}:revoke", "*"),
        ("POST /auth/v1/{parent=accounts/*}/sessions:revokeAll", "*"),
        ("GET /auth/v1/mails", ""),
        ("POST /auth/v1/sessions:requestSignIn", "*"),
        ("POST /auth/v1/sessions:signInWithCode", "*"),
        ("POST /auth/v1/sessions:signInWithLink", "*"),
        ("GET /auth/v1/{name=mails/*}", ""),
        ("POST /auth/v1/accounts:confirmEmailChange", "*"),
        ("POST /auth/v1/accounts:requestPasswordReset", "*"),
        ("POST /auth/v1/accounts:resetPassword", "*"),
        ("POST /auth/v1/accounts:verifyEmail", "*"),
        ("POST /auth/v1/{name=accounts/*}:changeEmail", "*"),
        ("POST /auth/v1/{name=accounts/*}:changePassword", "*"),
        ("POST /auth/v1/{name=accounts/*}:requestEmailVerification", "*"),
    ]
    .map(|(rule, body)| (rule.to_owned(), body.to_owned()))
    .to_vec();
    expected.extend(OF_PROVIDERS.map(|(rule, body)| (rule.to_owned(), body.to_owned())));
    expected.extend(OF_OAUTH.map(|(rule, body)| (rule.to_owned(), body.to_owned())));
    expected.extend(OF_ORGANISATIONS.map(|(rule, body)| (rule.to_owned(), body.to_owned())));
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_json_names_are_the_documented_ones() {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    let names = |message: &str| -> Vec<String> {
        pool.get_message_by_name(message).unwrap().fields().map(|field| field.json_name().to_owned()).collect()
    };
    assert_eq!(
        names("mainstay.auth.v1.Credentials"),
        ["accessToken", "refreshToken", "expiresIn", "tokenType", "account", "challenge", "sessionExpiresIn"]
    );
    assert_eq!(names("mainstay.auth.v1.Jwk"), ["kty", "crv", "kid", "alg", "use", "x", "y"]);
    assert_eq!(names("mainstay.auth.v1.Jwks"), ["keys"]);
}

#[tokio::test]
async fn callers_without_the_right_are_refused() {
    let harness = Harness::start(Engine::Sqlite).await;
    let (ada, credentials) = harness.user("ada@example.org").await;
    let (nobody, user) = (&harness.caller, harness.caller.as_user(&credentials));
    assert_eq!(reason(nobody.get_account("accounts/me").await), Reason::Unauthenticated);
    for (caller, expected) in [(nobody, Reason::Unauthenticated), (&user, Reason::PermissionDenied)] {
        assert_eq!(reason(caller.lookup("ada@example.org").await), expected);
        assert_eq!(reason(caller.list(-1, "no token").await), expected);
        assert_eq!(reason(caller.create_account("eve@example.org", PASSWORD, &[]).await), expected);
        assert_eq!(reason(caller.set_roles(&ada.name, &[], "").await), expected);
        assert_eq!(reason(caller.disable(&ada.name, "").await), expected);
        assert_eq!(reason(caller.enable("no name", "").await), expected);
        assert_eq!(reason(caller.watch_revocations().await.map(drop)), expected);
        // Permission is decided before the request is looked at (AIP-211).
        assert_eq!(reason(caller.create_account("", "", &["mainstay.root"]).await), expected);
    }
}
