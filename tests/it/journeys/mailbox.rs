//! Mails in development: whoever develops an application, and its tests, read them in the mailbox, over REST and gRPC.

use mainstay_testkit::wait::until;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value, json};

use crate::support::{PASSWORD, System, notes};

/// Waits for the newest mail of a kind.
async fn mail(system: &System, kind: &str) -> Value {
    until("a mail lies in the mailbox", || async {
        let page = system.http().get("/auth/v1/mails").await.ok();
        page["mails"].as_array().into_iter().flatten().find(|mail| mail["kind"] == json!(kind)).cloned()
    })
    .await
}

/// What a page of the application finds behind the `#` of its address.
fn token(mail: &Value) -> &str {
    mail["link"].as_str().and_then(|link| link.split_once("#token=")).expect("it has a link").1
}

/// Everything that takes a mail, from the sign-up to another address.
async fn an_account_comes_of_age(system: &System) {
    let (http, grpc) = (system.http(), system.grpc());
    let session = system.user("ada@example.org").await;
    let asked = mail(system, "verify_email").await;
    assert_eq!(asked["recipient"], json!("ada@example.org"));
    let verified =
        grpc.call("mainstay.auth.v1.AccountService/VerifyEmail", &json!({"token": token(&asked)})).expect("it is good");
    assert_eq!(verified["emailVerified"], json!(true));
    let used = http.post("/auth/v1/accounts:verifyEmail", json!({"token": token(&asked)})).await;
    assert!(used.refusal(404, "NOT_FOUND").to_string().contains("ONE_TIME_SECRET_NOT_FOUND"));

    let wanted = json!({"email": "ada@example.net", "password": PASSWORD});
    let account = session.post("/auth/v1/accounts/me:changeEmail", wanted).await.ok();
    assert_eq!(account["pendingEmail"], json!("ada@example.net"));
    for (kind, changed) in [("approve_email_change", false), ("change_email", true)] {
        let confirmation = json!({"token": token(&mail(system, kind).await)});
        let confirmed = http.post("/auth/v1/accounts:confirmEmailChange", confirmation).await.ok();
        assert_eq!(confirmed["changed"].as_bool().unwrap_or_default(), changed, "{kind}: {confirmed}");
    }
    http.post("/auth/v1/accounts:requestPasswordReset", json!({"email": "ada@example.net"})).await.ok();
    let reset = json!({"token": token(&mail(system, "reset_password").await), "newPassword": "another horse battery"});
    http.post("/auth/v1/accounts:resetPassword", reset).await.ok();
    let old = json!({"email": "ada@example.net", "password": PASSWORD});
    http.post("/auth/v1/sessions:signIn", old).await.refusal(401, "UNAUTHENTICATED");
    let new = json!({"email": "ada@example.net", "password": "another horse battery"});
    let signed_in = http.post("/auth/v1/sessions:signIn", new).await.ok();
    let own = http.with_token(signed_in["accessToken"].as_str().expect("a token"));
    let change = json!({"oldPassword": "another horse battery", "newPassword": PASSWORD});
    own.post("/auth/v1/accounts/me:changePassword", change).await.ok();

    let listed = grpc.call("mainstay.auth.v1.MailboxService/ListMails", &json!({})).expect("it is shown");
    let newest = &listed["mails"][0];
    assert_eq!(newest["kind"], json!("password_changed"), "{listed}");
    let name = newest["name"].as_str().expect("a name");
    assert_eq!(http.get(&format!("/auth/v1/{name}")).await.ok()["subject"], newest["subject"]);
}

both_engines! {
    async fn an_account_is_verified_moved_and_found_again_with_what_lies_in_the_mailbox(engine: Engine) {
        let system = System::one(engine, notes::folder()).await;
        an_account_comes_of_age(&system).await;
    }
}

#[tokio::test]
async fn three_processes_have_one_mailbox() {
    let system = System::three(Engine::Sqlite, notes::folder()).await;
    an_account_comes_of_age(&system).await;
}

#[tokio::test]
async fn it_is_shut_for_who_comes_from_elsewhere() {
    let trusting =
        |launch: mainstay_testkit::server::Launch| launch.environment("MAINSTAY__TRUSTED_PROXIES", "127.0.0.1");
    let system = System::one_with(Engine::Sqlite, notes::folder(), trusting).await;
    let elsewhere = system.user("ada@example.org").await.with_header("x-forwarded-for", "203.0.113.7");
    elsewhere.get("/auth/v1/mails").await.refusal(403, "PERMISSION_DENIED");
    let administrator = system.user_with_role("root@example.org", "mainstay.admin").await;
    administrator.with_header("x-forwarded-for", "203.0.113.7").get("/auth/v1/mails").await.ok();
}
