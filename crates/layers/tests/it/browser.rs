//! S26: whose page may use the session that a browser keeps, and what of it the handler is told.

use crate::desk::{Bench, bench, credential, get, reason};
use mainstay_layers::{ACCESS_COOKIE, Cors, MAX_ACCESS_COOKIES, Origins, REFRESH_COOKIE};
use serde_json::{Value, json};

const APP: &str = "https://app.example.com";
const HOST: &str = "api.example.com";

/// The server, and the pages of one other origin: with their cookies or without.
fn open(credentials: bool) -> Bench {
    let mut bench = bench(10);
    bench.let_in(Cors { origins: Origins::new([APP]).unwrap(), credentials, ..Cors::none() });
    bench
}

/// The token that a cookie has: here that of a service account.
fn token() -> String {
    credential("gateway").trim_start_matches("Bearer ").to_owned()
}

/// Cookies with a token in so many parts.
fn cookies(parts: usize) -> String {
    let token = token();
    let length = token.len().div_ceil(parts);
    let mut cookies = format!("theme=dark; {REFRESH_COOKIE}=next");
    for (part, text) in token.as_bytes().chunks(length).map(|text| std::str::from_utf8(text).unwrap()).enumerate() {
        cookies += &match part {
            0 => format!("; {ACCESS_COOKIE}={parts}.{text}"),
            part => format!("; {ACCESS_COOKIE}-{part}={text}"),
        };
    }
    cookies
}

fn post(path: &str) -> http::request::Builder {
    get(path).method("POST").header("host", HOST).header("cookie", cookies(1))
}

#[tokio::test]
async fn a_session_in_cookies_stands_for_the_caller() {
    let bench = open(false);
    for parts in 1..=MAX_ACCESS_COOKIES {
        let seen = bench.json(get("/t.S/Members").header("cookie", cookies(parts))).await;
        assert_eq!((&seen["uid"], &seen["token"]), (&json!("service:gateway"), &json!(true)), "{parts}");
        assert_eq!(seen["browser"], json!([true, "next"]));
    }
    // Each cookie may come in a line of its own, as HTTP/2 has it.
    let mut request = get("/t.S/Members");
    for cookie in cookies(3).split("; ") {
        request = request.header("cookie", cookie);
    }
    assert_eq!(bench.json(request).await["uid"], "service:gateway");
}

/// A contract may give what changes something a GET, which each page can have a browser send.
#[tokio::test]
async fn a_get_of_what_changes_something_is_no_read() {
    let bench = open(false);
    let send = async |path: &str, site: Option<&str>| {
        let mut request = get(path).header("host", HOST).header("cookie", cookies(1));
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        bench.send(request).await.status().as_u16()
    };
    for site in [None, Some("cross-site"), Some("same-site")] {
        assert_eq!(send("/t.S/Members?changes", site).await, 403, "{site:?}");
        assert_eq!(send("/t.S/Members", site).await, 200, "{site:?}");
    }
    for site in ["same-origin", "none"] {
        assert_eq!(send("/t.S/Members?changes", Some(site)).await, 200, "{site}");
    }
}

#[tokio::test]
async fn what_is_no_whole_token_stands_for_nobody_and_a_wrong_one_is_refused() {
    let bench = open(false);
    let token = token();
    let missing = format!("{ACCESS_COOKIE}=2.{token}");
    let nobody = [
        missing.as_str(),
        "__Host-mainstay-access=x",
        "__Host-mainstay-access=9.x",
        "__Host-mainstay-access=18446744073709551616.x",
        "__Host-mainstay-access=0.",
        "__Host-mainstay-access-1=x",
        "__Host-mainstay-access-9=x",
        "__host-mainstay-access=1.x",
        "mainstay-access=1.x",
        ";;=;",
    ];
    for cookie in nobody {
        let response = bench.send(get("/t.S/Members").header("cookie", cookie)).await;
        assert_eq!(response.status(), 401, "{cookie}");
        assert_eq!(bench.json(get("/t.S/Open").header("cookie", cookie)).await["uid"], Value::Null, "{cookie}");
    }
    let wrong = get("/t.S/Open").header("cookie", format!("{ACCESS_COOKIE}=1.{token}x"));
    assert_eq!(bench.send(wrong).await.status(), 401, "shown, and not good");
}

#[tokio::test]
async fn an_authorization_comes_before_any_cookie_and_needs_no_page() {
    let bench = open(false);
    let request = post("/t.S/Members").header("authorization", credential("operator"));
    let seen = bench.json(request.header("sec-fetch-site", "cross-site")).await;
    // A form of another site cannot have it.
    assert_eq!(seen["error"]["details"][0]["reason"], "ORIGIN_NOT_ALLOWED");
    let seen = bench.json(post("/t.S/Members").header("authorization", credential("operator"))).await;
    assert_eq!((&seen["uid"], &seen["browser"]), (&json!("service:operator"), &Value::Null));
}

#[tokio::test]
async fn s26_what_changes_something_needs_a_page_that_may_use_the_session() {
    let own = format!("https://{HOST}");
    type Case<'c> = (&'c [(&'c str, &'c str)], bool, bool);
    let cases: [Case<'_>; 15] = [
        (&[("sec-fetch-site", "same-origin")], true, true),
        (&[("sec-fetch-site", "none")], true, true),
        (&[("origin", &own)], true, true),
        (&[("origin", &own), ("content-type", "application/json")], true, true),
        (&[("sec-fetch-site", "cross-site"), ("origin", APP), ("content-type", "application/json")], false, true),
        (&[("sec-fetch-site", "same-site"), ("origin", APP), ("content-type", "application/json")], false, true),
        (&[("origin", APP), ("content-type", "application/json")], false, true),
        (&[], false, false),
        (&[("content-type", "application/json")], false, false),
        (&[("origin", "null")], false, false),
        (&[("origin", "https://evil.example"), ("content-type", "application/json")], false, false),
        (&[("origin", &own), ("origin", "https://evil.example")], false, false),
        (&[("sec-fetch-site", "cross-site"), ("content-type", "application/protobuf")], false, false),
        (&[("sec-fetch-site", "same-site"), ("origin", "https://evil.example.com")], false, false),
        (&[("sec-fetch-site", "cross-site"), ("origin", &own), ("content-type", "application/json")], false, false),
    ];
    for (headers, without, with) in cases {
        for (credentials, allowed) in [(false, without), (true, with)] {
            for method in ["POST", "PATCH", "DELETE", "PUT"] {
                let request = headers
                    .iter()
                    .fold(post("/t.S/Members").method(method), |request, (name, value)| request.header(*name, *value));
                let response = open(credentials).send(request).await;
                let expected = if allowed { 200 } else { 403 };
                assert_eq!(response.status(), expected, "{method} {headers:?} {credentials}");
                if !allowed {
                    assert_eq!(reason(&response), "ORIGIN_NOT_ALLOWED");
                }
            }
        }
    }
}

#[tokio::test]
async fn cookies_of_others_change_nothing() {
    let bench = open(false);
    let request = get("/t.S/Open").method("POST").header("cookie", "theme=dark; session=1");
    assert_eq!(bench.json(request).await["browser"], Value::Null);
}

#[tokio::test]
async fn a_method_that_begins_a_session_is_not_kept_from_it_by_the_last_one() {
    let bench = open(false);
    let over = format!("{ACCESS_COOKIE}=1.over; {REFRESH_COOKIE}=next");
    let request = || get("/t.S/Open?begins").method("POST").header("cookie", &over).header("host", HOST);
    let seen = bench.json(request().header("sec-fetch-site", "same-origin")).await;
    assert_eq!((&seen["uid"], &seen["browser"]), (&Value::Null, &json!([true, "next"])));
    // Nor is it begun, renewed or ended for another site.
    assert_eq!(bench.send(request().header("origin", "https://evil.example")).await.status(), 403);
}

#[tokio::test]
async fn a_page_asks_for_cookies_in_one_way() {
    let bench = open(false);
    let seen = bench.json(get("/t.S/Open").header("session-mode", "cookie")).await;
    assert_eq!(seen["browser"], json!([false, null]));
    for word in ["", "Cookie", "token", "cookie, cookie"] {
        let response = bench.send(get("/t.S/Open").header("session-mode", word)).await;
        assert_eq!((response.status().as_u16(), reason(&response)), (400, "MALFORMED_REQUEST".to_owned()), "{word}");
    }
}

#[tokio::test]
async fn a_page_is_shown_to_nobody_where_the_session_is_not_good() {
    let bench = open(false);
    let over = format!("{ACCESS_COOKIE}=1.over; {REFRESH_COOKIE}=next");
    let seen = bench.json(get("/t.S/Open?page").header("cookie", over)).await;
    assert_eq!((&seen["uid"], &seen["token"]), (&Value::Null, &json!(false)));
    assert_eq!(seen["browser"], json!([true, "next"]));
    assert_eq!(bench.json(get("/t.S/Open?page").header("cookie", cookies(1))).await["uid"], "service:gateway");
    // Only a cookie is let off.
    let shown = get("/t.S/Open?page").header("authorization", "Bearer over");
    assert_eq!(bench.send(shown).await.status(), 401);
}
