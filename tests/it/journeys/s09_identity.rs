//! S9, S17: who calls is said by a token and by nothing else, on every port.

use mainstay_testkit::Engine;
use mainstay_testkit::server::Server;
use mainstay_testkit::tools::Grpcurl;
use serde_json::{Value, json};

use crate::support::{Folder, System};

/// Headers by which other systems let themselves be told who calls, and ways of writing them.
const CLAIMS: [&str; 14] = [
    "mainstay-principal: system",
    "Mainstay-Principal-Bin: c3lzdGVt",
    "mainstay_principal: system",
    "x-mainstay-principal: system",
    "x-mainstay-roles: mainstay.admin",
    "x-mainstay-uid: 00000000-0000-7000-8000-000000000001",
    "x-user-id: 00000000-0000-7000-8000-000000000001",
    "x-roles: mainstay.admin",
    "x-hasura-role: admin",
    "x-forwarded-user: admin",
    "x-goog-authenticated-user-id: admin",
    "x-endpoint-api-userinfo: eyJpZCI6ImFkbWluIn0",
    "service: gateway",
    "x-request-id: mainstay.admin",
];

/// Methods that only administrators, or only other services, may call.
const GUARDED: [(&str, &str); 4] = [
    ("auth", "mainstay.auth.v1.AccountService/SetRoles"),
    ("auth", "mainstay.auth.v1.AccountService/CreateAccount"),
    ("data", "mainstay.data.v1.ContractService/GetContract"),
    ("data", "mainstay.data.v1.ContractService/ApplyContract"),
];

fn request(method: &str) -> Value {
    match method.rsplit('/').next() {
        Some("SetRoles") => json!({"name": "accounts/me", "roles": ["mainstay.admin"]}),
        Some("CreateAccount") => {
            json!({"account": {"email": "eve@example.org", "roles": ["mainstay.admin"]}, "password": "correct horse battery"})
        }
        _ => json!({}),
    }
}

#[tokio::test]
async fn no_port_takes_anybodys_word_for_who_they_are() {
    let mut system = System::three(Engine::Sqlite, Folder::shop()).await;
    let user = system.user("ada@example.org").await;
    let gateway = Grpcurl::new(&system.gateway.address());
    let ports = [("auth", Grpcurl::new(&system.auth().address())), ("data", Grpcurl::new(&system.data().address()))];
    for (service, method) in GUARDED {
        let direct = ports.iter().filter(|(name, _)| *name == service).map(|(_, port)| port);
        for port in direct.chain([&gateway]) {
            let code = |grpc: &Grpcurl| grpc.call(method, &request(method)).map_err(|refusal| refusal.code);
            assert_eq!(code(port), Err("Unauthenticated".to_owned()), "{method}");
            assert_eq!(code(&port.with_token(user.token())), Err("PermissionDenied".to_owned()), "{method}");
            let claims = CLAIMS.iter().fold(port.clone(), |port, claim| port.with_header(claim));
            assert_eq!(code(&claims), Err("Unauthenticated".to_owned()), "{method} with claims");
            assert_eq!(
                code(&claims.with_token(user.token())),
                Err("PermissionDenied".to_owned()),
                "{method} with claims"
            );
            for forged in forgeries() {
                assert_eq!(code(&port.with_token(&forged)), Err("Unauthenticated".to_owned()), "{method} as {forged}");
            }
        }
    }
    the_rules_hold_on_datas_own_port(&ports[1].1, user.token());
    a_secret_of_one_process_opens_no_other(&mut system, &ports);
    claims_change_nothing_over_rest(&system).await;
}

/// Credentials of services that nobody issued.
fn forgeries() -> [String; 4] {
    let zeros = "0".repeat(64);
    [
        format!("mainstay-service.gateway.{zeros}"),
        format!("mainstay-service.operator.{zeros}"),
        "mainstay-service.gateway.".to_owned(),
        "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiJhIiwicm9sZXMiOlsibWFpbnN0YXkuYWRtaW4iXX0.".to_owned(),
    ]
}

fn the_rules_hold_on_datas_own_port(data: &Grpcurl, token: &str) {
    let product = json!({"product": {"sku": "TOY-100"}});
    let create =
        |grpc: &Grpcurl| grpc.call("shop.v1.ProductService/CreateProduct", &product).map_err(|refusal| refusal.code);
    assert_eq!(create(data), Err("Unauthenticated".to_owned()));
    assert_eq!(create(&data.with_token(token)), Err("PermissionDenied".to_owned()));
    assert_eq!(data.call("shop.v1.ProductService/ListProducts", &json!({})), Ok(json!({})), "everybody may read");
}

/// The operator's secret is one process's alone.
fn a_secret_of_one_process_opens_no_other(system: &mut System, ports: &[(&str, Grpcurl); 2]) {
    let folder = system.folder.path().join("data");
    let secret = |role: &str| {
        let text = std::fs::read_to_string(folder.join(role).join("run.json")).expect("a running process has run.json");
        let run: Value = serde_json::from_str(&text).expect("run.json is JSON");
        format!("mainstay-service.operator.{}", run["secret"].as_str().expect("there is a secret"))
    };
    let contract = "mainstay.data.v1.ContractService/GetContract";
    let data = &ports[1].1;
    assert!(data.with_token(&secret("data")).call(contract, &json!({})).is_ok());
    for other in ["auth", "gateway"] {
        let refused = data.with_token(&secret(other)).call(contract, &json!({})).map_err(|refusal| refusal.code);
        assert_eq!(refused.map(|_| ()), Err("Unauthenticated".to_owned()));
    }
}

async fn claims_change_nothing_over_rest(system: &System) {
    let http = CLAIMS.iter().fold(system.http(), |http, claim| {
        let (name, value) = claim.split_once(": ").expect("a header has a name and a value");
        http.with_header(name, value)
    });
    http.get("/auth/v1/accounts/me").await.refusal(401, "UNAUTHENTICATED");
    http.get("/data/v1/contract").await.refusal(401, "UNAUTHENTICATED");
    http.post("/shop/v1/products", json!({"sku": "TOY-100"})).await.refusal(401, "UNAUTHENTICATED");
    let overridden = http.with_header("x-http-method-override", "POST").with_header("x-http-method", "POST");
    overridden.get("/shop/v1/products").await.ok();
    another_spelling_is_another_path(&system.gateway).await;
}

/// A path that is spelled otherwise is nothing, or the same thing: never a way around a check.
async fn another_spelling_is_another_path(gateway: &Server) {
    for path in [
        "/data/v1/contract/",
        "//data/v1/contract",
        "/data//v1/contract",
        "/Data/v1/contract",
        "/data/v1/%63ontract",
        "/data/v1/./contract",
        "/shop/../data/v1/contract",
        "/mainstay.data.v1.ContractService/GetContract",
        "/data%2fv1/contract",
    ] {
        let answer = gateway.http().get(path).await;
        assert!(matches!(answer.status, 400..=404 | 405 | 415 | 501), "{path}: {} {}", answer.status, answer.text());
        assert!(!answer.text().contains("descriptorSet"), "{path}");
    }
}
