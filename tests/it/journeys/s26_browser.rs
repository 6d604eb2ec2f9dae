//! A31, S26: a browser that keeps its session in cookies, and the pages that may not use it.

use http::HeaderMap;
use http::header::SET_COOKIE;
use mainstay_testkit::Engine;
use mainstay_testkit::http::{Answer, Http};
use serde_json::json;

use crate::support::{PASSWORD, System, notes};

const REFRESH: &str = "/auth/v1/sessions:refresh";
const ME: &str = "/auth/v1/accounts/me";
const COOKIES: [&str; 2] = ["__Host-mainstay-access", "__Host-mainstay-refresh"];

/// The cookies of an answer, as a browser sends them back. What is set is not for scripts, nor for other sites.
fn cookies(headers: &HeaderMap) -> String {
    let mut sent = Vec::new();
    for line in headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().expect("a cookie is a text")) {
        let (pair, attributes) = line.split_once("; ").expect("a cookie has attributes");
        assert!(attributes.starts_with("Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age="), "{attributes}");
        sent.push(pair);
    }
    sent.join("; ")
}

fn value(cookies: &str, name: &str) -> String {
    let found = cookies.split("; ").filter_map(|pair| pair.split_once('=')).find(|(of, _)| *of == name);
    found.map(|(_, value)| value.to_owned()).unwrap_or_else(|| panic!("no {name} in {cookies}"))
}

/// What a page of the server itself sends.
fn page(system: &System, cookies: &str) -> Http {
    let page = system.http().with_header("sec-fetch-site", "same-origin");
    if cookies.is_empty() { page } else { page.with_header("cookie", cookies) }
}

async fn signed_in(system: &System, email: &str) -> Answer {
    let asked = page(system, "").with_header("session-mode", "cookie");
    let answer = asked.post("/auth/v1/sessions:signIn", json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

/// Nothing in an answer is a token.
fn assert_no_token(answer: &Answer) {
    let text = answer.text();
    for word in ["accessToken", "refreshToken", "eyJ"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

async fn the_journey(system: &System) {
    system.sign_up("ann@example.org").await;
    let answer = signed_in(system, "ann@example.org").await;
    assert_no_token(&answer);
    assert_eq!(answer.json()["account"]["email"], "ann@example.org");
    let first = cookies(&answer.headers);
    let browser = page(system, &first);
    assert_eq!(browser.get(ME).await.ok()["email"], "ann@example.org");

    // Ten tabs refresh at once: all get the same next token, and none is signed out.
    let tabs = futures_util::future::join_all((0..10).map(|_| browser.post(REFRESH, json!({})))).await;
    let mut next: Vec<String> = Vec::new();
    for tab in &tabs {
        assert_eq!(tab.status, 200, "{}", tab.text());
        assert_no_token(tab);
        next.push(value(&cookies(&tab.headers), COOKIES[1]));
    }
    next.dedup();
    assert_eq!(next.len(), 1);
    let second = cookies(&tabs[9].headers);
    page(system, &second).get(ME).await.ok();

    // A method that gives a new access token keeps it as well, and leaves the refresh token alone.
    let stepped = page(system, &second).post("/auth/v1/sessions:stepUp", json!({"password": PASSWORD})).await;
    assert_eq!(stepped.status, 200, "{}", stepped.text());
    assert_no_token(&stepped);
    assert!(!cookies(&stepped.headers).contains(COOKIES[1]));

    // An older token was copied: it ends the session, and takes no cookie from anybody.
    page(system, &second).post(REFRESH, json!({})).await.ok();
    let stolen = page(system, &first).post(REFRESH, json!({})).await;
    stolen.refusal(401, "UNAUTHENTICATED");
    assert!(stolen.headers.get(SET_COOKIE).is_none());

    let answer = signed_in(system, "ann@example.org").await;
    let third = cookies(&answer.headers);
    let out = page(system, &third).post("/auth/v1/sessions:signOut", json!({})).await;
    assert_eq!(out.status, 200);
    let gone =
        out.headers.get_all(SET_COOKIE).iter().filter(|line| line.to_str().is_ok_and(|l| l.ends_with("Max-Age=0")));
    assert_eq!(gone.count(), 6);
    page(system, &third).post(REFRESH, json!({})).await.refusal(401, "UNAUTHENTICATED");
    assert!(
        cookies(&signed_in(system, "ann@example.org").await.headers).contains(COOKIES[1]),
        "with dead cookies, too"
    );
}

async fn s26_no_other_page_uses_the_session(system: &System) {
    let answer = signed_in(system, "ann@example.org").await;
    let kept = cookies(&answer.headers);
    let notes = "/notes/v1/notes";
    let by = |headers: &[(&str, &str)]| {
        let client = system.http().with_header("cookie", &kept);
        headers.iter().fold(client, |client, (name, value)| client.with_header(name, value))
    };
    let foreign: [&[(&str, &str)]; 5] = [
        &[("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://evil.example")],
        &[("origin", "null")],
        &[],
    ];
    for headers in foreign {
        for (path, body) in [
            (notes, json!({"title": "forged"})),
            ("/auth/v1/sessions:signOut", json!({})),
            (REFRESH, json!({})),
            ("/auth/v1/accounts/me/sessions:revokeAll", json!({})),
            ("/mainstay.auth.v1.SessionService/Refresh", json!({})),
        ] {
            let answer = by(headers).with_header("content-type", "application/json").post(path, body).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}: {}", answer.text());
            assert!(answer.headers.get(SET_COOKIE).is_none());
        }
        // What a form can send is no JSON.
        let form = by(headers).with_header("content-type", "text/plain").post(notes, json!({"title": "forged"})).await;
        assert!([403, 415].contains(&form.status), "{}", form.text());
    }
    // By GET nothing is changed, in Connect neither.
    let asked = "/mainstay.auth.v1.SessionService/SignOut?connect=v1&encoding=json&message=%7B%7D";
    assert_eq!(by(&[("sec-fetch-site", "cross-site")]).get(asked).await.status, 405);
    page(system, &kept).get(ME).await.ok();
}

async fn browsers(system: System) {
    the_journey(&system).await;
    s26_no_other_page_uses_the_session(&system).await;
}

#[tokio::test]
async fn browsers_keep_sessions_of_one_process_on_sqlite() {
    browsers(System::one(Engine::Sqlite, notes::folder()).await).await;
}

#[tokio::test]
async fn browsers_keep_sessions_of_three_processes_on_postgres() {
    browsers(System::three(Engine::Postgres, notes::folder()).await).await;
}
