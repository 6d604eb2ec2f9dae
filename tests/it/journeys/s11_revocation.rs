//! S11: a session that is revoked lets nobody in any more, and ends the streams that it opened, in every process.

use std::time::{Duration, Instant};

use http::Method;
use mainstay_proto::data::v1::contract_service_client::ContractServiceClient;
use mainstay_proto::data::v1::{Contract, WatchContractRequest};
use mainstay_testkit::Engine;
use mainstay_testkit::http::{Http, Opened};
use mainstay_testkit::server::Launch;
use serde_json::{Value, json};
use tonic::Code;
use tonic::transport::Endpoint;

use crate::support::{PASSWORD, Socket, System, notes};

const REST: &str = "/data/v1/contract:watch?$fields=revision";

/// Within this time what is revoked is noticed everywhere.
const BOUND: Duration = Duration::from_secs(5);

/// A session, and a client that shows its token.
struct Session {
    client: Http,
    refresh_token: String,
}

async fn sign_in(system: &System, email: &str) -> Session {
    let credentials =
        system.http().post("/auth/v1/sessions:signIn", json!({"email": email, "password": PASSWORD})).await.ok();
    let token = |name: &str| credentials[name].as_str().expect("a session has tokens").to_owned();
    Session { client: system.http().with_token(&token("accessToken")), refresh_token: token("refreshToken") }
}

async fn administrator(system: &System) -> Session {
    system.user_with_role("root@example.org", "mainstay.admin").await;
    sign_in(system, "root@example.org").await
}

async fn events(client: &Http) -> Opened {
    let client = client.with_header("accept", "text/event-stream");
    let mut opened = client.open(Method::GET, REST, None).await.expect("an answer begins");
    assert_eq!(opened.status, 200);
    opened.line("data:").await;
    opened
}

/// A stream in each of the other protocols.
struct Streams {
    connect: Opened,
    grpc: tonic::Streaming<Contract>,
    socket: Socket,
}

impl Streams {
    async fn of(system: &System, client: &Http) -> Streams {
        let connect = client.with_header("content-type", "application/connect+json");
        let path = "/mainstay.data.v1.ContractService/WatchContract";
        let mut connect =
            connect.open(Method::POST, path, Some((&b"\0\0\0\0\x02{}"[..]).into())).await.expect("an answer");
        connect.piece().await.expect("a contract");
        let mut grpc = watch(&system.gateway.address(), client.token()).await;
        grpc.message().await.expect("a contract");
        let mut socket = Socket::of(&system.gateway.address(), client.token()).await;
        // One that its client takes nothing of, and one that it follows.
        for (id, credit) in [(1, 0), (2, 9)] {
            let method = "mainstay.data.v1.ContractService/WatchContract";
            socket.say(json!({"id": id, "method": method, "message": {}, "credit": credit})).await;
        }
        assert!(socket.heard().await["message"].is_object());
        Streams { connect, grpc, socket }
    }

    /// All of them end in time, with this reason.
    async fn end_with(mut self, since: Instant, reason: &str, message: &str) {
        let ended = async {
            let rest = self.connect.rest().await;
            assert!(rest.contains(reason), "{rest}");
            let status = self.grpc.message().await.expect_err("the stream is ended");
            assert_eq!((status.code(), status.message()), (Code::Unauthenticated, message));
            let mut ends = Vec::new();
            for _ in 0..3 {
                let said = self.socket.heard().await;
                let error = said.get("error").unwrap_or(&said["auth"]["error"]);
                assert_eq!(error["details"][0]["reason"], reason, "{said}");
                ends.push(said["id"].as_u64());
            }
            ends.sort_unstable();
            assert_eq!(ends, [None, Some(1), Some(2)], "both calls, and the socket itself");
        };
        tokio::time::timeout(BOUND.saturating_sub(since.elapsed()), ended).await.expect("the streams end in time");
    }
}

async fn watch(address: &str, token: &str) -> tonic::Streaming<Contract> {
    let channel = Endpoint::from_shared(format!("http://{address}")).expect("an address").connect().await;
    let mut request = tonic::Request::new(WatchContractRequest::default());
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    let mut client = ContractServiceClient::new(channel.expect("it listens"));
    client.watch_contract(request).await.expect("it is open").into_inner()
}

/// The reason that a stream of events ends with, and how long that took.
async fn end_of(stream: Opened, since: Instant) -> (String, Duration) {
    let rest = tokio::time::timeout(BOUND, stream.rest()).await.expect("the stream ends in time");
    let (_, last) = rest.rsplit_once("event: error\ndata: ").unwrap_or_else(|| panic!("{rest}"));
    let error: Value = serde_json::from_str(last).unwrap_or_else(|problem| panic!("{problem}: {last}"));
    (error["error"]["details"][0]["reason"].as_str().unwrap_or_default().to_owned(), since.elapsed())
}

/// Asks until the answer is a refusal with this reason.
async fn refused(client: &Http, path: &str, reason: &str) {
    let since = Instant::now();
    loop {
        let answer = client.get(path).await;
        if answer.status != 200 {
            let refusal = answer.refusal(401, "UNAUTHENTICATED");
            assert_eq!(refusal["details"][0]["reason"], reason, "{refusal}");
            return;
        }
        assert!(since.elapsed() < BOUND, "{path} still answers");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn the_journey(system: &System) {
    let kept = administrator(system).await;
    let gone = sign_in(system, "root@example.org").await;
    let (stays, ends) = (events(&kept.client).await, events(&gone.client).await);
    let (others_stay, others_end) = (Streams::of(system, &kept.client).await, Streams::of(system, &gone.client).await);
    gone.client.get("/data/v1/contract").await.ok();

    let sessions = kept.client.get("/auth/v1/accounts/me/sessions").await.ok();
    let sessions = sessions["sessions"].as_array().expect("a list").clone();
    let is_current = |session: &&Value| session["current"] == json!(true);
    assert_eq!(sessions.iter().filter(is_current).count(), 1);
    assert!(sessions.iter().all(|session| session["network"] == "127.0.0.0/24"), "{sessions:?}");
    let since = Instant::now();
    let others = kept.client.post("/auth/v1/accounts/me/sessions:revokeAll", json!({"keepCurrent": true})).await.ok();
    assert!(others["revokedSessions"].as_i64().is_some_and(|revoked| revoked >= 1), "{others}");
    let (reason, took) = end_of(ends, since).await;
    assert_eq!(reason, "SESSION_ENDED");
    assert!(took < BOUND, "{took:?}");
    others_end.end_with(since, "SESSION_ENDED", "the session has ended; sign in again").await;
    refused(&gone.client, "/auth/v1/accounts/me", "SESSION_ENDED").await;
    refused(&gone.client, "/data/v1/contract", "SESSION_ENDED").await;
    let refresh = json!({"refreshToken": gone.refresh_token});
    system.http().post("/auth/v1/sessions:refresh", refresh).await.refusal(401, "UNAUTHENTICATED");

    // The session that was left alone goes on, with its stream, until a role is taken from it.
    kept.client.get("/data/v1/contract").await.ok();
    let since = Instant::now();
    system.gateway.command(&["admin", "revoke", "root@example.org", "mainstay.admin"]);
    assert_eq!(end_of(stays, since).await.0, "TOKEN_EXPIRED");
    others_stay.end_with(since, "TOKEN_EXPIRED", "the bearer token has expired").await;
    refused(&kept.client, "/auth/v1/accounts/me", "TOKEN_EXPIRED").await;
    let refresh = json!({"refreshToken": kept.refresh_token});
    let fresh = system.http().post("/auth/v1/sessions:refresh", refresh).await.ok();
    let fresh = system.http().with_token(fresh["accessToken"].as_str().expect("a token"));
    fresh.get("/auth/v1/accounts/me").await.ok();
    fresh.get("/data/v1/contract").await.refusal(403, "PERMISSION_DENIED");
}

/// Whoever is removed from an organisation acts there no more, and the streams that they opened there end. Nothing else does.
async fn the_journey_of_a_member(system: &System) {
    let owner = system.user("owner@example.org").await;
    let organisation = owner.post("/auth/v1/organisations", json!({"displayName": "Acme"})).await.ok();
    let organisation = organisation["name"].as_str().expect("it has a name").to_owned();
    let member = administrator(system).await;
    let account = member.client.get("/auth/v1/accounts/me").await.ok();
    let joining = json!({"account": account["name"], "roles": ["editor"]});
    let joined = member.client.post(&format!("/auth/v1/{organisation}/members"), joining).await.ok();
    let switch = json!({"organisation": organisation});
    let switched = member.client.post("/auth/v1/sessions:switchOrganisation", switch).await.ok();
    let acting = system.http().with_token(switched["accessToken"].as_str().expect("a token"));
    let (ends, stays) = (events(&acting).await, events(&member.client).await);
    let since = Instant::now();
    owner.delete(&format!("/auth/v1/{}", joined["name"].as_str().expect("a name"))).await.ok();
    let (reason, took) = end_of(ends, since).await;
    assert_eq!(reason, "TOKEN_EXPIRED");
    assert!(took < BOUND, "{took:?}");
    refused(&acting, "/data/v1/contract", "TOKEN_EXPIRED").await;
    member.client.get("/data/v1/contract").await.ok();
    drop(stays);
}

mainstay_testkit::both_engines! {
    async fn a_removed_member_s_streams_end_in_one_process(engine: Engine) {
        the_journey_of_a_member(&System::one(engine, notes::folder()).await).await;
    }

    async fn a_removed_member_s_streams_end_in_three_processes(engine: Engine) {
        the_journey_of_a_member(&System::three(engine, notes::folder()).await).await;
    }

    async fn a_revoked_session_ends_its_streams_in_one_process(engine: Engine) {
        the_journey(&System::one(engine, notes::folder()).await).await;
    }

    async fn a_revoked_session_ends_its_streams_in_three_processes(engine: Engine) {
        the_journey(&System::three(engine, notes::folder()).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_remembers_the_client_that_is_behind_the_gateway() {
    for system in
        [System::one(Engine::Sqlite, notes::folder()).await, System::three(Engine::Sqlite, notes::folder()).await]
    {
        system.sign_up("ada@example.org").await;
        let browser = system.http().with_header("user-agent", "Mozilla/5.0 (Test)");
        let browser = browser.with_header("x-mainstay-peer-agent", "forged");
        let sent = json!({"email": "ada@example.org", "password": PASSWORD});
        let session = browser.post("/auth/v1/sessions:signIn", sent).await.ok();
        let caller = system.http().with_token(session["accessToken"].as_str().expect("a token"));
        let sessions = caller.get("/auth/v1/accounts/me/sessions").await.ok();
        assert_eq!(sessions["sessions"][0]["userAgent"], "Mozilla/5.0 (Test)");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_at_the_data_service_itself_ends_too() {
    let mut system = System::three(Engine::Sqlite, notes::folder()).await;
    let admin = administrator(&system).await;
    let mut stream = watch(&system.data().address(), admin.client.token()).await;
    stream.message().await.expect("a contract");
    system.http().post("/auth/v1/sessions:signOut", json!({"refreshToken": admin.refresh_token})).await.ok();
    let ended = tokio::time::timeout(BOUND, stream.message()).await.expect("it ends in time");
    let status = ended.expect_err("the stream is ended");
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "the session has ended; sign in again"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_auth_callers_are_known_for_as_long_as_is_configured() {
    let strict = |launch: Launch| launch.environment("MAINSTAY__TOKENS__MAX_REVOCATION_AGE_SECONDS", "5");
    let mut system = System::three_with(Engine::Sqlite, notes::folder(), strict).await;
    let admin = administrator(&system).await;
    let stream = events(&admin.client).await;
    system.auth().kill().await;
    admin.client.get("/data/v1/contract").await.ok();
    let rest = tokio::time::timeout(Duration::from_secs(12), stream.rest()).await.expect("the stream ends");
    assert!(rest.contains("UNAVAILABLE"), "{rest}");
    admin.client.get("/data/v1/contract").await.refusal(503, "UNAVAILABLE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_auth_callers_are_known_until_their_tokens_expire_where_nothing_is_configured() {
    let mut system = System::three(Engine::Sqlite, notes::folder()).await;
    let admin = administrator(&system).await;
    system.auth().kill().await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    admin.client.get("/data/v1/contract").await.ok();
}
