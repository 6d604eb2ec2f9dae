//! S29: secrets of mails are in no row, and in no debug output.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_auth::domain::one_time_secret::LinkSecret;
use mainstay_auth::store::oauth::{clients, grants};
use mainstay_auth::store::{factors, mails, one_time_secrets};
use mainstay_db::Lane;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use uuid::Uuid;

use crate::harness::{Harness, PASSWORD, token_of};
use crate::oauth::Shop;

const ADA: &str = "canary@example.org";

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// What stands of mails and secrets, in the rows and, where it is a file, in all of the store.
async fn stored(harness: &Harness, secret: Uuid) -> Vec<u8> {
    let rows = harness.database.read(Lane::Heavy, move |conn| {
        Box::pin(async move {
            let waiting = mails::due(conn, i64::MAX, 100).await?;
            let delivered = mails::delivered(conn, "", 100).await?;
            Ok::<_, mainstay_db::Error>((waiting, delivered, one_time_secrets::find(conn, secret).await?))
        })
    });
    let (waiting, delivered, secret) = rows.await.unwrap();
    let secret = secret.expect("it is stored");
    assert!(!waiting.is_empty() || !delivered.is_empty());
    let mut bytes = [secret.address_hash.clone(), secret.link_hash.clone()].concat();
    bytes.extend(format!("{secret:?}").bytes());
    for row in waiting.iter().chain(&delivered) {
        bytes.extend(&row.sealed_content);
        bytes.extend(format!("{row:?}").bytes());
    }
    bytes.extend(harness.file());
    bytes
}

both_engines! {
    async fn a_copy_of_the_store_holds_no_link_neither_before_a_mail_is_sent_nor_after(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("ada@example.org").await;
        harness.caller.request_reset("ada@example.org").await.unwrap();
        // The mailbox of a copy tells the link that the store itself does not.
        let token = harness.token("reset_password", "ada@example.org").await;
        let secret = LinkSecret::parse(&token).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(token.trim_start_matches("mot_")).unwrap();
        let after = stored(&harness, secret.id()).await;
        for needle in [token.as_bytes(), &token.as_bytes()[30..], &bytes[16..], b"reset-password#"] {
            assert!(!contains(&after, needle));
        }
    }

    async fn a_copy_of_the_store_holds_no_secret_of_a_factor_and_nothing_in_its_place(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.verified("ada@example.org").await;
        let enrolled = harness.caller.as_user(&session).enroll_totp("accounts/me", "").await.unwrap();
        let name = enrolled.factor.as_ref().unwrap().name.clone();
        let code = crate::authenticator::App::of(&enrolled).code(&harness.clock);
        let confirmed = harness.caller.as_user(&session).confirm_totp(&name, &code).await.unwrap();
        let challenge = harness.challenge("ada@example.org").await.token;
        let account = session.account.unwrap().uid;
        let rows = harness.database.read(Lane::Heavy, move |conn| {
            let account = account.clone();
            Box::pin(async move { factors::of_account(conn, &account).await })
        });
        let rows = rows.await.unwrap();
        assert_eq!(rows.len(), 1);
        let mut bytes = harness.file();
        bytes.extend(&rows[0].sealed_content);
        bytes.extend(format!("{rows:?}").bytes());
        let raw = data_encoding::BASE32_NOPAD.decode(enrolled.secret.as_bytes()).unwrap();
        let opened = URL_SAFE_NO_PAD.decode(challenge.trim_start_matches("mch_")).unwrap();
        for needle in [enrolled.secret.as_bytes(), &raw, challenge.as_bytes(), &opened[16..]] {
            assert!(!contains(&bytes, needle));
        }
        for code in confirmed.recovery_codes {
            assert!(!contains(&bytes, code.as_bytes()) && !contains(&bytes, code.replace('-', "").as_bytes()));
        }
    }

    async fn a_copy_of_the_store_holds_nothing_that_a_client_or_a_device_shows(engine: Engine) {
        let shop = Shop::open(engine).await;
        let (tokens, code) = (shop.tokens().await, shop.code().await);
        let device = shop.harness.caller.begin_device(&shop.client, "openid").await;
        let rows = shop.harness.database.read(Lane::Heavy, |conn| {
            Box::pin(async move {
                let mut bytes = Vec::new();
                for uid in grants::over(conn, i64::MAX, 100).await? {
                    let row = grants::find(conn, uid.parse().unwrap()).await?.expect("it is there");
                    let hashes = [Some(row.secret_hash), row.user_code_hash, row.current_hash, row.family_hash];
                    bytes.extend(hashes.into_iter().flatten().flatten());
                }
                for row in clients::page(conn, "", 100).await? {
                    bytes.extend(format!("{row:?}").bytes().chain(row.secret_hash.into_iter().flatten()));
                }
                Ok::<_, mainstay_db::Error>(bytes)
            })
        });
        let mut bytes = rows.await.unwrap();
        assert!(bytes.len() > 3 * 32);
        bytes.extend(shop.harness.file());
        let user_code = device.user_code.replace('-', "");
        let shown = [&shop.client.client_secret, &tokens.refresh_token, &code, &device.device_code];
        for secret in shown {
            let raw = URL_SAFE_NO_PAD.decode(&secret[4..]).unwrap();
            // What is behind the id that a code or a token begins with.
            let own = &raw[raw.len() - 32..];
            assert!(!contains(&bytes, secret.as_bytes()) && !contains(&bytes, own), "{}", &secret[..4]);
        }
        for text in [&user_code, &device.user_code, &tokens.access_token, &tokens.id_token] {
            assert!(!contains(&bytes, text.as_bytes()));
        }
    }

    async fn of_what_waits_the_rows_tell_no_address(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.request_reset(ADA).await.unwrap();
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let before = harness.file();
        assert!(!contains(&before, b"canary"), "whoever asks with an address leaves none");
    }
}

/// The same of other applications.
const OF_OAUTH: [(&str, &str); 23] = [
    ("OAuthClient", "client_secret"),
    ("OAuthClientProof", "client_secret"),
    ("OAuthClientProof", "client_assertion"),
    ("OAuthQuestion", "ticket"),
    ("BeginAuthorizationRequest", "id_token_hint"),
    ("BeginAuthorizationResponse", "location"),
    ("DecideAuthorizationRequest", "ticket"),
    ("DecideAuthorizationResponse", "location"),
    ("IssueTokenRequest", "code"),
    ("IssueTokenRequest", "code_verifier"),
    ("IssueTokenRequest", "renewed_token"),
    ("IssueTokenRequest", "device_code"),
    ("IssueTokenResponse", "access_token"),
    ("IssueTokenResponse", "refresh_token"),
    ("IssueTokenResponse", "id_token"),
    ("IntrospectTokenRequest", "token"),
    ("RevokeTokenRequest", "token"),
    ("GetUserInfoRequest", "client_token"),
    ("BeginDeviceAuthorizationResponse", "device_code"),
    ("BeginDeviceAuthorizationResponse", "user_code"),
    ("GetDeviceAuthorizationRequest", "user_code"),
    ("DecideDeviceAuthorizationRequest", "user_code"),
    ("BeginSignOutRequest", "id_token_hint"),
];

/// The fields of accounts' messages that no log may show.
const OF_ACCOUNTS: [(&str, &str); 55] = [
    ("VerifyEmailRequest", "token"),
    ("ConfirmEmailChangeRequest", "token"),
    ("ResetPasswordRequest", "token"),
    ("ResetPasswordRequest", "new_password"),
    ("ChangePasswordRequest", "old_password"),
    ("ChangePasswordRequest", "new_password"),
    ("ChangeEmailRequest", "password"),
    ("CreateFirstAdministratorRequest", "token"),
    ("CreateFirstAdministratorRequest", "password"),
    ("ImportedAccount", "password_hash"),
    ("FirebaseScrypt", "hash"),
    ("FirebaseScrypt", "signer_key"),
    ("UpgradeAccountRequest", "password"),
    ("DeleteAccountRequest", "password"),
    ("EraseAccountRequest", "password"),
    ("Mail", "text"),
    ("Mail", "html"),
    ("Mail", "link"),
    ("Mail", "code"),
    ("SignInWithLinkRequest", "token"),
    ("SignInWithCodeRequest", "code"),
    ("Challenge", "token"),
    ("SignInWithTotpRequest", "challenge"),
    ("SignInWithTotpRequest", "code"),
    ("SignInWithRecoveryCodeRequest", "challenge"),
    ("SignInWithRecoveryCodeRequest", "code"),
    ("StepUpRequest", "totp_code"),
    ("StepUpRequest", "recovery_code"),
    ("StepUpRequest", "password"),
    ("EnrollTotpResponse", "uri"),
    ("EnrollTotpResponse", "secret"),
    ("ConfirmTotpRequest", "code"),
    ("ConfirmTotpResponse", "recovery_codes"),
    ("RegenerateRecoveryCodesResponse", "recovery_codes"),
    ("BeginPasskeyResponse", "challenge"),
    ("FinishPasskeyRequest", "challenge"),
    ("FinishPasskeyResponse", "recovery_codes"),
    ("BeginPasskeySignInRequest", "challenge"),
    ("BeginPasskeySignInResponse", "challenge"),
    ("SignInWithPasskeyRequest", "challenge"),
    ("PasskeyAssertion", "challenge"),
    ("SignUpRequest", "captcha_token"),
    ("RequestPasswordResetRequest", "captcha_token"),
    ("RequestSignInRequest", "captcha_token"),
    ("SignInAnonymouslyRequest", "captcha_token"),
    ("ImpersonateAccountResponse", "access_token"),
    ("ExchangeKeyRequest", "key"),
    ("ExchangeKeyResponse", "access_token"),
    ("ExchangeTokenRequest", "subject_token"),
    ("ExchangeTokenResponse", "assertion"),
    ("ServiceAccountKey", "secret"),
    ("AcceptInvitationRequest", "token"),
    ("SignUpWithInvitationRequest", "token"),
    ("SignUpWithInvitationRequest", "password"),
    ("SwitchOrganisationResponse", "access_token"),
];

#[test]
fn requests_and_mails_show_no_secret_when_they_are_printed() {
    let pool = prost_reflect::DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    let redacted = |message: &str, field: &str| {
        let message = pool.get_message_by_name(&format!("mainstay.auth.v1.{message}")).unwrap();
        let options = message.get_field_by_name(field).unwrap().options();
        let shown = options.get_field_by_name("debug_redact").and_then(|value| value.as_bool());
        assert_eq!(shown, Some(true), "{}.{field}", message.name());
    };
    for (message, field) in OF_ACCOUNTS.into_iter().chain(OF_OAUTH) {
        redacted(message, field);
    }
    let mail = pb::Mail { link: "https://app.example.org/x#token=mot_abc".to_owned(), ..pb::Mail::default() };
    assert_eq!(token_of(&mail), "mot_abc");
}
