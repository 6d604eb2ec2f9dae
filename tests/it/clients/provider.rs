//! A real provider of identities (npm `oidc-provider`): people come in by it, and whoever lies in its name does not.

use std::time::Duration;

use mainstay_testkit::both_engines;
use mainstay_testkit::http::Http;
use mainstay_testkit::server::{Launch, free_port};
use mainstay_testkit::tools::Node;
use serde_json::{Value, json};

use super::workshop::{Follower, sources};
use crate::support::{System, notes};

const PAGE: &str = "https://app.example.org/signed-in";

/// The page of the server's own that people come back to.
const BACK: &str = "/auth/sign-in/provider/back";

/// Two providers and a browser, which is told what to do.
struct Providers {
    first: u16,
    second: u16,
    /// The port of the server.
    server: u16,
    control: Http,
    _running: Follower,
}

impl Providers {
    fn start() -> Providers {
        let node = Node::with_packages_of(&sources());
        let (first, second, control, server) = (free_port(), free_port(), free_port(), free_port());
        let mut command = node.command();
        command.arg(sources().join("provider.mjs")).arg(node.package("oidc-provider"));
        command.args([first, second, control].map(|port| port.to_string()));
        command.arg(format!("http://127.0.0.1:{server}{BACK}"));
        let mut running = Follower::start(&mut command);
        assert_eq!(running.report(), json!({"ready": true}));
        let control = Http::new(&format!("http://127.0.0.1:{control}"));
        Providers { first, second, server, control, _running: running }
    }

    fn named_in(&self, launch: Launch) -> Launch {
        let first = format!("http://127.0.0.1:{}", self.first);
        let second = format!("http://127.0.0.1:{}", self.second);
        let setting =
            |launch: Launch, key: &str, value: &str| launch.environment(format!("MAINSTAY__AUTH__{key}"), value);
        let own = format!("http://127.0.0.1:{}", self.server);
        let launch = launch.port(self.server).environment("MAINSTAY__PUBLIC_URL", own);
        let launch = setting(launch, "REDIRECT_URIS", PAGE);
        let launch = setting(launch, "OUTBOUND__PRIVATE_NETWORKS", "127.0.0.0/8");
        let launch = setting(launch, "PROVIDERS__FIRST__AUDIENCES__IOS", "the app on iOS");
        [("FIRST", first), ("SECOND", second)].into_iter().fold(launch, |launch, (id, issuer)| {
            let launch = setting(launch, &format!("PROVIDERS__{id}__ISSUER"), &issuer);
            let launch = setting(launch, &format!("PROVIDERS__{id}__CLIENT_ID"), "mainstay");
            let launch = setting(launch, &format!("PROVIDERS__{id}__CLIENT_SECRET"), "a secret of the client");
            setting(launch, &format!("PROVIDERS__{id}__TRUSTED_DOMAINS"), "example.org, example.com")
        })
    }

    async fn told(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let parameters: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.control.get(&format!("{path}?{}", parameters.join("&"))).await.ok()
    }

    /// What a browser comes back with from an address.
    async fn visit(&self, address: &str, login: &str) -> Value {
        self.told("/visit", &[("address", address), ("login", login)]).await
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => all + &char::from(byte).to_string(),
        other => format!("{all}%{other:02X}"),
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

async fn start(http: &Http, provider: &str) -> Value {
    http.post(&format!("/auth/v1/providers/{provider}:startSignIn"), json!({"redirectUri": PAGE})).await.ok()
}

fn finish(started: &Value, back: &Value) -> Value {
    json!({"secret": started["secret"], "state": back["state"], "code": back["code"], "issuer": back["iss"]})
}

/// Somebody signs in, whose browser may be led astray on its way.
async fn come(
    http: &Http,
    providers: &Providers,
    login: &str,
    astray: impl Fn(&str) -> String,
) -> mainstay_testkit::http::Answer {
    let started = start(http, "first").await;
    let back = providers.visit(&astray(text(&started["authorizationUri"])), login).await;
    http.post("/auth/v1/providers:finishSignIn", finish(&started, &back)).await
}

async fn refused(http: &Http, providers: &Providers, what: &str, astray: impl Fn(&str) -> String) {
    let answer = come(http, providers, "ada", astray).await;
    let refusal = answer.refusal(401, "UNAUTHENTICATED").to_string();
    assert!(refusal.contains("PROVIDER_REFUSED"), "{what}: {refusal}");
}

/// Puts another value in the place of a parameter's.
fn with(address: &str, parameter: &str, value: &str) -> String {
    let (before, rest) = address.split_once(&format!("{parameter}=")).expect("the address has the parameter");
    let rest = rest.split_once('&').map(|(_, rest)| format!("&{rest}")).unwrap_or_default();
    format!("{before}{parameter}={value}{rest}")
}

async fn people_come_in(system: &System, providers: &Providers) {
    let http = system.http();
    let same = |address: &str| address.to_owned();
    let listed = http.get("/auth/v1/providers").await.ok();
    assert_eq!(
        listed["providers"][0],
        json!({"name": "providers/first", "displayName": "first", "idTokens": true, "onPages": true})
    );
    let session = come(&http, providers, "ada", same).await.ok();
    let account = session["account"].clone();
    assert_eq!((&account["email"], &account["emailVerified"]), (&json!("ada@example.org"), &json!(true)));
    let own = http.with_token(text(&session["accessToken"]));
    let identities = own.get("/auth/v1/accounts/me/identities").await.ok();
    assert_eq!(identities["identities"][0]["provider"], json!("providers/first"));
    let again = come(&http, providers, "ada", same).await.ok();
    assert_eq!(again["account"]["name"], account["name"], "the same account");
    let unverified = come(&http, providers, "unverified", same).await.ok();
    assert_eq!(unverified["account"].get("email"), None);
    // The second one, whose keys are of another kind, is linked by who is signed in.
    let started = own
        .post("/auth/v1/accounts/me/identities:startLink", json!({"provider": "providers/second", "redirectUri": PAGE}))
        .await
        .ok();
    let back = providers.visit(text(&started["authorizationUri"]), "ada at the second").await;
    own.post("/auth/v1/accounts/me/identities:finishLink", finish(&started, &back)).await.ok();
    let started = start(&http, "second").await;
    let back = providers.visit(text(&started["authorizationUri"]), "ada at the second").await;
    let session = http.post("/auth/v1/providers:finishSignIn", finish(&started, &back)).await.ok();
    assert_eq!(session["account"]["name"], account["name"]);
}

async fn liars_do_not(system: &System, providers: &Providers) {
    let http = system.http();
    refused(&http, providers, "another nonce", |address| with(address, "nonce", "another")).await;
    refused(&http, providers, "another challenge", |address| {
        with(address, "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    })
    .await;
    refused(&http, providers, "a code for another client", |address| with(address, "client_id", "another%20client"))
        .await;
    // The browser is sent to the second provider with what was begun at the first one.
    let (first, second) = (format!(":{}/", providers.first), format!(":{}/", providers.second));
    refused(&http, providers, "mixed up", |address| address.replace(&first, &second)).await;
    let started = start(&http, "first").await;
    let mut back = providers.visit(text(&started["authorizationUri"]), "ada").await;
    assert_eq!(back["iss"], json!(format!("http://127.0.0.1:{}", providers.first)));
    back.as_object_mut().and_then(|back| back.remove("iss"));
    let without = json!({"secret": started["secret"], "state": back["state"], "code": back["code"]});
    http.post("/auth/v1/providers:finishSignIn", without).await.refusal(401, "UNAUTHENTICATED");
}

async fn tokens_of_applications_are_taken_for_them_alone(system: &System, providers: &Providers) {
    let http = system.http();
    let nonce = "a nonce that nobody guesses";
    // Its SHA-256.
    let hash = "cec1f8f442572ed4998a54a59e766c45844a694b6301e8b7e036dacd470ceeb9";
    let exchange = async |client: &str, hash: &str| {
        let given = providers.told("/token", &[("client", client), ("nonce", hash), ("login", "ada")]).await;
        let request = json!({"idToken": given["id_token"], "nonce": nonce});
        http.post("/auth/v1/providers/first:exchangeIdToken", request).await
    };
    let session = exchange("the app on iOS", hash).await.ok();
    assert_eq!(session["account"]["email"], json!("ada@example.org"), "the user that the server's own client knows");
    exchange("another client", hash).await.refusal(401, "UNAUTHENTICATED");
    exchange("the app on iOS", nonce).await.refusal(401, "UNAUTHENTICATED");
}

/// Sends a form of the server's own pages.
async fn sent(http: &Http, path: &str, form: &str) -> mainstay_testkit::http::Answer {
    let page = http.with_header("sec-fetch-site", "same-origin");
    let page = page.with_header("content-type", "application/x-www-form-urlencoded");
    page.send_bytes(http::Method::POST, path, Some(form.to_owned().into())).await.expect("an answer")
}

fn cookie(answer: &mainstay_testkit::http::Answer, name: &str) -> Option<String> {
    let set = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let pairs = set.filter_map(|set| set.split(';').next()?.split_once('='));
    pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

async fn people_come_in_by_a_button(system: &System, providers: &Providers) {
    let http = system.http();
    let page = http.get("/auth/sign-in?return_to=/auth/account/applications").await;
    let page = page.text().replace("&#x2f;", "/");
    assert!(page.contains(r#"name="provider" value="providers/first""#), "{page}");
    assert!(page.contains("Sign in with first"), "{page}");
    let form = "provider=providers%2Ffirst&return_to=%2Fauth%2Faccount%2Fapplications";
    let onward = sent(&http, "/auth/sign-in/provider", form).await;
    assert_eq!(onward.status, 200, "{}", onward.text());
    let text = onward.text().replace("&amp;", "&");
    let (_, address) = text.split_once("<li><a href=\"").expect("a way onward");
    let address = address.split('"').next().expect("an address").to_owned();
    let kept = cookie(&onward, ON_ITS_WAY).expect("only this browser may come back");
    let back = providers.visit(&address.replace("&#x2f;", "/"), "ada").await;
    let query = ["state", "code", "iss"].map(|name| format!("{name}={}", encoded(text_of(&back, name)))).join("&");
    let address = format!("{BACK}?{query}");
    // Whoever else is led there comes nowhere: what was begun is the browser's that began.
    let other = http.get(&address).await;
    assert_eq!((other.status, cookie(&other, "__Host-mainstay-access")), (403, None), "{}", other.text());
    let browser = http.with_header("cookie", &format!("{ON_ITS_WAY}={kept}"));
    let other = browser.get(&format!("{BACK}?state=x&code=x")).await;
    assert_eq!((other.status, cookie(&other, "__Host-mainstay-access")), (403, None), "{}", other.text());
    // That was the one time. Another one goes well.
    let onward = sent(&http, "/auth/sign-in/provider", form).await;
    let text = onward.text().replace("&amp;", "&").replace("&#x2f;", "/");
    let (_, address) = text.split_once("<li><a href=\"").expect("a way onward");
    let back = providers.visit(address.split('"').next().expect("an address"), "ada").await;
    let query = ["state", "code", "iss"].map(|name| format!("{name}={}", encoded(text_of(&back, name)))).join("&");
    let kept = cookie(&onward, ON_ITS_WAY).expect("only this browser may come back");
    let browser = http.with_header("cookie", &format!("{ON_ITS_WAY}={kept}"));
    let done = browser.get(&format!("{BACK}?{query}")).await;
    assert_eq!(
        (done.status, &done.headers["location"]),
        (303, &"/auth/account/applications".parse().expect("a header"))
    );
    assert!(cookie(&done, "__Host-mainstay-access").is_some_and(|token| !token.is_empty()));
    assert_eq!(cookie(&done, ON_ITS_WAY).as_deref(), Some(""), "it has arrived");
    // Who does not want to is where they were.
    let unwilling = browser.get(&format!("{BACK}?error=access_denied&state=x")).await;
    assert_eq!(unwilling.status, 303);
    let nobody = sent(&http, "/auth/sign-in/provider", "provider=providers%2Fnobody").await;
    assert_eq!(nobody.status, 404, "{}", nobody.text());
}

const ON_ITS_WAY: &str = "__Host-mainstay-provider";

fn text_of<'v>(value: &'v Value, name: &str) -> &'v str {
    text(&value[name])
}

/// A key that is not known is looked for every ten seconds at most.
async fn after_a_while(http: &Http, providers: &Providers) -> Value {
    for _ in 0..30 {
        let answer = come(http, providers, "ada", |address| address.to_owned()).await;
        if answer.status == 200 {
            return answer.ok();
        }
        answer.refusal(401, "UNAUTHENTICATED");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("the new key is not known after half a minute");
}

both_engines! {
    async fn oidc_provider_lets_people_in_and_nobody_who_lies(engine: Engine) {
        let providers = Providers::start();
        let system = System::one_with(engine, notes::folder(), |launch| providers.named_in(launch)).await;
        people_come_in(&system, &providers).await;
        liars_do_not(&system, &providers).await;
        tokens_of_applications_are_taken_for_them_alone(&system, &providers).await;
        people_come_in_by_a_button(&system, &providers).await;
        providers.told("/rotate", &[]).await;
        assert_eq!(after_a_while(&system.http(), &providers).await["account"]["email"], json!("ada@example.org"));
    }
}
