//! A stream ends with the token that let its caller in, and each protocol says so in its own way.

use std::time::Duration;

use http::Method;
use mainstay_testkit::Engine;
use mainstay_testkit::http::{Http, Opened};
use mainstay_testkit::server::Launch;
use mainstay_testkit::tools::Grpcurl;
use serde_json::{Value, json};

use crate::support::{Socket, System, notes};

const REST: &str = "/data/v1/contract:watch?$fields=revision";
const RPC: &str = "/mainstay.data.v1.ContractService/WatchContract";

/// For how long a token lets its bearer in, seconds: long enough to open every stream.
const TOKEN_SECONDS: u64 = 6;

mainstay_testkit::both_engines! {
    async fn a_stream_ends_with_its_callers_token_in_each_protocol(engine: Engine) {
        let system = System::one_with(engine, notes::folder(), briefly).await;
        let (admin, token) = administrator(&system).await;
        tokio::join!(ended_over_http(&admin), ended_over_a_socket(&system, &token));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_over_grpc_at_the_gateway_and_at_the_service_itself() {
    let mut system = System::three_with(Engine::Sqlite, notes::folder(), briefly).await;
    let (_, token) = administrator(&system).await;
    let addresses = [system.gateway.address(), system.data().address()];
    let calls = addresses.map(|address| {
        let grpc = Grpcurl::new(&address).with_token(&token);
        tokio::task::spawn_blocking(move || grpc.call(&RPC[1..], &json!({})))
    });
    for call in calls {
        let refusal = within(call).await.expect("grpcurl runs").expect_err("the stream is ended");
        assert_eq!(
            (refusal.code.as_str(), refusal.message.as_str()),
            ("Unauthenticated", "the bearer token has expired")
        );
    }
}

fn briefly(launch: Launch) -> Launch {
    launch.environment("MAINSTAY__AUTH__ACCESS_TOKEN_SECONDS", TOKEN_SECONDS.to_string())
}

/// An administrator, and the token.
async fn administrator(system: &System) -> (Http, String) {
    let admin = system.user_with_role("root@example.org", "mainstay.admin").await;
    let session = json!({"email": "root@example.org", "password": crate::support::PASSWORD});
    let session = system.http().post("/auth/v1/sessions:signIn", session).await.ok();
    (admin, session["accessToken"].as_str().expect("a session has an access token").to_owned())
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    let time = Duration::from_secs(TOKEN_SECONDS + 20);
    tokio::time::timeout(time, work).await.expect("the stream ends with the token")
}

async fn opened(http: Http, method: Method, path: &str, body: Option<&'static [u8]>) -> Opened {
    let opened = http.open(method, path, body.map(Into::into)).await.expect("an answer begins");
    assert_eq!(opened.status, 200);
    opened
}

async fn ended_over_http(admin: &Http) {
    let rest = |accept| opened(admin.with_header("accept", accept), Method::GET, REST, None);
    let call = |kind, body| opened(admin.with_header("content-type", kind), Method::POST, RPC, Some(body));
    let events = rest("text/event-stream").await;
    let lines = rest("application/x-ndjson").await;
    let array = rest("application/json").await;
    let connect = call("application/connect+json", b"\0\0\0\0\x02{}").await;
    let web = call("application/grpc-web+proto", b"\0\0\0\0\0").await;

    let events = within(events.rest()).await;
    let (_, last) = events.rsplit_once("event: error\ndata: ").unwrap_or_else(|| panic!("{events}"));
    assert_expired(last);
    let lines = within(lines.rest()).await;
    assert_expired(lines.lines().last().expect("a line"));
    let array: Vec<Value> = serde_json::from_str(&within(array.rest()).await).expect("the array is whole");
    assert_expired(&array.last().expect("an element").to_string());
    let connect = within(connect.rest()).await;
    let end = connect.rsplit_once("{\"error\":").map(|(_, end)| format!("{{\"error\":{end}"));
    let end: Value = serde_json::from_str(&end.unwrap_or_else(|| panic!("{connect}"))).expect("the end is JSON");
    assert_eq!(
        (&end["error"]["code"], &end["error"]["details"][0]["debug"]["reason"]),
        (&json!("unauthenticated"), &json!("TOKEN_EXPIRED")),
        "{end}"
    );
    let web = within(web.rest()).await;
    assert!(web.contains("grpc-status: 16\r\n"), "{web:?}");
}

/// The socket itself stays, for a token that is good.
async fn ended_over_a_socket(system: &System, token: &str) {
    let mut socket = Socket::of(&system.gateway.address(), token).await;
    socket.say(json!({"id": 1, "method": &RPC[1..], "message": {}})).await;
    assert!(socket.heard().await["message"].is_object());
    let (one, other) = within(async { (socket.heard().await, socket.heard().await) }).await;
    let (call, auth) = if one["id"] == 1 { (one, other) } else { (other, one) };
    assert_expired(&json!({"error": call["error"]}).to_string());
    assert_expired(&auth["auth"].to_string());
    let session = json!({"email": "root@example.org", "password": crate::support::PASSWORD});
    let session = system.http().post("/auth/v1/sessions:signIn", session).await.ok();
    socket.say(json!({"auth": {"token": session["accessToken"]}})).await;
    assert!(socket.heard().await["auth"]["expiresIn"].is_string());
    socket.say(json!({"id": 2, "method": "mainstay.auth.v1.AccountService/GetAccount", "message": {"name": "accounts/me"}})).await;
    assert_eq!(socket.heard().await["message"]["email"], "root@example.org");
}

fn assert_expired(error: &str) {
    let error: Value = serde_json::from_str(error).unwrap_or_else(|problem| panic!("{problem}: {error}"));
    let told = (&error["error"]["code"], &error["error"]["details"][0]["reason"]);
    assert_eq!(told, (&json!(401), &json!("TOKEN_EXPIRED")), "{error}");
}
