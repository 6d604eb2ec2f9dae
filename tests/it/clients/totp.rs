//! PyPI's `pyotp` reads the address of an enrolment and makes the codes of the sign-in.

use std::process::Command;

use mainstay_testkit::both_engines;
use mainstay_testkit::tools::python_from;
use mainstay_testkit::wait::until;
use serde_json::{Value, json};

use super::workshop::sources;
use crate::support::{PASSWORD, System, notes};

/// What the app shows: the code, the secret, and whose it is.
fn app(uri: &str) -> Vec<String> {
    let python = python_from(&sources().join("totp.txt"));
    let shown = Command::new(python).arg(sources().join("totp.py")).arg(uri).output().expect("Python runs");
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    String::from_utf8_lossy(&shown.stdout).lines().map(str::to_owned).collect()
}

pub async fn verify(system: &System) {
    let mail = until("a mail lies in the mailbox", || async {
        let page = system.http().get("/auth/v1/mails").await.ok();
        page["mails"].as_array().into_iter().flatten().find(|mail| mail["kind"] == json!("verify_email")).cloned()
    });
    let link = mail.await["link"].as_str().expect("a link").to_owned();
    let token = link.split_once("#token=").expect("a token").1.to_owned();
    system.http().post("/auth/v1/accounts:verifyEmail", json!({"token": token})).await.ok();
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

async fn an_app_is_enrolled_and_signs_in(system: &System) {
    let own = system.user("ada@example.org").await;
    verify(system).await;
    let enrolled = own.post("/auth/v1/accounts/me/factors:enrollTotp", json!({"displayName": "Telephone"})).await.ok();
    let uri = text(&enrolled["uri"]).to_owned();
    let shown = app(&uri);
    assert_eq!((shown[1].as_str(), shown[3].as_str()), (text(&enrolled["secret"]), "ada@example.org"));
    let name = text(&enrolled["factor"]["name"]);
    let confirmed = own.post(&format!("/auth/v1/{name}:confirmTotp"), json!({"code": shown[0]})).await.ok();
    let codes = confirmed["recoveryCodes"].as_array().expect("codes").clone();
    assert_eq!(codes.len(), 10);

    let (http, grpc) = (system.http(), system.grpc());
    let credentials = json!({"email": "ada@example.org", "password": PASSWORD});
    let challenge = || async {
        let asked = http.post("/auth/v1/sessions:signIn", credentials.clone()).await.ok();
        assert_eq!(
            (&asked["challenge"]["factors"], &asked["accessToken"]),
            (&json!(["TOTP"]), &Value::Null),
            "{asked}"
        );
        text(&asked["challenge"]["token"]).to_owned()
    };
    // The code that has confirmed is used: a new one comes within thirty seconds.
    let token = challenge().await;
    let used = json!({"challenge": token, "code": shown[0]});
    let refused = http.post("/auth/v1/sessions:signInWithTotp", used).await;
    assert!(refused.refusal(401, "UNAUTHENTICATED").to_string().contains("WRONG_CODE"));
    let next = until("the app shows another code", || async { Some(app(&uri).remove(0)).filter(|it| *it != shown[0]) });
    let right = json!({"challenge": token, "code": next.await});
    let signed_in = grpc.call("mainstay.auth.v1.SessionService/SignInWithTotp", &right).expect("the code is right");
    let listed = http.with_token(text(&signed_in["accessToken"])).get("/auth/v1/accounts/me/factors").await.ok();
    assert_eq!((&listed["factors"][0]["displayName"], &listed["recoveryCodesLeft"]), (&json!("Telephone"), &json!(10)));

    let lost = json!({"challenge": challenge().await, "code": codes[0]});
    let signed_in = http.post("/auth/v1/sessions:signInWithRecoveryCode", lost).await.ok();
    let own = http.with_token(text(&signed_in["accessToken"]));
    let renamed = own.patch(&format!("/auth/v1/{name}"), json!({"displayName": "Tablet"})).await.ok();
    assert_eq!(renamed["displayName"], json!("Tablet"));
    own.delete(&format!("/auth/v1/{name}")).await.ok();
    let signed_in = http.post("/auth/v1/sessions:signIn", credentials.clone()).await.ok();
    assert_eq!(signed_in.get("challenge"), None);
}

both_engines! {
    async fn pyotp_makes_the_codes_of_a_sign_in(engine: Engine) {
        let system = System::one(engine, notes::folder()).await;
        an_app_is_enrolled_and_signs_in(&system).await;
    }
}
