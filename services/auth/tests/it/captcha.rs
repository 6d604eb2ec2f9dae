//! A23: whoever signs up or has a mail sent solves a CAPTCHA first, where one is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use mainstay_auth::captcha::CaptchaConfig;
use mainstay_auth::hooks::OnFailure;
use mainstay_auth::{AnonymousSignIn, Config, StartError};
use mainstay_db::Engine as Place;
use mainstay_fault::{Fault, Reason};
use mainstay_outbound::{Networks, OutboundConfig};
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use mainstay_testkit::database::fresh;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::{Caller, Harness, KEY, PASSWORD, TestClock, answer, config, limited, reason, start_on};

const SECRET: &str = "the secret of the site: & of nobody else";
const ADA: &str = "ada@example.org";

/// What a provider of CAPTCHAs does.
#[derive(Default)]
struct Script {
    /// The tokens that were solved, each good once, and the hosts that they were solved on.
    solved: BTreeMap<String, String>,
    used: BTreeSet<String>,
    is_silent: bool,
    /// What is answered in the place of what is right.
    answer: Option<(u16, &'static str, String)>,
    asked: Vec<BTreeMap<String, String>>,
}

struct Provider {
    url: String,
    script: Arc<Mutex<Script>>,
    serving: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Shared = Arc<Mutex<Script>>;

async fn siteverify(State(script): State<Shared>, body: String) -> Response {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    if script.lock().unwrap().is_silent {
        std::future::pending::<()>().await;
    }
    let mut script = script.lock().unwrap();
    script.asked.push(form.clone());
    if let Some((status, kind, body)) = script.answer.clone() {
        return (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, kind)], body).into_response();
    }
    let token = form["response"].clone();
    let verdict = match script.solved.get(&token).cloned() {
        _ if form["secret"] != SECRET => failed("invalid-input-secret"),
        None => failed("invalid-input-response"),
        Some(_) if script.used.contains(&token) => failed("timeout-or-duplicate"),
        Some(hostname) => json!({"success": true, "hostname": hostname, "error-codes": [], "action": "sign-up"}),
    };
    script.used.insert(token);
    axum::Json(verdict).into_response()
}

fn failed(code: &str) -> Value {
    json!({"success": false, "error-codes": [code]})
}

impl Provider {
    async fn start() -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/siteverify", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let app = Router::new().route("/siteverify", axum::routing::post(siteverify)).with_state(Arc::clone(&script));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Provider { url, script, serving }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// Somebody solves one on a page of this host.
    fn solved(&self, token: &str, host: &str) -> String {
        self.script().solved.insert(token.to_owned(), host.to_owned());
        token.to_owned()
    }

    fn config(&self, change: impl FnOnce(&mut CaptchaConfig)) -> Config {
        let mut captcha = CaptchaConfig {
            verify_url: Some(self.url.clone()),
            secret: Some(SecretString::from(SECRET)),
            ..CaptchaConfig::default()
        };
        change(&mut captcha);
        let private_networks = Networks::new(["127.0.0.0/8"]).unwrap();
        let outbound = OutboundConfig { private_networks, timeout_seconds: 1, ca_file: None };
        Config { captcha: Some(captcha), outbound, anonymous_sign_in: AnonymousSignIn::Open, ..config() }
    }
}

async fn sign_up(caller: &Caller, email: &str, captcha_token: &str) -> Result<pb::Account, Fault> {
    let (email, password, captcha_token) = (email.to_owned(), PASSWORD.to_owned(), captcha_token.to_owned());
    let message = pb::SignUpRequest { email, password, captcha_token, ..Default::default() };
    answer(caller.accounts().sign_up(caller.request(message)).await)
}

async fn accounts(harness: &Harness) -> usize {
    harness.caller.as_operator().list(0, "").await.unwrap().accounts.len()
}

both_engines! {
    async fn nobody_signs_up_without_one_that_is_solved_here_and_now(engine: Engine) {
        let provider = Provider::start().await;
        let harness = Harness::with_config(engine, &provider.config(|_| {})).await;
        assert_eq!(reason(sign_up(&harness.caller, ADA, "").await), Reason::CaptchaRequired);
        assert_eq!(provider.script().asked.len(), 0, "nobody is asked about nothing");
        assert_eq!(reason(sign_up(&harness.caller, ADA, "never-solved").await), Reason::CaptchaFailed);
        assert_eq!(reason(sign_up(&harness.caller, ADA, &"x".repeat(8_193)).await), Reason::CaptchaFailed);
        let elsewhere = provider.solved("elsewhere", "evil.example.org");
        assert_eq!(reason(sign_up(&harness.caller, ADA, &elsewhere).await), Reason::CaptchaFailed);
        assert_eq!((accounts(&harness).await, harness.mails().await.len()), (0, 0), "nothing was stored");
        // What is wrong with the fields is told first, and costs no token.
        let token = provider.solved("right", "app.example.org");
        assert_eq!(reason(sign_up(&harness.caller, "no address", &token).await), Reason::FieldViolation);
        sign_up(&harness.caller, ADA, &token).await.unwrap();
        assert_eq!(reason(sign_up(&harness.caller, "eve@example.org", &token).await), Reason::CaptchaFailed, "once");
        assert_eq!(accounts(&harness).await, 1);
        let taken = provider.solved("another", "APP.example.org");
        assert_eq!(reason(sign_up(&harness.caller, ADA, &taken).await), Reason::EmailTaken);
        let asked = provider.script().asked.clone();
        assert!(asked.iter().all(|form| form["secret"] == SECRET && !form.contains_key("remoteip")), "{asked:?}");
    }

    async fn every_way_to_have_a_row_made_or_a_mail_sent_wants_one(engine: Engine) {
        let provider = Provider::start().await;
        let harness = Harness::with_config(engine, &provider.config(|_| {})).await;
        sign_up(&harness.caller, ADA, &provider.solved("1", "app.example.org")).await.unwrap();
        let mails = harness.mails().await.len();
        for (wrong, expected) in [("", Reason::CaptchaRequired), ("never-solved", Reason::CaptchaFailed)] {
            assert_eq!(reason(ask(&harness.caller, "anonymous", wrong).await), expected);
            for email in [ADA, "nobody@example.org"] {
                assert_eq!(reason(ask(&harness.caller, &format!("reset {email}"), wrong).await), expected);
                assert_eq!(reason(ask(&harness.caller, &format!("sign in {email}"), wrong).await), expected);
            }
        }
        assert_eq!((accounts(&harness).await, harness.mails().await.len()), (1, mails));
        for (number, what) in ["anonymous", "reset ada@example.org", "sign in ada@example.org"].into_iter().enumerate() {
            let token = provider.solved(&format!("right-{number}"), "app.example.org");
            ask(&harness.caller, what, &token).await.unwrap();
        }
        assert_eq!((accounts(&harness).await, harness.mails().await.len()), (2, mails + 2));
        // Whoever signs in solves none, nor whoever follows a link.
        let session = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        harness.caller.refresh(&session.refresh_token).await.unwrap();
    }

    async fn programs_and_administrators_solve_none(engine: Engine) {
        let provider = Provider::start().await;
        let harness = Harness::with_config(engine, &provider.config(|_| {})).await;
        sign_up(&harness.caller.as_operator(), "by-operator@example.org", "").await.unwrap();
        sign_up(&harness.caller.as_service("gateway"), "by-service@example.org", "").await.unwrap();
        harness.caller.as_operator().create_account("admin@example.org", PASSWORD, &["mainstay.admin"]).await.unwrap();
        let session = harness.caller.sign_in("admin@example.org", PASSWORD).await.unwrap();
        sign_up(&harness.caller.as_user(&session), "by-admin@example.org", "").await.unwrap();
        let session = harness.caller.sign_in("by-admin@example.org", PASSWORD).await.unwrap();
        let user = harness.caller.as_user(&session);
        assert_eq!(reason(sign_up(&user, "by-user@example.org", "").await), Reason::CaptchaRequired);
        let robot = harness.caller.as_operator().create_service_account("", &[]).await.unwrap();
        let key = harness.caller.as_operator().create_key(&robot.name, &[]).await.unwrap();
        let token = harness.caller.exchange_key(&key.secret).await.unwrap().access_token;
        sign_up(&harness.caller.with_bearer(&token), "by-robot@example.org", "").await.unwrap();
        // Everybody may found an organisation and have programs in it.
        let organisation = user.create_organisation("Acme").await.unwrap().name;
        let robot = user.create_service_account(&organisation, &[]).await.unwrap();
        let key = user.create_key(&robot.name, &[]).await.unwrap();
        let token = harness.caller.exchange_key(&key.secret).await.unwrap().access_token;
        let own = sign_up(&harness.caller.with_bearer(&token), "by-own-robot@example.org", "").await;
        assert_eq!(reason(own), Reason::CaptchaRequired);
        assert_eq!(provider.script().asked.len(), 0);
    }

    async fn a_provider_that_does_not_answer_lets_nobody_in_unless_that_is_wanted(engine: Engine) {
        let provider = Provider::start().await;
        let closed = Harness::with_config(engine, &provider.config(|_| {})).await;
        let open = Harness::with_config(engine, &provider.config(|captcha| captcha.on_failure = OnFailure::Open)).await;
        let answers = [
            (500, "application/json", json!({"success": true, "hostname": "app.example.org"}).to_string()),
            (200, "text/html", "<html>down</html>".to_owned()),
            (200, "application/json", "{}".to_owned()),
            (200, "application/json", " ".repeat(20_000)),
            (302, "application/json", json!({"success": true, "hostname": "app.example.org"}).to_string()),
            (200, "application/json", failed("invalid-input-secret").to_string()),
        ];
        for (number, answer) in answers.into_iter().enumerate() {
            provider.script().answer = Some(answer.clone());
            let email = format!("user-{number}@example.org");
            assert_eq!(reason(sign_up(&closed.caller, &email, "x").await), Reason::CaptchaUnavailable, "{answer:?}");
            sign_up(&open.caller, &email, "x").await.unwrap();
        }
        provider.script().answer = None;
        provider.script().is_silent = true;
        assert_eq!(reason(sign_up(&closed.caller, ADA, "x").await), Reason::CaptchaUnavailable);
        sign_up(&open.caller, ADA, "x").await.unwrap();
        provider.script().is_silent = false;
        assert_eq!(reason(sign_up(&open.caller, "eve@example.org", "x").await), Reason::CaptchaFailed, "what is wrong stays so");
        assert_eq!(reason(sign_up(&open.caller, "eve@example.org", "").await), Reason::CaptchaRequired);
        assert_eq!(accounts(&closed).await, 0);
    }

    async fn a_token_that_the_provider_refuses_to_read_is_wrong_also_where_it_may_be_missing(engine: Engine) {
        let provider = Provider::start().await;
        let open = Harness::with_config(engine, &provider.config(|captcha| captcha.on_failure = OnFailure::Open)).await;
        for unreadable in ["\u{43a}\u{43b}\u{44e}\u{447}", "two words", "a\u{0}b"] {
            assert_eq!(reason(sign_up(&open.caller, ADA, unreadable).await), Reason::CaptchaFailed, "{unreadable:?}");
        }
        assert_eq!(provider.script().asked.len(), 0);
        for status in [400, 413, 414, 422] {
            provider.script().answer = Some((status, "text/html", "<html>bad request</html>".to_owned()));
            assert_eq!(reason(sign_up(&open.caller, ADA, "x").await), Reason::CaptchaFailed, "{status}");
        }
        // These may be of an address that is wrong, or of what lies before it.
        for status in [401, 403, 404, 429] {
            provider.script().answer = Some((status, "text/html", "<html>not now</html>".to_owned()));
            sign_up(&open.caller, &format!("user-{status}@example.org"), "x").await.unwrap();
        }
    }

    async fn hosts_and_the_caller_s_address_are_as_they_are_configured(engine: Engine) {
        let provider = Provider::start().await;
        let change = |captcha: &mut CaptchaConfig| {
            captcha.hosts = vec!["shop.example.org".to_owned(), "localhost".to_owned()];
            captcha.send_address = true;
        };
        let harness = Harness::with_config(engine, &provider.config(change)).await;
        let caller = harness.caller.from("203.0.113.7");
        sign_up(&caller, ADA, &provider.solved("1", "localhost")).await.unwrap();
        let own = provider.solved("2", "app.example.org");
        assert_eq!(reason(sign_up(&caller, "eve@example.org", &own).await), Reason::CaptchaFailed);
        assert_eq!(provider.script().asked[0]["remoteip"], "203.0.113.7");
        provider.script().answer = Some((200, "application/json", json!({"success": true}).to_string()));
        assert_eq!(reason(sign_up(&caller, "eve@example.org", "x").await), Reason::CaptchaFailed, "it has to say where");
    }

    async fn wrong_ones_are_limited_and_right_ones_spend_nothing_of_that(engine: Engine) {
        let provider = Provider::start().await;
        let config = Config { limits: limited().limits, ..provider.config(|_| {}) };
        let harness = Harness::with_config(engine, &config).await;
        let caller = harness.caller.from("198.51.100.66");
        for number in 0..90 {
            assert_eq!(reason(sign_up(&caller, ADA, "").await), Reason::CaptchaRequired);
            let token = provider.solved(&number.to_string(), "app.example.org");
            sign_up(&caller, &format!("user-{number}@example.org"), &token).await.unwrap();
        }
        let mut tries = 0;
        while reason(sign_up(&caller, ADA, "wrong").await) == Reason::CaptchaFailed {
            tries += 1;
            assert!(tries <= 100);
        }
        assert_eq!(reason(sign_up(&caller, ADA, "wrong").await), Reason::RateLimited);
        assert_eq!(reason(sign_up(&harness.caller.from("203.0.113.7"), ADA, "wrong").await), Reason::CaptchaFailed);
    }
}

/// Asks for something that a CAPTCHA is wanted for.
async fn ask(caller: &Caller, what: &str, captcha_token: &str) -> Result<(), Fault> {
    let captcha_token = captcha_token.to_owned();
    match what.rsplit_once(' ') {
        Some(("reset", email)) => {
            let message = pb::RequestPasswordResetRequest { email: email.to_owned(), captcha_token };
            answer(caller.accounts().request_password_reset(caller.request(message)).await)
        }
        Some((_, email)) => {
            let message = pb::RequestSignInRequest { email: email.to_owned(), captcha_token };
            answer(caller.sessions().request_sign_in(caller.request(message)).await).map(drop)
        }
        None => {
            let message = pb::SignInAnonymouslyRequest { captcha_token, ..Default::default() };
            answer(caller.sessions().sign_in_anonymously(caller.request(message)).await).map(drop)
        }
    }
}

/// What is said of an address that tokens shall be checked at, where these networks may be called.
fn told_of(url: &str, networks: &[&str]) -> Vec<String> {
    let secret = Some(SecretString::from(SECRET));
    let captcha = Some(CaptchaConfig { secret, verify_url: Some(url.to_owned()), ..CaptchaConfig::default() });
    let private_networks = Networks::new(networks.iter().copied()).unwrap();
    let outbound = OutboundConfig { private_networks, ..OutboundConfig::default() };
    let problems = Config { captcha, outbound, ..config() }.all_problems().into_iter();
    problems.filter(|(path, _)| path == "captcha.verify_url").map(|(_, remedy)| remedy).collect()
}

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_told_and_the_secret_is_not() {
    let captcha = CaptchaConfig {
        verify_url: Some("siteverify".to_owned()),
        hosts: vec!["https://shop.example.org".to_owned()],
        ..CaptchaConfig::default()
    };
    let config = Config { captcha: Some(captcha), ..config() };
    let database = fresh(Place::Sqlite).await;
    let Err(error) = start_on(&database, &TestClock::new(), &config, &KEY).await else { panic!("it started") };
    assert!(matches!(error, StartError::Config(_)));
    for path in ["auth.captcha.secret must", "auth.captcha.verify_url has", "auth.captcha.hosts has"] {
        assert!(error.to_string().contains(path), "{path}: {error}");
    }
    for (url, why) in [
        ("http://captcha.example.org/siteverify", "is not on this machine"),
        ("http://10.0.0.7/siteverify", "is not of the public internet"),
        ("https://10.0.0.7/siteverify", "is not of the public internet"),
        ("https://169.254.169.254/siteverify", "is not of the public internet"),
        ("https:///siteverify", "write a whole https address"),
        ("ftp://captcha.example.org/siteverify", "write a whole https address"),
    ] {
        let problems = told_of(url, &[]);
        assert!(problems.len() == 1 && problems[0].contains(why), "{url}: {problems:?}");
    }
    for (url, networks) in [
        ("https://captcha.example.org/siteverify", &[][..]),
        ("https://10.0.0.7/siteverify", &["10.0.0.0/8"]),
        ("http://127.0.0.1:9000/siteverify", &["127.0.0.0/8"]),
        ("http://localhost:9000/siteverify", &["127.0.0.0/8"]),
    ] {
        assert_eq!(told_of(url, networks), Vec::<String>::new(), "{url}");
    }
    let captcha = CaptchaConfig { secret: Some(SecretString::from(SECRET)), ..CaptchaConfig::default() };
    let shown = format!("{captcha:?} {}", serde_json::to_string(&captcha).unwrap());
    assert!(!shown.contains(SECRET), "{shown}");
}
