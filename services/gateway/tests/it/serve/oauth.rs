//! What other applications ask: forms in, JSON out, what browsers are told, and what of it auth hears.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION,
    REFERRER_POLICY, WWW_AUTHENTICATE, X_FRAME_OPTIONS,
};
use http::{Method, Request, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::{Config, Page, PagesConfig};
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::channel::Reply;
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::{Answered, Harness, full};

const BEGIN: &str = "/mainstay.auth.v1.AuthorizationService/BeginAuthorization";
const DECIDE: &str = "/mainstay.auth.v1.AuthorizationService/DecideAuthorization";
const ISSUE: &str = "/mainstay.auth.v1.AuthorizationService/IssueToken";
const USER_INFO: &str = "/mainstay.auth.v1.AuthorizationService/GetUserInfo";
const PROVIDER: &str = "/mainstay.auth.v1.AuthorizationService/GetOAuthProvider";
const SIGN_OUT: &str = "/mainstay.auth.v1.AuthorizationService/BeginSignOut";

const TOKEN: &str = "/auth/oauth2/token";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn message(message: &impl prost::Message) -> Result<Reply, Fault> {
    Ok(Reply::Message(Bytes::from(message.encode_to_vec())))
}

async fn send(harness: &Harness, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answered {
    let request = headers
        .iter()
        .fold(Request::builder().method(method).uri(path), |request, (name, value)| request.header(*name, *value));
    harness.send(request.body(full(body.to_owned())).unwrap()).await
}

async fn get(harness: &Harness, path: &str, headers: &[(&str, &str)]) -> Answered {
    send(harness, Method::GET, path, headers, "").await
}

async fn post(harness: &Harness, path: &str, headers: &[(&str, &str)], body: &str) -> Answered {
    let headers: Vec<(&str, &str)> = [FORM].iter().chain(headers).copied().collect();
    send(harness, Method::POST, path, &headers, body).await
}

fn json_of(answered: &Answered) -> Value {
    serde_json::from_slice(&answered.body).unwrap()
}

fn header(answered: &Answered, name: http::HeaderName) -> &str {
    answered.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn error(word: &str) -> Option<pb::OAuthError> {
    Some(pb::OAuthError { error: word.to_owned(), error_description: "says why".to_owned() })
}

#[tokio::test]
async fn a_client_shows_who_it_is_in_the_header_or_in_the_form() {
    let harness = Harness::start().await;
    harness.auth.on(ISSUE, |heard| {
        let request = pb::IssueTokenRequest::decode(heard.message.clone()).unwrap();
        let proof = request.client.unwrap();
        let scope = format!("{}|{}|{}", proof.client_id, proof.client_secret, request.renewed_token);
        message(&pb::IssueTokenResponse { access_token: "a".to_owned(), expires_in: 9, scope, ..Default::default() })
    });
    // `i%3Ad:s%20t`, as RFC 6749 has it.
    let basic = ("authorization", "Basic aSUzQWQ6cyUyMHQ=");
    let answered = post(&harness, TOKEN, &[basic], "grant_type=refresh_token&refresh_token=r").await;
    assert_eq!(json_of(&answered), json!({"access_token": "a", "expires_in": 9, "scope": "i:d|s t|r"}));
    assert_eq!((answered.status, header(&answered, CACHE_CONTROL)), (StatusCode::OK, "no-store"));
    let answered = post(&harness, TOKEN, &[], "client_id=i&client_secret=s&grant_type=x").await;
    assert_eq!(json_of(&answered)["scope"], "i|s|");
    let heard = harness.auth.calls().len();
    for (shown, body) in [
        (Some(basic.1), "client_secret=s"),
        (Some(basic.1), "client_assertion=x"),
        (Some(basic.1), "client_id=other"),
        (Some("Basic !"), ""),
        (Some("Bearer x"), ""),
        (Some("Basic"), ""),
        (None, "client_id=i&client_id=j"),
        (None, "scope=%ff"),
    ] {
        let headers: Vec<(&str, &str)> = shown.into_iter().map(|shown| ("authorization", shown)).collect();
        let answered = post(&harness, TOKEN, &headers, body).await;
        assert_eq!(
            (answered.status, &json_of(&answered)["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_request")),
            "{body}"
        );
    }
    let answered = send(&harness, Method::POST, TOKEN, &[("content-type", "application/json")], "{}").await;
    assert_eq!(json_of(&answered)["error"], "invalid_request");
    assert_eq!(harness.auth.calls().len(), heard, "auth hears of none of them");
    let answered = get(&harness, TOKEN, &[]).await;
    assert_eq!(answered.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_client_is_refused_in_the_words_of_the_standards() {
    let harness = Harness::start().await;
    harness.auth.on(ISSUE, |heard| {
        let request = pb::IssueTokenRequest::decode(heard.message.clone()).unwrap();
        message(&pb::IssueTokenResponse { error: error(&request.grant_type), ..Default::default() })
    });
    let answered = post(&harness, TOKEN, &[], "grant_type=invalid_grant").await;
    assert_eq!(answered.status, StatusCode::BAD_REQUEST);
    assert_eq!(json_of(&answered), json!({"error": "invalid_grant", "error_description": "says why"}));
    let answered = post(&harness, TOKEN, &[], "grant_type=invalid_client").await;
    assert_eq!((answered.status, header(&answered, WWW_AUTHENTICATE)), (StatusCode::UNAUTHORIZED, ""));
    let answered = post(&harness, TOKEN, &[("authorization", "Basic YTpi")], "grant_type=invalid_client").await;
    assert!(header(&answered, WWW_AUTHENTICATE).starts_with("Basic "));
    harness.auth.on(ISSUE, |_| Err(Fault::new(Reason::RateLimited)));
    assert_eq!(post(&harness, TOKEN, &[], "grant_type=x").await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_token_opens_userinfo_from_the_header_alone() {
    let harness = Harness::start().await;
    harness.auth.on(USER_INFO, |heard| {
        let request = pb::GetUserInfoRequest::decode(heard.message.clone()).unwrap();
        let (error, claims) = match request.client_token.as_str() {
            "good" => (None, r#"{"sub":"s"}"#.to_owned()),
            "narrow" => (error("insufficient_scope"), String::new()),
            _ => (error("invalid_token"), String::new()),
        };
        message(&pb::GetUserInfoResponse { error, claims })
    });
    let path = "/auth/oauth2/userinfo";
    let bearer = |token: &'static str| [("authorization", token)];
    assert_eq!(json_of(&get(&harness, path, &bearer("Bearer good")).await), json!({"sub": "s"}));
    assert_eq!(json_of(&post(&harness, path, &bearer("bearer good"), "").await), json!({"sub": "s"}));
    let answered = get(&harness, path, &bearer("Bearer bad")).await;
    assert_eq!(answered.status, StatusCode::UNAUTHORIZED);
    assert_eq!(header(&answered, WWW_AUTHENTICATE), "Bearer error=\"invalid_token\", error_description=\"says why\"");
    assert_eq!(get(&harness, path, &bearer("Bearer narrow")).await.status, StatusCode::FORBIDDEN);
    let heard = harness.auth.calls().len();
    for (query, body) in [("?access_token=good", ""), ("", "access_token=good")] {
        let answered = post(&harness, &format!("{path}{query}"), &[], body).await;
        assert_eq!((answered.status, header(&answered, WWW_AUTHENTICATE)), (StatusCode::UNAUTHORIZED, "Bearer"));
    }
    assert_eq!(harness.auth.calls().len(), heard);
}

#[tokio::test]
async fn what_is_here_is_told_under_one_issuer() {
    let harness = Harness::start().await;
    let provider = pb::OAuthProvider {
        issuer: "https://id.example.org".to_owned(),
        signing_algorithms: vec!["EdDSA".to_owned()],
        scopes: vec!["openid".to_owned()],
    };
    harness.auth.on(PROVIDER, move |_| message(&provider));
    let (one, other) = (
        json_of(&get(&harness, "/.well-known/openid-configuration", &[]).await),
        json_of(&get(&harness, "/.well-known/oauth-authorization-server", &[]).await),
    );
    assert_eq!(one, other);
    assert_eq!(one["issuer"], "https://id.example.org");
    assert_eq!(one["code_challenge_methods_supported"], json!(["S256"]));
    for (name, value) in
        one.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
    {
        let path = value.as_str().unwrap().strip_prefix("https://id.example.org").unwrap();
        // Whatever it answers, something is there.
        let answered = get(&harness, path, &[]).await;
        assert_ne!(answered.status, StatusCode::NOT_FOUND, "{name}");
    }
    let pages = PagesConfig { enabled: false, ..PagesConfig::default() };
    let without = Harness::with(Config { pages, ..Config::default() }, None, None).await;
    assert_eq!(get(&without, "/.well-known/openid-configuration", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_of_any_origin_may_ask_what_is_open_and_nothing_else() {
    let harness = Harness::start().await;
    harness
        .auth
        .on(ISSUE, |_| message(&pb::IssueTokenResponse { error: error("invalid_grant"), ..Default::default() }));
    let origin = ("origin", "https://spa.example.net");
    let answered = post(&harness, TOKEN, &[origin], "grant_type=x").await;
    assert_eq!((answered.status, header(&answered, ACCESS_CONTROL_ALLOW_ORIGIN)), (StatusCode::BAD_REQUEST, "*"));
    assert_eq!(header(&answered, ACCESS_CONTROL_ALLOW_CREDENTIALS), "");
    let preflight =
        [origin, ("access-control-request-method", "GET"), ("access-control-request-headers", "authorization")];
    let answered = send(&harness, Method::OPTIONS, "/auth/oauth2/userinfo", &preflight, "").await;
    assert_eq!((answered.status, header(&answered, ACCESS_CONTROL_ALLOW_ORIGIN)), (StatusCode::NO_CONTENT, "*"));
    for closed in ["/auth/oauth2/introspect", "/auth/oauth2/consent", "/auth/v1/oauth2:issueToken"] {
        let answered = send(&harness, Method::OPTIONS, closed, &preflight, "").await;
        assert_eq!(
            (answered.status, header(&answered, ACCESS_CONTROL_ALLOW_ORIGIN)),
            (StatusCode::FORBIDDEN, ""),
            "{closed}"
        );
    }
    // With the cookies of somebody who is signed in it is nobody's.
    let cookie = ("cookie", "__Host-mainstay-refresh=x");
    assert_eq!(post(&harness, TOKEN, &[origin, cookie], "grant_type=x").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_browser_is_asked_led_and_sent_to_sign_in() {
    let harness = Harness::start().await;
    let question = pb::OAuthQuestion {
        ticket: "ticket".to_owned(),
        client: "<b>Shop</b>".to_owned(),
        leads_to: "https://shop.example.net".to_owned(),
        scopes: vec!["openid".to_owned(), "email".to_owned()],
        ..Default::default()
    };
    harness.auth.on(BEGIN, move |heard| {
        let request = pb::BeginAuthorizationRequest::decode(heard.message.clone()).unwrap();
        message(&match request.state.as_str() {
            "ask" => pb::BeginAuthorizationResponse { question: Some(question.clone()), ..Default::default() },
            "in" => pb::BeginAuthorizationResponse { sign_in: true, ..Default::default() },
            "confirm" => pb::BeginAuthorizationResponse { confirm: "b".to_owned(), ..Default::default() },
            _ => pb::BeginAuthorizationResponse {
                location: format!("https://shop.example.net/in?{}|{}", request.unsupported, request.repeated_parameter),
                ..Default::default()
            },
        })
    });
    let at = |query: &str| format!("{}?{query}", Page::Authorize.path());
    let asked = get(&harness, &at("client_id=i&state=ask"), &[]).await;
    let text = String::from_utf8(asked.body.to_vec()).unwrap();
    assert!(
        text.contains("&lt;b&gt;Shop") && text.contains(r#"name="ticket" value="ticket""#) && !text.contains("<b>")
    );
    assert!(
        header(&asked, CONTENT_SECURITY_POLICY)
            .contains("form-action 'self' https://shop.example.net; frame-ancestors 'none'")
    );
    assert_eq!((header(&asked, X_FRAME_OPTIONS), header(&asked, REFERRER_POLICY)), ("DENY", "same-origin"));
    let leads = async |query: &str| {
        let answered = get(&harness, &at(query), &[]).await;
        assert_eq!(answered.status, StatusCode::SEE_OTHER);
        header(&answered, LOCATION).to_owned()
    };
    assert_eq!(leads("state=x").await, "https://shop.example.net/in?|");
    assert_eq!(leads("state=x&request=y").await, "https://shop.example.net/in?request_not_supported|");
    assert_eq!(leads("state=x&scope=a&scope=b").await, "https://shop.example.net/in?|scope");
    let back = "/auth/sign-in?return_to=/auth/oauth2/authorize%3Fclient_id%3Di%26state%3Din%26login_hint%3Da%2540b";
    assert_eq!(leads("client_id=i&other=x&state=in&login_hint=a@b").await, format!("{back}&login_hint=a%40b"));
    let confirm = "/auth/confirm?return_to=/auth/oauth2/authorize%3Fstate%3Dconfirm%26began%3Db";
    assert_eq!(leads("state=confirm&began=old").await, confirm);
    let long = get(&harness, &at(&format!("state=in&nonce={}", "n".repeat(1_700))), &[]).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    // A request that is sent as a form is looked at as every other.
    let posted =
        post(&harness, Page::Authorize.path(), &[("sec-fetch-site", "same-origin")], "client_id=i&state=x+y").await;
    assert_eq!(header(&posted, LOCATION), at("client_id=i&state=x%20y"));
}

#[tokio::test]
async fn nobody_is_led_where_the_client_or_its_address_is_not_known() {
    let harness = Harness::start().await;
    harness.auth.on(BEGIN, |_| {
        Err(Fault::new(Reason::FieldViolation).violation("redirect_uri", "is none of the application's"))
    });
    let answered = get(&harness, "/auth/oauth2/authorize?redirect_uri=https://evil.example/", &[]).await;
    assert_eq!((answered.status, header(&answered, LOCATION)), (StatusCode::BAD_REQUEST, ""));
    let text = String::from_utf8(answered.body.to_vec()).unwrap();
    assert!(text.contains("redirect_uri") && !text.contains("evil.example"));
}

/// S26: another site's page decides nothing, and ends no session.
#[tokio::test]
async fn s26_what_another_site_sends_decides_nothing() {
    let harness = Harness::start().await;
    harness.auth.on(DECIDE, |_| {
        message(&pb::DecideAuthorizationResponse { location: "https://shop.example.net/in?code=c".to_owned() })
    });
    harness.auth.on(SIGN_OUT, |_| message(&pb::BeginSignOutResponse::default()));
    let cookie = ("cookie", "__Host-mainstay-refresh=x");
    let foreign =
        [&[cookie, ("sec-fetch-site", "cross-site")][..], &[cookie, ("origin", "https://evil.example")], &[cookie]];
    for path in [Page::Consent.path(), Page::DeviceConsent.path(), Page::TakeBack.path()] {
        for from in foreign {
            let answered = post(&harness, path, from, "ticket=t&decision=allow").await;
            assert_eq!(answered.status, StatusCode::FORBIDDEN, "{path} {from:?}");
        }
    }
    // Where a client may lead a browser by a form, it leads to the question, and no session comes with it.
    for from in foreign {
        let answered = post(&harness, Page::EndSession.path(), from, "state=s&decision=sign-out").await;
        assert_eq!(header(&answered, LOCATION), "/auth/oauth2/logout?state=s", "{from:?}");
        let answered = post(&harness, Page::Authorize.path(), from, "client_id=i&prompt=none").await;
        assert_eq!(header(&answered, LOCATION), "/auth/oauth2/authorize?client_id=i&prompt=none", "{from:?}");
    }
    assert_eq!(harness.auth.calls().len(), 0);
    // Without cookies nobody is signed in: the page asks first.
    let answered = post(&harness, Page::EndSession.path(), &[("sec-fetch-site", "same-origin")], "state=s").await;
    assert_eq!(header(&answered, LOCATION), "/auth/oauth2/logout?state=s");
}
