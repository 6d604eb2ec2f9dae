//! Which pages may call from a browser: those of named origins, and nobody who looks like them.

use crate::desk::{Bench, bench, get, reason};
use bytes::Bytes;
use http::{HeaderMap, Response};
use mainstay_layers::{Cors, Origins};

const APP: &str = "https://app.example.com";

fn cors() -> Cors {
    Cors { origins: Origins::new([APP, "http://localhost:5173"]).unwrap(), ..Cors::none() }
}

fn open() -> Bench {
    let mut bench = bench(10);
    bench.let_in(cors());
    bench
}

fn preflight(path: &str, origin: &str) -> http::request::Builder {
    get(path).method("OPTIONS").header("origin", origin).header("access-control-request-method", "POST")
}

fn header<'r>(response: &'r Response<Bytes>, name: &str) -> Option<&'r str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

fn vary(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all("vary").iter().map(|line| line.to_str().unwrap());
    lines.flat_map(|line| line.split(',').map(str::trim)).collect()
}

/// Says that nothing in an answer lets a page read it.
fn assert_unreadable(response: &Response<Bytes>, why: &str) {
    for name in response.headers().keys() {
        assert!(!name.as_str().starts_with("access-control-"), "{why}: {name}");
    }
}

#[tokio::test]
async fn a_page_of_a_named_origin_is_let_in_and_may_read_the_answer() {
    let bench = open();
    let asked = preflight("/t.S/Open", APP).header("access-control-request-headers", "authorization,x-grpc-web");
    let response = bench.send(asked).await;
    assert_eq!((response.status().as_u16(), response.body().len()), (204, 0));
    assert_eq!(header(&response, "access-control-allow-origin"), Some(APP));
    assert_eq!(header(&response, "access-control-allow-methods"), Some("GET, HEAD, POST, PUT, PATCH, DELETE"));
    assert_eq!(header(&response, "access-control-allow-headers"), Some("authorization,x-grpc-web"));
    assert_eq!(header(&response, "access-control-max-age"), Some("7200"));
    assert_eq!(header(&response, "access-control-allow-credentials"), None);
    assert_eq!(header(&response, "access-control-allow-private-network"), None, "nobody asked");
    assert!(vary(response.headers()).contains(&"origin"));
    assert!(vary(response.headers()).contains(&"access-control-request-headers"));

    let response = bench.send(get("/t.S/Open").method("POST").header("origin", APP)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "access-control-allow-origin"), Some(APP));
    assert_eq!(vary(response.headers()), ["origin"]);
    let exposed = header(&response, "access-control-expose-headers").unwrap();
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id", "etag", "retry-after"] {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name}: {exposed}");
    }
}

#[tokio::test]
async fn a_page_that_is_let_in_may_read_why_it_was_refused_whoever_refuses() {
    let bench = open();
    for (path, status) in
        [("/nowhere", 404), ("/t.S/Members", 401), ("/t.S/Panic", 500), ("/t.S/ResolvePanic", 500), ("/t.S/Fault", 500)]
    {
        let response = bench.send(get(path).header("origin", APP)).await;
        assert_eq!((response.status().as_u16(), header(&response, "access-control-allow-origin")), (status, Some(APP)));
    }
    let mut full = crate::desk::bench(0);
    full.let_in(cors());
    let response = full.send(get("/t.S/Open").header("origin", APP)).await;
    assert_eq!((response.status().as_u16(), header(&response, "access-control-allow-origin")), (503, Some(APP)));
}

#[tokio::test]
async fn who_only_looks_like_a_named_origin_is_refused() {
    let bench = open();
    for origin in [
        "https://evil.test",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com:443",
        "https://app.example.com/",
        "https://app.example.com.evil.test",
        "https://evil-app.example.com",
        "https://appxexample.com",
        "https://APP.example.com",
        "https://app.example.com@evil.test",
        "https://app.example.com https://evil.test",
        "https://app.example.com, https://evil.test",
        "http://localhost",
        "http://localhost:5174",
        "http://127.0.0.1:5173",
        "null",
        "*",
        "",
    ] {
        let response = bench.send(preflight("/t.S/Open", origin)).await;
        assert_eq!((response.status().as_u16(), reason(&response).as_str()), (403, "ORIGIN_NOT_ALLOWED"), "{origin}");
        assert_unreadable(&response, origin);
        assert!(vary(response.headers()).contains(&"origin"), "{origin}");
        let response = bench.send(get("/t.S/Open").header("origin", origin)).await;
        assert_eq!(response.status(), 200, "what everybody may ask is answered, and the browser keeps it: {origin}");
        assert_unreadable(&response, origin);
        assert!(vary(response.headers()).contains(&"origin"), "{origin}");
    }
}

#[tokio::test]
async fn two_origins_or_one_in_other_letters_than_ascii_are_none() {
    let bench = open();
    let twice = bench.send(preflight("/t.S/Open", APP).header("origin", APP)).await;
    assert_eq!(reason(&twice), "ORIGIN_NOT_ALLOWED");
    let odd = get("/t.S/Open").method("OPTIONS").header("access-control-request-method", "GET");
    let odd = odd.header("origin", http::HeaderValue::from_bytes(b"https://app.example.c\xc3\xb6m").unwrap());
    assert_eq!(reason(&bench.send(odd).await), "ORIGIN_NOT_ALLOWED");
}

#[tokio::test]
async fn a_refusal_names_the_origin_and_the_remedy_and_is_as_long_as_it_has_to_be() {
    let bench = bench(10);
    let response = bench.send(preflight("/t.S/Open", "https://evil.test")).await;
    let text = String::from_utf8_lossy(response.body()).into_owned();
    assert!(text.contains("https://evil.test") && text.contains("cors.origins"), "{text}");
    assert!(!text.contains("cors.loopback"), "{text}");
    let response = bench.send(preflight("/t.S/Open", "http://localhost:3000")).await;
    assert!(String::from_utf8_lossy(response.body()).contains("cors.loopback"));
    let long = format!("https://{}.test", "a".repeat(20_000));
    assert!(bench.send(preflight("/t.S/Open", &long)).await.body().len() < 2_000);
}

#[tokio::test]
async fn without_a_named_origin_no_answer_depends_on_it() {
    let bench = bench(10);
    let response = bench.send(get("/t.S/Open").header("origin", APP)).await;
    assert_eq!((response.status().as_u16(), vary(response.headers()).len()), (200, 0));
    assert_unreadable(&response, "nobody is named");
    assert_eq!(reason(&bench.send(preflight("/t.S/Open", APP)).await), "ORIGIN_NOT_ALLOWED");
}

#[tokio::test]
async fn a_preflight_is_answered_before_anything_is_looked_up_and_needs_no_credential() {
    let bench = open();
    for path in ["/t.S/Admins", "/nowhere/at/all", "/t.S/ResolvePanic"] {
        let response = bench.send(preflight(path, APP).header("authorization", "Bearer not-one")).await;
        assert_eq!(response.status(), 204, "{path}");
        assert!(response.headers().contains_key("x-request-id"));
    }
    assert_eq!(bench.count("unresolved", 204), 3, "each is counted");
    bench.send(preflight("/t.S/Open", "https://evil.test")).await;
    assert_eq!(bench.count("unresolved", 403), 1);
}

#[tokio::test]
async fn preflights_stand_behind_the_global_limit() {
    let mut bench = bench(0);
    bench.let_in(cors());
    assert_eq!(reason(&bench.send(preflight("/t.S/Open", APP)).await), "OVERLOADED");
}

#[tokio::test]
async fn options_without_a_wish_is_no_preflight() {
    let bench = open();
    let response = bench.send(get("/t.S/Open").method("OPTIONS").header("origin", APP)).await;
    assert_eq!((response.status().as_u16(), header(&response, "access-control-max-age")), (200, None));
    let response = bench.send(get("/t.S/Open").method("OPTIONS").header("access-control-request-method", "GET")).await;
    assert_eq!((response.status().as_u16(), header(&response, "access-control-allow-methods")), (200, None));
}

#[tokio::test]
async fn a_list_of_headers_that_is_none_is_refused() {
    let bench = open();
    for names in ["", "a,,b", "a b", "a, \"b\"", "x: y", ","] {
        let asked = preflight("/t.S/Open", APP).header("access-control-request-headers", names);
        let response = bench.send(asked).await;
        assert_eq!((response.status().as_u16(), reason(&response).as_str()), (400, "MALFORMED_REQUEST"), "{names:?}");
    }
}

#[tokio::test]
async fn a_server_in_a_private_network_lets_in_whom_it_named() {
    let bench = open();
    let ask = |origin| preflight("/t.S/Open", origin).header("access-control-request-private-network", "true");
    let response = bench.send(ask(APP)).await;
    assert_eq!(header(&response, "access-control-allow-private-network"), Some("true"));
    assert_unreadable(&bench.send(ask("https://evil.test")).await, "it is not named");
}

#[tokio::test]
async fn cookies_are_let_in_only_where_that_is_said_and_never_for_everybody() {
    let mut bench = bench(10);
    bench.let_in(Cors { credentials: true, preflight_seconds: 0, ..cors() });
    let response = bench.send(preflight("/t.S/Open", APP)).await;
    assert_eq!(header(&response, "access-control-allow-credentials"), Some("true"));
    assert_eq!(header(&response, "access-control-allow-origin"), Some(APP));
    assert_eq!(header(&response, "access-control-max-age"), Some("0"));
    assert_unreadable(&bench.send(preflight("/t.S/Open", "https://evil.test")).await, "it is not named");
}

#[tokio::test]
async fn pages_of_the_own_machine_are_let_in_where_that_is_said() {
    let mut bench = bench(10);
    bench.let_in(Cors { loopback: true, ..Cors::none() });
    for origin in [
        "http://localhost",
        "http://localhost:5173",
        "https://localhost:8443",
        "http://shop.localhost:3000",
        "http://127.0.0.1:3000",
        "http://127.9.8.7",
        "http://[::1]:3000",
    ] {
        let response = bench.send(preflight("/t.S/Open", origin)).await;
        assert_eq!(header(&response, "access-control-allow-origin"), Some(origin));
        assert!(vary(response.headers()).contains(&"origin"));
    }
    for origin in [
        "http://localhost.evil.test",
        "http://evil-localhost",
        "http://127.0.0.1.evil.test",
        "http://128.0.0.1",
        "http://localhost@evil.test",
        "http://evil.test@localhost",
        "http://evil.test/localhost",
        "http://localhost:",
        "http://localhost:x",
        "http://localhost:080",
        "http://[::2]",
        "http://0.0.0.0",
        "file://localhost",
        "null",
        "localhost",
    ] {
        assert_eq!(reason(&bench.send(preflight("/t.S/Open", origin)).await), "ORIGIN_NOT_ALLOWED", "{origin}");
    }
}

#[tokio::test]
async fn s26_a_form_of_another_site_sends_nothing() {
    let bench = open();
    let form = |origin: &str, site: &str| {
        let request = get("/t.S/Open").method("POST").header("content-type", "text/plain");
        request.header("origin", origin).header("sec-fetch-site", site)
    };
    for (origin, site) in
        [("https://evil.test", "cross-site"), ("null", "cross-site"), ("https://b.example.com", "same-site")]
    {
        let response = bench.send(form(origin, site)).await;
        assert_eq!((response.status().as_u16(), reason(&response).as_str()), (403, "ORIGIN_NOT_ALLOWED"), "{origin}");
    }
    assert_eq!(bench.send(form("https://own.test", "same-origin")).await.status(), 200, "a page of the server's own");
    assert_eq!(bench.send(form(APP, "cross-site")).await.status(), 200, "a page that is let in");
    let link = get("/t.S/Open").header("sec-fetch-site", "cross-site").header("origin", "null");
    assert_eq!(bench.send(link).await.status(), 200, "a link changes nothing");
}

/// Over plain HTTP no browser says where a page is from but by its origin.
fn bare(origin: &str, of: Option<&str>) -> http::request::Builder {
    let request = get("/t.S/Open").method("POST").header("host", "api.example.com:8080").header("origin", origin);
    of.into_iter().fold(request, |request, of| request.header("content-type", of))
}

#[tokio::test]
async fn s26_what_a_foreign_page_sends_without_asking_is_refused_where_only_its_origin_is_told() {
    let bench = open();
    for origin in [
        "https://evil.test",
        "null",
        "",
        "http://api.example.com",
        "http://api.example.com:8081",
        "http://api.example.com:8080.evil.test",
        "http://evil.test:8080",
        "http://localhost",
        "api.example.com:8080",
    ] {
        for of in [
            None,
            Some("text/plain"),
            Some("TEXT/Plain;charset=UTF-8"),
            Some("  text/plain ; x=application/json"),
            Some("text/plain, application/json"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            Some(""),
            Some(";"),
            Some("json"),
            Some("application/"),
            Some("application /json"),
        ] {
            let response = bench.send(bare(origin, of)).await;
            let told = (response.status().as_u16(), reason(&response));
            assert_eq!(told, (403, "ORIGIN_NOT_ALLOWED".to_owned()), "{origin:?} {of:?}");
            assert_unreadable(&response, origin);
        }
    }
    let twice = bare("https://evil.test", Some("application/json")).header("content-type", "text/plain");
    assert_eq!(reason(&bench.send(twice).await), "ORIGIN_NOT_ALLOWED");
    let two = bare("http://api.example.com:8080", None).header("origin", "https://evil.test");
    assert_eq!(reason(&bench.send(two).await), "ORIGIN_NOT_ALLOWED");
    let odd = bare("https://evil.test", Some("text/plain")).header("sec-fetch-site", "elsewhere");
    assert_eq!(reason(&bench.send(odd).await), "ORIGIN_NOT_ALLOWED", "what is not known says nothing");
    let token = bare("https://evil.test", Some("text/plain")).header("authorization", "Bearer x");
    assert_eq!(reason(&bench.send(token).await), "ORIGIN_NOT_ALLOWED", "whoever it says that it is");
}

#[tokio::test]
async fn what_needs_a_preflight_what_only_reads_and_what_is_no_page_is_let_in() {
    let bench = open();
    for of in ["application/json", "application/json; charset=utf-8", "application/proto", "application/grpc-web+proto"]
    {
        assert_eq!(bench.send(bare("https://evil.test", Some(of))).await.status(), 200, "{of}");
    }
    for method in ["PUT", "PATCH", "DELETE", "GET", "HEAD"] {
        let request = get("/t.S/Open").method(method).header("origin", "https://evil.test");
        assert_eq!(bench.send(request).await.status(), 200, "{method}");
    }
    for of in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        for own in ["http://api.example.com:8080", "https://API.example.com:8080", APP] {
            assert_eq!(bench.send(bare(own, of)).await.status(), 200, "{own}");
        }
        let program = get("/t.S/Open").method("POST");
        let program = of.into_iter().fold(program, |program, of| program.header("content-type", of));
        assert_eq!(bench.send(program).await.status(), 200, "curl says no origin");
    }
    let link = bare("null", Some("text/plain")).header("sec-fetch-site", "none");
    assert_eq!(bench.send(link).await.status(), 200, "the user's own doing");
}

#[tokio::test]
async fn s26_a_page_that_hides_its_origin_is_told_by_its_site() {
    let bench = open();
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)] {
        let request = get("/t.S/Open").method("POST").header("sec-fetch-site", site);
        assert_eq!(bench.send(request).await.status().as_u16(), status, "{site}");
    }
}

#[tokio::test]
async fn over_http2_the_authority_is_the_host() {
    let bench = open();
    let to = |origin: &str| get("http://api.example.com/t.S/Open").method("POST").header("origin", origin);
    assert_eq!(bench.send(to("https://api.example.com")).await.status(), 200);
    let other = to("https://evil.test").header("host", "evil.test");
    assert_eq!(reason(&bench.send(other).await), "ORIGIN_NOT_ALLOWED");
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    for origin in [
        "https://app.example.com",
        "http://localhost:5173",
        "https://xn--bcher-kva.example",
        "http://[::1]:3000",
        "capacitor://localhost",
        "chrome-extension://abcdefgh",
    ] {
        assert!(Origins::new([origin]).is_ok(), "{origin}");
    }
    for (origin, part) in [
        ("*", "name each"),
        ("https://*.example.com", "name each"),
        ("null", "cannot be let in"),
        ("https://app.example.com/", "slash"),
        ("https://app.example.com/shop", "is not an origin"),
        ("https://App.example.com", "small ASCII letters"),
        ("HTTPS://app.example.com", "small ASCII letters"),
        ("https://bücher.example", "small ASCII letters"),
        ("https://app.example.com:443", "usual port"),
        ("http://app.example.com:80", "usual port"),
        ("https://app.example.com:0443", "is not an origin"),
        ("https://app.example.com:", "is not an origin"),
        ("https://app.example.com:99999", "is not an origin"),
        ("https://me@app.example.com", "is not an origin"),
        ("https://a b", "is not an origin"),
        ("https://", "is not an origin"),
        ("://app", "is not an origin"),
        ("app.example.com", "is not an origin"),
        ("", "is not an origin"),
    ] {
        let refused = Origins::new(["https://good.example", origin]).unwrap_err().to_string();
        assert!(refused.contains(part) && refused.starts_with(&format!("{origin:?}")), "{refused}");
    }
}

#[test]
fn origins_are_read_from_a_list_and_from_a_variable() {
    let list: Origins = serde_json::from_str(r#"["https://a.test", "https://b.test"]"#).unwrap();
    let text: Origins = serde_json::from_str(r#""https://b.test , https://a.test,""#).unwrap();
    assert_eq!(list, text);
    assert_eq!(serde_json::to_string(&text).unwrap(), r#"["https://a.test","https://b.test"]"#);
    let refused = serde_json::from_str::<Origins>(r#"["*"]"#).unwrap_err().to_string();
    assert!(refused.contains("name each origin"), "{refused}");
    let refused = serde_json::from_str::<Origins>("7").unwrap_err().to_string();
    assert!(refused.contains("a list of origins"), "{refused}");
}

#[tokio::test]
async fn forms_of_every_origin_are_taken_where_they_may_come_and_nowhere_else() {
    let mut bench = bench(10);
    bench.let_in(Cors { forms: &["/t.S/Open"], ..cors() });
    let form = |path: &str| get(path).method("POST").header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in [("origin", "https://elsewhere.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")]
    {
        let response = bench.send(form("/t.S/Open").header(name, value)).await;
        assert_eq!(response.status(), 200, "{name}: {value}");
        assert_unreadable(&response, "it is led on, and reads nothing");
        assert_eq!(bench.send(form("/t.S/Open/").header(name, value)).await.status(), 403, "{name}: {value}");
    }
    let put = get("/t.S/Open").method("PUT").header("sec-fetch-site", "cross-site");
    assert_eq!(bench.send(put).await.status(), 403);
    assert_eq!(bench.send(preflight("/t.S/Open", "https://elsewhere.example")).await.status(), 403);
}

#[tokio::test]
async fn pages_of_every_origin_may_ask_what_is_open_without_what_a_browser_adds() {
    let mut bench = bench(10);
    bench.let_in(Cors { open: &["/t.S/Open"], credentials: true, ..cors() });
    let stranger = "https://elsewhere.example";
    let asked = preflight("/t.S/Open", stranger).header("access-control-request-headers", "authorization");
    let response = bench.send(asked).await;
    assert_eq!((response.status().as_u16(), header(&response, "access-control-allow-origin")), (204, Some("*")));
    assert_eq!(header(&response, "access-control-allow-headers"), Some("authorization"));
    let form = get("/t.S/Open").method("POST").header("content-type", "application/x-www-form-urlencoded");
    let response = bench.send(form.header("origin", stranger)).await;
    assert_eq!((response.status().as_u16(), header(&response, "access-control-allow-origin")), (200, Some("*")));
    assert_eq!(header(&response, "access-control-allow-credentials"), None);
    // Named pages are let in as everywhere, and nothing else is open.
    let response = bench.send(get("/t.S/Open").header("origin", APP)).await;
    assert_eq!(header(&response, "access-control-allow-origin"), Some(APP));
    assert_eq!(bench.send(preflight("/t.S/Members", stranger)).await.status(), 403);
    let response = bench.send(get("/t.S/Open/").header("origin", stranger)).await;
    assert_unreadable(&response, "a path is open as a whole");
}
