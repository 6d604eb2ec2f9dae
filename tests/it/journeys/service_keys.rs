//! A program calls with a key alone, over REST and gRPC; behind the gateway it is a service account with its roles.

use std::time::{Duration, Instant};

use mainstay_testkit::Engine;
use serde_json::json;

use crate::support::{Folder, System};

const CONTRACT: &str = r#"syntax = "proto3";

package robots.v1;

import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

// What robots alone see and write.
message Reading {
  option (google.api.resource) = {type: "robots.example.org/Reading" pattern: "readings/{reading}"};
  option (mainstay.v1.resource) = {
    access {read: "'robot' in auth.roles" create: "'robot' in auth.roles && resource.by == auth.uid"}
  };

  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string by = 2;
}
"#;

/// Within this time what is revoked is noticed everywhere.
const BOUND: Duration = Duration::from_secs(5);

async fn the_journey(system: &System) {
    let admin = system.user_with_role("root@example.org", "mainstay.admin").await;
    let body = json!({"displayName": "Thermometer", "roles": ["robot"]});
    let service = admin.post("/auth/v1/serviceAccounts", body).await.ok();
    let name = service["name"].as_str().expect("it has a name").to_owned();
    let uid = format!("service:{}", service["uid"].as_str().expect("a uid"));
    let key = admin.post(&format!("/auth/v1/{name}/keys"), json!({})).await.ok();
    let (secret, key) = (key["secret"].as_str().expect("shown once"), key["name"].as_str().expect("a name"));

    let robot = system.http().with_token(secret);
    let made = robot.post("/robots/v1/readings?readingId=one", json!({"by": uid})).await.ok();
    assert_eq!(made["by"], json!(uid));
    robot.post("/robots/v1/readings?readingId=two", json!({"by": "somebody"})).await.refusal(403, "PERMISSION_DENIED");
    let request = json!({"name": "readings/one"});
    let read = system.grpc().with_token(secret).call("robots.v1.ReadingService/GetReading", &request).expect("it may");
    assert_eq!(read["by"], json!(uid));
    // Of the key itself nobody behind the gateway knows: it is no session, and no administrator.
    robot.get("/auth/v1/accounts/me").await.refusal(404, "NOT_FOUND");
    robot.get("/auth/v1/accounts").await.refusal(403, "PERMISSION_DENIED");

    let token = system.http().post("/auth/v1/serviceAccounts:exchangeKey", json!({"key": secret})).await.ok();
    let by_token = system.http().with_token(token["accessToken"].as_str().expect("a token"));
    by_token.get("/robots/v1/readings/one").await.ok();
    for wrong in ["mak_x", &format!("{secret}x"), &secret.replace("mak_", "mak-")] {
        system.http().with_token(wrong).get("/robots/v1/readings/one").await.refusal(401, "UNAUTHENTICATED");
    }

    admin.delete(&format!("/auth/v1/{key}")).await.ok();
    let since = Instant::now();
    for client in [&robot, &by_token] {
        while client.get("/robots/v1/readings/one").await.status == 200 {
            assert!(since.elapsed() < BOUND, "the key is gone, and still lets somebody in");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        client.get("/robots/v1/readings/one").await.refusal(401, "UNAUTHENTICATED");
    }
    let servers = [Some(&system.gateway), system.auth.as_ref(), system.data.as_ref()];
    for server in servers.into_iter().flatten() {
        assert!(!server.log().contains(&secret[20..]), "a key is in a log");
    }
}

mainstay_testkit::both_engines! {
    async fn a_program_calls_with_a_key_in_one_process(engine: Engine) {
        the_journey(&System::one(engine, Folder::with("robots/v1/reading.proto", CONTRACT)).await).await;
    }

    async fn a_program_calls_with_a_key_in_three_processes(engine: Engine) {
        the_journey(&System::three(engine, Folder::with("robots/v1/reading.proto", CONTRACT)).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_guessed_at_the_gateway_as_little_as_elsewhere() {
    let system = System::one(Engine::Sqlite, Folder::with("robots/v1/reading.proto", CONTRACT)).await;
    let guess = system.http().with_token("mak_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let mut tries = 0;
    while guess.get("/robots/v1/readings/one").await.status != 429 {
        tries += 1;
        assert!(tries <= 100, "as many as one likes");
    }
}
