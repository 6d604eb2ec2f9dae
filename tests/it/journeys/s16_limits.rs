//! S16: how often somebody may call is counted by what they ask for, over every protocol, in one process and through three gateways.

use mainstay_testkit::Engine;
use mainstay_testkit::http::{Answer, Http};
use mainstay_testkit::redis::Redis;
use mainstay_testkit::server::{Launch, Server, free_port};
use mainstay_testkit::wait::until;
use serde_json::{Value, json};

use crate::support::{Folder, System};

const SHELF: &str = r#"syntax = "proto3";
package shelf.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";
message Book {
  option (google.api.resource) = {type: "shelf.example.org/Book" pattern: "books/{book}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
}
"#;

fn folder() -> Folder {
    Folder::with("shelf/v1/shelf.proto", SHELF)
}

/// The setting of a policy for the contract's methods.
fn policy(launch: Launch, name: &str, by: &str, quota: u32) -> Launch {
    let key = |key: &str| format!("MAINSTAY__GATEWAY__LIMITS__POLICIES__{name}__{key}");
    launch
        .environment(key("BY"), by)
        .environment(key("METHODS"), "shelf.v1.*")
        .environment(key("QUOTA"), quota.to_string())
        .environment(key("PER_SECONDS"), "86400")
}

fn left(answer: &Answer) -> u32 {
    let told = answer.headers.get("ratelimit").unwrap_or_else(|| panic!("{answer:?}")).to_str().expect("a text");
    let (_, rest) = told.split_once(";r=").expect("what is left");
    rest.split(';').next().and_then(|left| left.parse().ok()).unwrap_or_else(|| panic!("{told}"))
}

fn batch(prefix: &str, size: usize) -> Value {
    let request = |number| json!({"bookId": format!("{prefix}-{number}"), "book": {"title": "T"}});
    json!({"requests": (0..size).map(request).collect::<Vec<_>>()})
}

mainstay_testkit::both_engines! {
    async fn what_is_asked_inside_counts(engine: Engine) {
        let limited = |launch| policy(launch, "ACCOUNTS", "account", 400);
        let system = System::one_with(engine, folder(), limited).await;
        let ann = system.user("ann@example.org").await;
        let answer = ann.post("/shelf/v1/books:batchCreate", batch("rest", 100)).await;
        answer.ok();
        assert_eq!((left(&answer), answer.headers["ratelimit-policy"].to_str().ok()), (300, Some("\"accounts\";q=400;w=86400")));
        let connect = ann.post("/shelf.v1.BookService/BatchCreateBooks", batch("connect", 100)).await;
        connect.ok();
        assert_eq!(left(&connect), 200);
        let writes: Vec<Value> = (0..50).map(|_| json!({"createBook": {"book": {"title": "T"}}})).collect();
        let commit = ann.post("/shelf/v1:commit", json!({"writes": writes})).await;
        commit.ok();
        assert_eq!(left(&commit), 150);
        let list = ann.get("/shelf/v1/books?pageSize=1000").await;
        list.ok();
        assert_eq!(left(&list), 140);
        let grpc = system.grpc().with_token(ann.token());
        grpc.call("shelf.v1.BookService/BatchCreateBooks", &batch("grpc", 100)).expect("it is let in");
        let refused = grpc.call("shelf.v1.BookService/BatchCreateBooks", &batch("more", 41)).map(drop);
        assert_eq!(refused.map_err(|refusal| refusal.code), Err("ResourceExhausted".to_owned()));
        let refused = ann.post("/shelf/v1/books:batchCreate", batch("more", 41)).await;
        let error = refused.refusal(429, "RESOURCE_EXHAUSTED");
        assert!(error.to_string().contains("RATE_LIMITED") && error.to_string().contains("RetryInfo"), "{error}");
        assert_eq!(ann.get("/shelf/v1/books/more-0").await.status, 404, "nothing of it was done");
        // Two refusals and two that were asked.
        assert_eq!(left(&ann.get("/shelf/v1/books/rest-0").await), 36);
        let ben = system.user("ben@example.org").await;
        assert_eq!(left(&ben.get("/shelf/v1/books/rest-0").await), 399);
        assert!(!system.http().get("/shelf/v1/books/rest-0").await.headers.contains_key("ratelimit"));
    }
}

/// Each of a method of its own, so that an answer tells it and no other.
fn one_of_each(launch: Launch) -> Launch {
    let policies =
        [("ONE", "account", "GetBook"), ("TWO", "organisation", "ListBooks"), ("THREE", "credential", "BatchGetBooks")];
    policies.into_iter().fold(launch, |launch, (name, by, method)| {
        let methods = format!("MAINSTAY__GATEWAY__LIMITS__POLICIES__{name}__METHODS");
        policy(launch, name, by, 100).environment(methods, format!("shelf.v1.BookService/{method}"))
    })
}

#[tokio::test]
async fn organisations_and_keys_have_their_own() {
    let system = System::one_with(Engine::Sqlite, folder(), one_of_each).await;
    let admin = system.user_with_role("root@example.org", "mainstay.admin").await;
    let service = admin.post("/auth/v1/serviceAccounts", json!({"displayName": "Robot"})).await.ok();
    let name = service["name"].as_str().expect("a name").to_owned();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let key = admin.post(&format!("/auth/v1/{name}/keys"), json!({})).await.ok();
        keys.push(system.http().with_token(key["secret"].as_str().expect("shown once")));
    }
    let left_of = async |client: &Http, method: &str| {
        left(&client.post(&format!("/shelf.v1.BookService/{method}"), json!({})).await)
    };
    // One account with two keys.
    assert_eq!((left_of(&keys[0], "GetBook").await, left_of(&keys[1], "GetBook").await), (99, 98));
    assert_eq!((left_of(&keys[0], "BatchGetBooks").await, left_of(&keys[1], "BatchGetBooks").await), (99, 99));
    assert_eq!(left_of(&keys[0], "BatchGetBooks").await, 98);
    // One account in two sessions, one of which acts in an organisation.
    let alone = system.sign_in("root@example.org").await;
    let organisation = admin.post("/auth/v1/organisations", json!({"displayName": "Acme"})).await.ok();
    let switch = json!({"organisation": organisation["name"]});
    let switched = admin.post("/auth/v1/sessions:switchOrganisation", switch).await.ok();
    let member = system.http().with_token(switched["accessToken"].as_str().expect("a token"));
    assert_eq!((left_of(&member, "ListBooks").await, left_of(&member, "ListBooks").await), (99, 98));
    let outside = alone.post("/shelf.v1.BookService/ListBooks", json!({})).await;
    assert!(!outside.headers.contains_key("ratelimit"), "who acts in no organisation is not counted");
    assert_eq!((left_of(&member, "GetBook").await, left_of(&alone, "GetBook").await), (99, 98));
    assert_eq!((left_of(&member, "BatchGetBooks").await, left_of(&alone, "BatchGetBooks").await), (99, 99));
}

/// Two gateways more, before the same services.
async fn more_gateways(system: &System) -> [Server; 2] {
    let another = |number: usize| {
        let own = system.folder.path().join(format!("gateway-{number}"));
        let launch = system.gateway.launch().clone().port(free_port());
        launch.environment("MAINSTAY__DATA_DIR", own.to_string_lossy()).spawn()
    };
    let mut gateways = [another(2), another(3)];
    for gateway in &mut gateways {
        gateway.ready().await;
    }
    gateways
}

/// Waits until a gateway counts together with others: alone it would allow a third.
async fn counts_together(gateway: &Http) {
    until("the gateway counts in the Redis", || async {
        let told = left(&gateway.get("/shelf/v1/books/none").await);
        (told > 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn three_gateways_allow_together_what_one_would() {
    let redis = Redis::start();
    let limited = |launch| {
        policy(launch, "SHARED", "method", 600)
            .environment("MAINSTAY__GATEWAY__LIMITS__REDIS__URL", redis.url())
            .environment("MAINSTAY__GATEWAY__LIMITS__REDIS__GATEWAYS", "3")
            .environment("MAINSTAY__GATEWAY__LIMITS__REDIS__TIMEOUT_MS", "5000")
            .environment("MAINSTAY__SERVICES__KEYS__GATEWAY", "0123456789abcdef0123456789abcdef")
            .environment("MAINSTAY__SERVICES__KEYS__DATA", "fedcba9876543210fedcba9876543210")
    };
    let system = System::three_with(Engine::Sqlite, folder(), limited).await;
    let others = more_gateways(&system).await;
    let gateways = [system.http(), others[0].http(), others[1].http()];
    for gateway in &gateways {
        counts_together(gateway).await;
    }
    let mut allowed = 0;
    for _ in 0..250 {
        for gateway in &gateways {
            allowed += usize::from(gateway.get("/shelf/v1/books").await.status == 200);
        }
    }
    assert!((600..=660).contains(&allowed), "{allowed}: within ten in a hundred of what is allowed");
}
