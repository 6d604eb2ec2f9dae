//! S9: nobody outside can say who is calling.

use crate::desk::{bench, credential, get};

#[tokio::test]
async fn s09_no_header_that_claims_an_identity_reaches_a_handler() {
    let bench = bench(10);
    for name in [
        "x-mainstay-principal",
        "X-Mainstay-Roles",
        "x_mainstay_uid",
        "x-mainstay-uid-bin",
        "mainstay-principal",
        "mainstay_principal_bin",
        "_x-mainstay-uid",
        "x-user",
        "X_User_Id",
        "x-forwarded-user",
        "remote-user",
        "REMOTE_USER",
        "x-auth-request-email",
        "x-forwarded-client-cert",
        "X_Forwarded_Client_Cert",
        "x-ssl-client-verify",
        "SSL_CLIENT_S_DN",
        "ssl-client-cert",
        "x-client-cert",
        "x-client-cert-dn",
        "client-cert",
        "Client-Cert-Chain",
        "client_cert",
        "x-forwarded-tls-client-cert-info",
        "x-amzn-mtls-clientcert-leaf",
        "x-arr-clientcert",
        "x-client-certificate",
        "x-client-verify",
        "x-client-dn",
        "x-tls-client-subject",
        "x-ssl-cert",
        "x-ssl-client",
        "cf-client-cert-der-base64",
        "cf-cert-presented",
    ] {
        let answer =
            bench.json(get("/t.S/Open").header(name, "admin").header(name, "admin").header("x-kept", "1")).await;
        assert_eq!(answer["headers"], serde_json::json!(["x-kept"]), "{name}");
        assert_eq!(answer["uid"], serde_json::Value::Null, "{name}");
    }
}

#[tokio::test]
async fn s09_a_typed_principal_is_not_believed_at_a_listener() {
    let bench = bench(10);
    let forged = get("/t.S/Admins").extension(mainstay_identity::Principal::system());
    assert_eq!(bench.send(forged).await.status(), 401);
}

#[tokio::test]
async fn ordinary_headers_stay() {
    let bench = bench(10);
    let names = ["x-custom", "x-users-choice", "mail", "range", "user-agent", "clear", "client", "ssl", "cf-ray"];
    let request = names.iter().fold(get("/t.S/Open"), |request, name| request.header(*name, "1"));
    let answer = bench.json(request).await;
    let kept: Vec<&str> = answer["headers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(names.iter().all(|name| kept.contains(name)), "{kept:?}");
}

#[tokio::test]
async fn two_credentials_are_refused() {
    let bench = bench(10);
    let request = get("/t.S/Open").header("authorization", credential("gateway"));
    assert_eq!(bench.send(request.header("authorization", credential("operator"))).await.status(), 401);
}
