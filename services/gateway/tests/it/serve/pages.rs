//! Pages for people: what they ask auth, what browsers are told of them, and where they lead.

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE};
use http::{Method, Request, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::{CaptchaConfig, CaptchaProvider, Config, MAX_FORM_BYTES, Page, PagesConfig};
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::channel::Reply;
use prost::Message as _;

use crate::support::{Answered, Harness, full, operator};

const SIGN_IN: &str = "/mainstay.auth.v1.SessionService/SignIn";
const REFRESH: &str = "/mainstay.auth.v1.SessionService/Refresh";

fn message(message: &impl prost::Message) -> Result<Reply, Fault> {
    Ok(Reply::Message(Bytes::from(message.encode_to_vec())))
}

fn credentials(access: &str) -> pb::Credentials {
    pb::Credentials {
        access_token: access.to_owned(),
        refresh_token: "next".to_owned(),
        session_expires_in: 60,
        ..Default::default()
    }
}

/// Sends a form as a page of the server does.
async fn post(harness: &Harness, page: Page, fields: &str) -> Answered {
    send(harness, page, fields, &[("sec-fetch-site", "same-origin")]).await
}

async fn send(harness: &Harness, page: Page, fields: &str, headers: &[(&str, &str)]) -> Answered {
    let request = Request::builder().method(Method::POST).uri(page.path());
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    harness.send(request.body(full(fields.to_owned())).unwrap()).await
}

fn text(answered: &Answered) -> String {
    String::from_utf8(answered.body.to_vec()).unwrap()
}

fn location(answered: &Answered) -> &str {
    answered.headers.get(LOCATION).map_or("", |location| location.to_str().unwrap())
}

#[tokio::test]
async fn a_sign_in_keeps_the_session_in_cookies_and_leads_on() {
    let harness = Harness::start().await;
    harness.auth.on(SIGN_IN, |heard| {
        let request = pb::SignInRequest::decode(heard.message.clone()).unwrap();
        assert_eq!((request.email.as_str(), request.password.as_str()), ("ada@example.org", " correct horse "));
        message(&credentials("token"))
    });
    let fields = "email=+ada%40example.org+&password=+correct%20horse+&return_to=%2Fshop%3Fa%3D1";
    let answered = post(&harness, Page::SignIn, fields).await;
    assert_eq!((answered.status, location(&answered)), (StatusCode::SEE_OTHER, "/shop?a=1"));
    let cookies: Vec<_> = answered.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(
        cookies,
        [
            "__Host-mainstay-access=1.token; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60",
            "__Host-mainstay-refresh=next; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60",
        ]
    );
    assert!(answered.body.is_empty());
}

/// S3: nobody is led to where the configuration does not name, by the query or by the form.
#[tokio::test]
async fn s03_a_sign_in_leads_to_no_other_host() {
    let pages = PagesConfig { return_to: vec!["https://app.example.com/in".to_owned()], ..PagesConfig::default() };
    let harness = Harness::with(Config { pages, ..Config::default() }, None, None).await;
    harness.auth.on(SIGN_IN, |_| message(&credentials("token")));
    for (to, leads) in [
        ("https://evil.example/", "/auth/account"),
        ("//evil.example", "/auth/account"),
        ("/%5Cevil.example", "/auth/account"),
        ("/%09/evil.example", "/auth/account"),
        ("https://app.example.com/in/../x", "/auth/account"),
        ("javascript:alert(1)", "/auth/account"),
        ("", "/auth/account"),
        ("https://app.example.com/in", "https://app.example.com/in"),
        ("/shop", "/shop"),
    ] {
        let answered = post(&harness, Page::SignIn, &format!("email=a&password=b&return_to={to}")).await;
        assert_eq!((answered.status, location(&answered)), (StatusCode::SEE_OTHER, leads), "{to}");
        let shown = harness.get(&format!("/auth/sign-in?return_to={to}")).await;
        assert!(text(&shown).contains(&format!("name=\"return_to\" value=\"{leads}\"").replace('/', "&#x2f;")), "{to}");
    }
    let policy = harness.get("/auth/sign-in").await.headers[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.contains("form-action 'self' https://app.example.com;"), "{policy}");
}

#[tokio::test]
async fn what_is_wrong_stands_on_the_page_with_what_was_typed_but_for_secrets() {
    let harness = Harness::start().await;
    harness.auth.on(SIGN_IN, |_| Err(Fault::new(Reason::WrongCredentials)));
    let answered = post(&harness, Page::SignIn, "email=%22%3E%3Cscript%3E&password=geheim").await;
    let page = text(&answered);
    assert_eq!(answered.status, StatusCode::FORBIDDEN);
    assert!(page.contains("The address or the password is wrong."), "{page}");
    assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;\"") && !page.contains("geheim"), "{page}");
    assert!(answered.headers.get(SET_COOKIE).is_none());

    harness.auth.on("/mainstay.auth.v1.AccountService/SignUp", |_| {
        Err(Fault::new(Reason::FieldViolation).violation("password", "is <too> short"))
    });
    let page = text(&post(&harness, Page::SignUp, "email=a%40b.example&password=x").await);
    assert!(page.contains("aria-invalid=\"true\"") && page.contains("is &lt;too&gt; short"), "{page}");
    assert!(page.contains("value=\"a@b.example\""), "{page}");
}

#[tokio::test]
async fn every_page_is_written_in_every_language_and_loads_nothing_from_elsewhere() {
    let harness = Harness::start().await;
    for language in ["en", "de"] {
        for page in Page::ALL.iter().filter(|page| page.methods().contains(&Method::GET)) {
            let request = Request::builder().uri(page.path()).header("accept-language", language);
            let answered = harness.send(request.body(full("")).unwrap()).await;
            let policy = answered.headers.get(CONTENT_SECURITY_POLICY);
            if *page == Page::Logo {
                assert_eq!(answered.status, StatusCode::NOT_FOUND);
                continue;
            }
            let policy = policy.unwrap_or_else(|| panic!("{page:?}")).to_str().unwrap();
            assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
            let body = text(&answered);
            // Scripts and looks are files of their own, so that nothing that got into a page is run.
            for word in [" style=", " onclick=", "<script>", "<style", "http://", "https://"] {
                assert!(!body.contains(word) || matches!(page, Page::Style | Page::Script), "{page:?}: {word}");
            }
            if !matches!(page, Page::Style | Page::Script) && !body.is_empty() {
                assert!(body.contains(&format!("<html lang=\"{language}\">")), "{page:?}");
            }
        }
    }
}

#[tokio::test]
async fn s26_a_form_of_another_page_does_nothing() {
    let harness = Harness::start().await;
    for page in Page::ALL.iter().filter(|page| page.methods().contains(&Method::POST)) {
        for cookie in ["", "__Host-mainstay-refresh=x"] {
            for headers in [
                &[("sec-fetch-site", "cross-site")][..],
                &[("sec-fetch-site", "same-site"), ("origin", "https://evil.example")],
                &[("origin", "https://evil.example")],
                &[("origin", "null")],
            ] {
                let headers: Vec<_> = headers.iter().copied().chain([("cookie", cookie)]).collect();
                let answered = send(&harness, *page, "email=a&password=b", &headers).await;
                // What another application may ask by a form is asked again without one.
                let expected = match page {
                    Page::Authorize | Page::EndSession => StatusCode::SEE_OTHER,
                    _ => StatusCode::FORBIDDEN,
                };
                assert_eq!(answered.status, expected, "{page:?} {headers:?}");
            }
        }
    }
    assert!(harness.auth.calls().is_empty());
}

#[tokio::test]
async fn a_session_that_is_over_is_renewed_and_the_same_is_sent_again() {
    let harness = Harness::start().await;
    harness.auth.on(REFRESH, |heard| {
        assert_eq!(pb::RefreshRequest::decode(heard.message.clone()).unwrap().refresh_token, "last");
        message(&credentials("new"))
    });
    let cookies = "__Host-mainstay-access=1.over; __Host-mainstay-refresh=last";
    let headers = [("cookie", cookies), ("sec-fetch-site", "same-origin")];
    let answered = send(&harness, Page::Profile, "display_name=Ada", &headers).await;
    assert_eq!((answered.status, location(&answered)), (StatusCode::TEMPORARY_REDIRECT, "/auth/account/profile"));
    assert_eq!(answered.headers.get_all(SET_COOKIE).iter().count(), 2);

    // Where it cannot be renewed, somebody has to sign in, and no cookie goes: another tab may have renewed it.
    harness.auth.on(REFRESH, |_| Err(Fault::new(Reason::SessionEnded)));
    harness.auth.on("/mainstay.auth.v1.AccountService/GetAccount", |_| Err(Fault::new(Reason::Unauthenticated)));
    let request = Request::builder().uri("/auth/account?done=email").header("cookie", cookies);
    let answered = harness.send(request.body(full("")).unwrap()).await;
    let sign_in = "/auth/sign-in?return_to=/auth/account%3Fdone%3Demail";
    assert_eq!((answered.status, location(&answered)), (StatusCode::SEE_OTHER, sign_in));
    assert!(answered.headers.get(SET_COOKIE).is_none());
}

#[tokio::test]
async fn whoever_has_to_show_again_who_he_is_is_asked_and_led_back() {
    let harness = Harness::start().await;
    harness
        .auth
        .on("/mainstay.auth.v1.FactorService/ListFactors", |_| Err(Fault::new(Reason::InsufficientUserAuthentication)));
    let cookie = format!("__Host-mainstay-access=1.{}", operator().trim_start_matches("Bearer "));
    let request = Request::builder().uri("/auth/account/factors").header("cookie", cookie);
    let answered = harness.send(request.body(full("")).unwrap()).await;
    let confirm = "/auth/confirm?return_to=/auth/account/factors";
    assert_eq!((answered.status, location(&answered)), (StatusCode::SEE_OTHER, confirm));
}

#[tokio::test]
async fn what_is_no_form_and_what_is_too_much_is_a_page_that_says_so() {
    let harness = Harness::start().await;
    let json = Request::builder().method(Method::POST).uri("/auth/sign-in").header("content-type", "application/json");
    assert_eq!(harness.send(json.body(full("{}")).unwrap()).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let long = format!("email={}", "a".repeat(MAX_FORM_BYTES));
    assert_eq!(post(&harness, Page::SignIn, &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    for fields in ["email=%zz", "email=%ff", "%"] {
        let answered = post(&harness, Page::SignIn, fields).await;
        assert_eq!(answered.status, StatusCode::BAD_REQUEST, "{fields}");
        assert!(text(&answered).contains("<h1>That did not work</h1>"), "{fields}");
    }
    let many = "a=b&".repeat(1_001);
    assert_eq!(post(&harness, Page::SignIn, &many).await.status, StatusCode::BAD_REQUEST);
    let wrong = harness.send(Request::builder().method("DELETE").uri("/auth/sign-in").body(full("")).unwrap()).await;
    assert_eq!(
        (wrong.status, &wrong.headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD, POST, OPTIONS".parse().unwrap())
    );
    assert!(harness.auth.calls().is_empty());
}

#[tokio::test]
async fn there_are_no_pages_where_nobody_wants_any() {
    let pages = PagesConfig { enabled: false, ..PagesConfig::default() };
    let harness = Harness::with(Config { pages, ..Config::default() }, None, None).await;
    for page in Page::ALL {
        assert_eq!(harness.get(page.path()).await.status, StatusCode::NOT_FOUND, "{page:?}");
    }
}

#[tokio::test]
async fn a_captcha_is_shown_where_one_is_configured_and_its_token_is_passed_on() {
    const WITH: [Page; 3] = [Page::SignUp, Page::ForgotPassword, Page::MailSignIn];
    for (provider, host, field) in [
        (CaptchaProvider::Turnstile, "https://challenges.cloudflare.com", "cf-turnstile-response"),
        (CaptchaProvider::Hcaptcha, "https://hcaptcha.com", "h-captcha-response"),
        (CaptchaProvider::Recaptcha, "https://www.google.com/recaptcha/", "g-recaptcha-response"),
    ] {
        let captcha = Some(CaptchaConfig { provider, site_key: "0x4AAA_key-1".to_owned() });
        let pages = PagesConfig { captcha, ..PagesConfig::default() };
        let harness = Harness::with(Config { pages, ..Config::default() }, None, None).await;
        for page in [Page::SignIn, Page::SignUp, Page::ForgotPassword, Page::MailSignIn, Page::Invitation] {
            let shown = harness.get(page.path()).await;
            let policy = shown.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            let is_shown = WITH.contains(&page);
            assert_eq!(text(&shown).contains("data-sitekey=\"0x4AAA_key-1\""), is_shown, "{page:?}");
            assert_eq!(policy.contains(host), is_shown, "{page:?}: {policy}");
            assert_eq!(policy.contains("; frame-src https://"), is_shown, "{page:?}: {policy}");
            assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
        }
        harness.auth.on("/mainstay.auth.v1.AccountService/SignUp", |heard| {
            let request = pb::SignUpRequest::decode(heard.message.clone()).unwrap();
            assert_eq!(request.captcha_token, "solved.it");
            Err(Fault::new(Reason::CaptchaFailed))
        });
        let answered = post(&harness, Page::SignUp, &format!("email=a%40b.example&password=x&{field}=solved.it")).await;
        assert!(text(&answered).contains("could not be confirmed"), "{}", text(&answered));
        assert!(answered.headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains(host), "it is shown again");
    }
}

#[tokio::test]
async fn why_somebody_may_not_sign_up_is_shown_as_the_application_says_it() {
    let harness = Harness::start().await;
    harness.auth.on("/mainstay.auth.v1.AccountService/SignUp", |heard| {
        let request = pb::SignUpRequest::decode(heard.message.clone()).unwrap();
        assert_eq!(request.captcha_token, "", "none is configured");
        Err(Fault::new(Reason::SignUpDenied).message("Only <people> of example.org."))
    });
    let fields = "email=a%40b.example&password=x&cf-turnstile-response=t";
    let page = text(&post(&harness, Page::SignUp, fields).await);
    assert!(page.contains("Only &lt;people&gt; of example.org."), "{page}");
}
