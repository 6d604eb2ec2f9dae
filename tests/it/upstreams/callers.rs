//! Who may call an upstream's methods, and what the upstream is told of them.

use serde_json::{Value, json};

use super::python::{Catalogue, Language};

async fn the_upstream_calls_back_with_its_callers_rights(catalogue: Catalogue) {
    let merchant = &catalogue.merchant;
    let price = merchant.post("/catalog/v1/products/cup:price", json!({"pieces": 2})).await.ok();
    assert_eq!(price, json!({"product": "products/cup", "cents": "1200", "pieces": 2}));
    // By the other binding, too.
    let price = merchant.get("/catalog/v1/products/cup/price?pieces=3").await.ok();
    assert_eq!(price["cents"], "1800");
    // What somebody may not see of the catalogue the upstream does not see for them.
    let other = catalogue.system.user("other@example.org").await;
    let refused = other.post("/catalog/v1/products/cup:price", json!({})).await;
    refused.refusal(404, "NOT_FOUND");
}

#[tokio::test]
async fn one_process_on_sqlite() {
    the_upstream_calls_back_with_its_callers_rights(Catalogue::one().await).await;
}

#[tokio::test]
async fn a_service_in_rust() {
    the_upstream_calls_back_with_its_callers_rights(Catalogue::priced_by(Language::Rust).await).await;
}

#[tokio::test]
async fn three_processes_on_postgres() {
    the_upstream_calls_back_with_its_callers_rights(Catalogue::three().await).await;
}

#[tokio::test]
async fn each_method_lets_in_whom_it_says() {
    let catalogue = Catalogue::one().await;
    let (system, merchant) = (&catalogue.system, &catalogue.merchant);
    let nobody = system.http();
    let somebody = system.user("somebody@example.org").await;
    // Public.
    for caller in [&nobody, &somebody, merchant] {
        assert_eq!(caller.get("/catalog/v1/rates").await.ok(), json!({"margin": 50}));
    }
    // Authenticated.
    let refused = nobody.post("/catalog/v1/products/cup:price", json!({})).await;
    assert_eq!((refused.status, reason(&refused.json())), (401, "UNAUTHENTICATED".to_owned()));
    // By a role.
    assert_eq!(nobody.post("/catalog/v1/margin:set", json!({"margin": 1})).await.status, 401);
    let refused = somebody.post("/catalog/v1/margin:set", json!({"margin": 1})).await;
    assert_eq!((refused.status, reason(&refused.json())), (403, "PERMISSION_DENIED".to_owned()));
    let set = merchant.post("/catalog/v1/margin:set", json!({"margin": 20})).await.ok();
    let account = merchant.get("/auth/v1/accounts/me").await.ok();
    assert_eq!(
        format!("accounts/{}", set["uid"].as_str().unwrap_or_default()),
        account["name"].as_str().unwrap_or_default()
    );
    // What does not say who may is for nobody; and permission comes before what is wrong with the request.
    for caller in [&nobody, &somebody, merchant] {
        let refused = caller.post("/catalog/v1/rates:forget", json!({"unheard": 1})).await;
        assert_eq!((refused.status, reason(&refused.json())), (403, "PERMISSION_DENIED".to_owned()));
    }
    assert_eq!(nobody.post("/catalog/v1/margin:set", json!({"unheard": 1})).await.status, 401);
    let wrong = merchant.post("/catalog/v1/margin:set", json!({"unheard": 1})).await;
    assert_eq!((wrong.status, reason(&wrong.json())), (400, "UNKNOWN_FIELD".to_owned()));
    // What breaks in the upstream is told to nobody.
    let broken = merchant.post("/catalog/v1/margin:set", json!({"margin": -1})).await;
    assert_eq!((broken.status, reason(&broken.json())), (500, "INTERNAL".to_owned()));
    assert!(!broken.text().contains("secret") && !broken.text().contains("ValueError"), "{}", broken.text());
}

/// An assertion opens the application's methods alone, and no other service.
#[tokio::test]
async fn an_assertion_is_no_access_token() {
    let catalogue = Catalogue::one().await;
    let system = &catalogue.system;
    let token = catalogue.merchant.token().to_owned();
    let operator = system.grpc().with_token(&operator(&catalogue));
    let exchange = |subject: &str, audience: &str| {
        operator.call(
            "mainstay.auth.v1.AssertionService/ExchangeToken",
            &json!({"subject_token": subject, "audience": audience}),
        )
    };
    let made = exchange(&token, "pricing").expect("a service account may");
    let assertion = made["assertion"].as_str().expect("there is one").to_owned();
    assert!((1..=60).contains(&made["expiresIn"].as_i64().unwrap_or_default()), "{made}");
    let shown = system.http().with_token(&assertion);
    assert_eq!(shown.get("/catalog/v1/products/cup").await.ok()["cost"], "400");
    assert_eq!(shown.get("/catalog/v1/products/cup/price").await.ok()["cents"], "600", "and it calls others on");
    for (method, path) in [
        ("GET", "/auth/v1/accounts/me"),
        ("GET", "/auth/v1/accounts/me/sessions"),
        ("POST", "/auth/v1/accounts/me:changePassword"),
        ("POST", "/auth/v1/organisations"),
        ("GET", "/data/v1/contract"),
    ] {
        let refused = if method == "GET" { shown.get(path).await } else { shown.post(path, json!({})).await };
        assert_eq!((refused.status, reason(&refused.json())), (403, "PERMISSION_DENIED".to_owned()), "{method} {path}");
    }
    // Neither is worth something in the other's place.
    assert_eq!(exchange("", "pricing").expect_err("it is refused").code, "Unauthenticated");
    assert_eq!(exchange(&token, "").expect_err("it is refused").code, "InvalidArgument");
    assert_eq!(exchange(&token, "Pricing\u{202e}").expect_err("it is refused").code, "InvalidArgument");
    let users = system.grpc();
    let request = json!({"subject_token": token, "audience": "pricing"});
    let users = users.with_token(&token).call("mainstay.auth.v1.AssertionService/ExchangeToken", &request);
    assert_eq!(users.expect_err("it is refused").code, "PermissionDenied");
    // What ends the session ends it, too, and what it is exchanged for.
    let all = catalogue.merchant.post("/auth/v1/accounts/me/sessions:revokeAll", json!({})).await;
    all.ok();
    shown.get("/catalog/v1/products/cup").await.refusal(401, "UNAUTHENTICATED");
    assert_eq!(exchange(&token, "pricing").expect_err("it is refused").code, "Unauthenticated");
}

/// The credential of a process of the platform.
fn operator(catalogue: &Catalogue) -> String {
    let file = catalogue.system.folder.path().join("data/run.json");
    let run = std::fs::read_to_string(file).expect("a running process has run.json");
    let run: Value = serde_json::from_str(&run).expect("run.json is JSON");
    format!("mainstay-service.operator.{}", run["secret"].as_str().expect("there is a secret"))
}

fn reason(answer: &Value) -> String {
    let details = answer["error"]["details"].as_array().cloned().unwrap_or_default();
    details.iter().find_map(|detail| detail["reason"].as_str().map(str::to_owned)).unwrap_or_default()
}
