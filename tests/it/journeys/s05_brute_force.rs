//! S5: tries are counted by where they come from, in one process and in three, over every protocol.

use mainstay_testkit::Engine;
use mainstay_testkit::http::Http;
use mainstay_testkit::server::Launch;
use mainstay_testkit::tools::Grpcurl;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Socket, System, notes};

const SIGN_IN: &str = "/auth/v1/sessions:signIn";
const ATTACKER: &str = "198.51.100.66";
const OWNER: &str = "203.0.113.7";

fn credentials(password: &str) -> Value {
    json!({"email": "ada@example.org", "password": password})
}

/// Uses up what one caller may try.
async fn try_in_vain(attacker: &Http) {
    for _ in 0..10 {
        attacker.post(SIGN_IN, credentials("not the password")).await.refusal(401, "UNAUTHENTICATED");
    }
}

/// The proxy in front of the system says where clients are.
async fn tries_are_counted_by_address(system: &System) {
    system.sign_up("ada@example.org").await;
    let at = |address: &str| system.http().with_header("x-forwarded-for", address);
    try_in_vain(&at(ATTACKER)).await;
    let refused = at(ATTACKER).post(SIGN_IN, credentials(PASSWORD)).await;
    let text = refused.text();
    refused.refusal(429, "RESOURCE_EXHAUSTED");
    // Ten seconds from the last try, of which some may have passed.
    let after = refused.headers["retry-after"].to_str().ok().and_then(|seconds| seconds.parse().ok());
    assert!(after.is_some_and(|seconds: u32| (1..=10).contains(&seconds)), "{text}");
    assert!(
        text.contains("RATE_LIMITED") && text.contains(r#""limit":"account""#) && text.contains("RetryInfo"),
        "{text}"
    );
    let spoofing = at(&format!("{OWNER}, {ATTACKER}")).with_header("x-mainstay-peer", OWNER);
    spoofing.post(SIGN_IN, credentials(PASSWORD)).await.refusal(429, "RESOURCE_EXHAUSTED");

    let grpc = |address: &str| system.grpc().with_header(&format!("x-forwarded-for: {address}"));
    let sign_in = "mainstay.auth.v1.SessionService/SignIn";
    let refused = grpc(ATTACKER).call(sign_in, &credentials(PASSWORD)).map(drop);
    assert_eq!(refused.map_err(|refusal| refusal.code), Err("ResourceExhausted".to_owned()));
    assert!(grpc(OWNER).call(sign_in, &credentials(PASSWORD)).is_ok());
    // Many calls of one socket come from where the socket comes from.
    for (address, reason) in [(ATTACKER, json!("RATE_LIMITED")), (OWNER, Value::Null)] {
        let mut socket = Socket::open(&system.gateway.address(), &[("x-forwarded-for", address)]).await;
        socket.say(json!({"id": 1, "method": sign_in, "message": credentials(PASSWORD)})).await;
        let said = socket.heard().await;
        assert_eq!((&said["end"], &said["error"]["details"][0]["reason"]), (&json!(true), &reason), "{said}");
    }
    at(OWNER).post(SIGN_IN, credentials(PASSWORD)).await.ok();
}

/// A hundred connections of one address hash as many passwords as they may; somebody else signs in meanwhile.
async fn a_crowd_keeps_nobody_waiting(system: &System) {
    let at = |address: &str| system.http().with_header("x-forwarded-for", address);
    let crowd: Vec<_> = (0..100)
        .map(|number| {
            let attacker = at("198.51.100.99");
            let guess = json!({"email": format!("user-{number}@example.org"), "password": "guess"});
            tokio::spawn(async move { attacker.post(SIGN_IN, guess).await.status })
        })
        .collect();
    at("203.0.113.8").post(SIGN_IN, credentials(PASSWORD)).await.ok();
    let mut refused = 0;
    for attempt in crowd {
        refused += i32::from(attempt.await.expect("a call ends") == 429);
    }
    assert!(refused >= 10, "{refused} of a hundred were too many");
}

#[tokio::test]
async fn an_attacker_behind_a_proxy_keeps_nobody_out_of_one_process() {
    let trusting = |launch: Launch| launch.environment("MAINSTAY__TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1");
    let system = System::one_with(Engine::Sqlite, notes::folder(), trusting).await;
    tries_are_counted_by_address(&system).await;
    a_crowd_keeps_nobody_waiting(&system).await;
}

#[tokio::test]
async fn an_attacker_behind_a_proxy_keeps_nobody_out_of_three_processes() {
    let folder = notes::folder();
    let base = Launch::new(folder.path());
    let base = base.environment("MAINSTAY__TRUSTED_PROXIES", "127.0.0.1");
    tries_are_counted_by_address(&System::three_from(base, folder).await).await;
}

#[tokio::test]
async fn nobody_chooses_the_address_that_they_are_counted_by() {
    let mut system = System::three(Engine::Sqlite, notes::folder()).await;
    let auth = Grpcurl::new(&system.auth().address());
    let mut refused = [0, 0];
    for number in 0..20 {
        let address = format!("203.0.113.{number}");
        let headers = ["x-forwarded-for", "x-real-ip", "x-mainstay-peer", "X_Mainstay_Peer", "forwarded"];
        let voucher = ("x-mainstay-peer-voucher", "mainstay-service.gateway.x");
        let http = headers.iter().fold(system.http(), |http, name| http.with_header(name, &address));
        let http = http.with_header(voucher.0, voucher.1).post(SIGN_IN, credentials("guess")).await;
        refused[0] += i32::from(http.status == 429);
        let grpc = headers.iter().fold(auth.clone(), |grpc, name| grpc.with_header(&format!("{name}: {address}")));
        let grpc = grpc.with_header(&format!("{}: {}", voucher.0, voucher.1));
        let guess = json!({"email": "eve@example.org", "password": "guess"});
        let answer = grpc.call("mainstay.auth.v1.SessionService/SignIn", &guess);
        refused[1] += i32::from(answer.is_err_and(|refusal| refusal.code == "ResourceExhausted"));
    }
    assert!(
        refused.iter().all(|refused| (9..=10).contains(refused)),
        "ten guesses, and one after ten seconds: {refused:?}"
    );
}
