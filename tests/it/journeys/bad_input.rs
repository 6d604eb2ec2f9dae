//! Input that makes no sense, sent to the real server: each gets an answer that says what is wrong, and the server lives.

use http::Method;
use mainstay_identity::Principal;
use mainstay_runtime::channel::{Call, Channel as _, GrpcChannel, Input, RemoteConfig};
use mainstay_testkit::http::Http;
use mainstay_testkit::tools::curl;

use crate::support::{System, notes};

const NOTES: &str = "/notes/v1/notes";

/// A body, and what the refusal must name.
fn bodies() -> Vec<(Vec<u8>, u16, &'static str)> {
    let nested = |open: &str, close: &str| format!("{{\"body\": {}{}}}", open.repeat(10_000), close.repeat(10_000));
    vec![
        (b"{".to_vec(), 400, ""),
        (b"[]".to_vec(), 400, ""),
        (b"nonsense".to_vec(), 400, ""),
        (b"{} {}".to_vec(), 400, ""),
        (br#"{"body": 5}"#.to_vec(), 400, "body"),
        (br#"{"weight": 2147483648}"#.to_vec(), 400, "weight"),
        (br#"{"weight": "x"}"#.to_vec(), 400, "weight"),
        (br#"{"colour": 1}"#.to_vec(), 400, "colour"),
        (br#"{"body": "a", "body": "b"}"#.to_vec(), 400, "body"),
        (b"{\"body\": \"a\\u0000b\"}".to_vec(), 400, "body"),
        (b"{\"body\": \"\xff\xfe\"}".to_vec(), 400, ""),
        (br#"{"body": "\ud800"}"#.to_vec(), 400, ""),
        (nested("[", "]").into_bytes(), 400, ""),
        (nested("{\"a\":", "}").into_bytes(), 400, ""),
    ]
}

/// A query of List, and what the refusal must name.
const QUERIES: [(&str, &str); 11] = [
    ("pageSize=-1", "page_size"),
    ("pageSize=x", "page"),
    ("colour=1", "colour"),
    ("pageToken=AAAA", "page_token"),
    ("pageToken=%00", "page"),
    ("filter=colour%20%3D%201", "colour"),
    ("filter=weight%20%3D%20%22x%22", "column 10"),
    ("filter=%28%28%28", "filter"),
    ("filter=body%20%3D%20%27%3B%20DROP%20TABLE", "filter"),
    ("orderBy=colour", "colour"),
    ("orderBy=weight%20sideways", "order_by"),
];

const IDS: [&str; 5] =
    ["UPPER", "-a", "a..b%2Fc", "%00", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"];

#[tokio::test]
async fn every_kind_of_bad_input_is_refused_by_name_and_the_server_lives() {
    let mut system = System::one(mainstay_testkit::Engine::Sqlite, notes::folder()).await;
    let http = system.http();
    notes::create(&http, "one").await;
    for (body, status, named) in bodies() {
        let sent = body[..body.len().min(40)].to_vec();
        refused(&http, Method::POST, NOTES, body, status, named, &String::from_utf8_lossy(&sent)).await;
    }
    for (query, named) in QUERIES {
        refused(&http, Method::GET, &format!("{NOTES}?{query}"), Vec::new(), 400, named, query).await;
    }
    for id in IDS {
        refused(&http, Method::POST, &format!("{NOTES}?noteId={id}"), b"{}".to_vec(), 400, "", id).await;
    }
    for mask in ["colour", "body..x", "name", "title_0,,"] {
        let path = format!("{NOTES}/one?updateMask={mask}");
        let answer = http.send_bytes(Method::PATCH, &path, Some("{\"body\": \"x\"}".into())).await;
        let answer = answer.expect("the server answers");
        assert!(matches!(answer.status, 200 | 400), "{mask}: {}", answer.text());
    }
    for token in ["x", "a.b.c", &"a".repeat(5_000)] {
        http.with_token(token).get(NOTES).await.refusal(401, "UNAUTHENTICATED");
    }
    a_body_of_ten_megabytes_is_not_read(&system);
    http.get(&format!("{NOTES}/none")).await.refusal(404, "NOT_FOUND");
    http.delete(NOTES).await.refusal(405, "UNIMPLEMENTED");

    assert!(system.gateway.has_ended().is_none(), "{}", system.gateway.log());
    assert!(!system.gateway.log().contains("panicked"), "{}", system.gateway.log());
    assert_eq!(notes::all(&http).await.keys().collect::<Vec<_>>(), ["one"], "nothing was stored");
}

/// curl asks first whether a body of this size is wanted.
fn a_body_of_ten_megabytes_is_not_read(system: &System) {
    let file = system.folder.path().join("large.json");
    std::fs::write(&file, vec![b' '; 10 << 20]).expect("a file can be written");
    let (status, body) =
        curl(&["--data-binary", &format!("@{}", file.display()), &format!("{}{NOTES}", system.gateway.url())]);
    assert_eq!(status, 413, "{body}");
    assert!(body["error"]["message"].as_str().is_some_and(|message| message.contains("4194304")), "{body}");
}

async fn refused(http: &Http, method: Method, path: &str, body: Vec<u8>, status: u16, named: &str, what: &str) {
    let body = (method != Method::GET).then(|| body.into());
    let answer = http.send_bytes(method, path, body).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    let error = answer.json()["error"].clone();
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}: {error}");
    assert!(error.to_string().contains(named), "{what}: {named:?} is not named: {error}");
    for inside in ["src/", "sqlite", "SELECT", "INSERT", "panicked"] {
        assert!(!error.to_string().contains(inside), "{what}: {error}");
    }
}

/// No message of any request type.
const UNREADABLE: [&[u8]; 4] = [&[0x07], &[0x0a, 0x09], &[0xff; 11], &[0x0a, 0x01, 0xff]];

/// Whoever decodes a message, on whichever port: it is refused with the same reason, in our words.
#[tokio::test]
async fn a_message_that_cannot_be_read_has_the_same_reason_everywhere() {
    let mut system = System::three(mainstay_testkit::Engine::Sqlite, notes::folder()).await;
    let (auth, data) = (system.auth().url(), system.data().url());
    let ports = [
        (system.gateway.url(), &["/mainstay.auth.v1.SessionService/SignIn", "/notes.v1.NoteService/GetNote"][..]),
        (auth, &["/mainstay.auth.v1.SessionService/SignIn", "/mainstay.auth.v1.AccountService/SignUp"]),
        (data, &["/notes.v1.NoteService/GetNote"]),
    ];
    for (url, methods) in ports {
        let port =
            GrpcChannel::connect(&RemoteConfig { url: url.clone(), ..RemoteConfig::default() }, None).expect("a URL");
        for path in methods.iter().chain(&["/grpc.health.v1.Health/Check"]) {
            for message in UNREADABLE {
                let call = Call::new(*path, Principal::anonymous(), Input::Message(message.into()));
                let Err(fault) = port.call(call).await else { panic!("{url} {path}: {message:?} was read") };
                let reason = fault.reason().map(|reason| reason.name());
                assert_eq!(reason, Some("MALFORMED_REQUEST"), "{url} {path} {message:?}: {fault:?}");
                assert!(!fault.text().contains("Protobuf"), "{fault}");
            }
        }
    }
}
