//! S29: secrets of mails are in no row, and in no debug output.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_auth::domain::one_time_secret::LinkSecret;
use mainstay_auth::store::{mails, one_time_secrets};
use mainstay_db::Lane;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use uuid::Uuid;

use crate::harness::{Harness, PASSWORD, token_of};

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

    async fn of_what_waits_the_rows_tell_no_address(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.request_reset(ADA).await.unwrap();
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let before = harness.file();
        assert!(!contains(&before, b"canary"), "whoever asks with an address leaves none");
    }
}

#[test]
fn requests_and_mails_show_no_secret_when_they_are_printed() {
    let pool = prost_reflect::DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    let redacted = |message: &str, field: &str| {
        let message = pool.get_message_by_name(&format!("mainstay.auth.v1.{message}")).unwrap();
        let options = message.get_field_by_name(field).unwrap().options();
        let shown = options.get_field_by_name("debug_redact").and_then(|value| value.as_bool());
        assert_eq!(shown, Some(true), "{}.{field}", message.name());
    };
    for (message, field) in [
        ("VerifyEmailRequest", "token"),
        ("ConfirmEmailChangeRequest", "token"),
        ("ResetPasswordRequest", "token"),
        ("ResetPasswordRequest", "new_password"),
        ("ChangePasswordRequest", "old_password"),
        ("ChangePasswordRequest", "new_password"),
        ("ChangeEmailRequest", "password"),
        ("Mail", "text"),
        ("Mail", "html"),
        ("Mail", "link"),
        ("Mail", "code"),
        ("SignInWithLinkRequest", "token"),
        ("SignInWithCodeRequest", "code"),
    ] {
        redacted(message, field);
    }
    let mail = pb::Mail { link: "https://app.example.org/x#token=mot_abc".to_owned(), ..pb::Mail::default() };
    assert_eq!(token_of(&mail), "mot_abc");
}
