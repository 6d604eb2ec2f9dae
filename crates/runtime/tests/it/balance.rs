//! A service behind several addresses.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Principal;
use mainstay_runtime::Work as _;
use mainstay_runtime::channel::balance::{Balanced, Keeper, UpstreamConfig};
use mainstay_runtime::channel::{Call, Channel, Input, Target};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::Code;

/// A service that says what it is told to.
struct Member {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    name: String,
    says: Mutex<Says>,
    /// What `grpc.health.v1.Health` says; nothing where there is no such service.
    serves: Mutex<Option<bool>>,
    calls: AtomicUsize,
    seen: Mutex<Vec<HeaderMap>>,
    connections: Mutex<Vec<tokio::task::AbortHandle>>,
}

#[derive(Clone, Copy)]
enum Says {
    /// Its name, in one message, or several.
    Name(usize),
    Status(Code),
    /// Nothing, for so long.
    Late(Duration),
}

impl Member {
    async fn start(name: &str) -> Member {
        Member::at("127.0.0.1:0".parse().unwrap(), name).await
    }

    async fn at(address: SocketAddr, name: &str) -> Member {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            says: Mutex::new(Says::Name(1)),
            serves: Mutex::new(Some(true)),
            calls: AtomicUsize::new(0),
            seen: Mutex::default(),
            connections: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Member { address, shared, accepting }
    }

    fn says(&self, says: Says) {
        *self.shared.says.lock().unwrap() = says;
    }

    fn serves(&self, serves: Option<bool>) {
        *self.shared.serves.lock().unwrap() = serves;
    }

    fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::SeqCst)
    }

    /// It is gone, with all connections.
    fn stop(&self) {
        self.accepting.abort();
        self.shared.connections.lock().unwrap().drain(..).for_each(|connection| connection.abort());
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let of = Arc::clone(&shared);
        let serve = async move {
            let service = hyper::service::service_fn(|request| answer(Arc::clone(&of), request));
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        };
        shared.connections.lock().unwrap().push(tokio::spawn(serve).abort_handle());
    }
}

type Answered = Response<StreamBody<futures_util::stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>>>;

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Answered, Infallible> {
    if request.uri().path() == "/grpc.health.v1.Health/Check" {
        let serves = *shared.serves.lock().unwrap();
        return Ok(match serves {
            None => framed(Vec::new(), Code::Unimplemented),
            Some(serves) => framed(vec![vec![8, if serves { 1 } else { 2 }]], Code::Ok),
        });
    }
    shared.calls.fetch_add(1, Ordering::SeqCst);
    shared.seen.lock().unwrap().push(request.headers().clone());
    let says = *shared.says.lock().unwrap();
    Ok(match says {
        Says::Name(times) => framed(vec![shared.name.clone().into_bytes(); times], Code::Ok),
        Says::Status(code) => framed(Vec::new(), code),
        Says::Late(pause) => {
            tokio::time::sleep(pause).await;
            framed(vec![shared.name.clone().into_bytes()], Code::Ok)
        }
    })
}

fn framed(messages: Vec<Vec<u8>>, code: Code) -> Answered {
    let mut frames: Vec<Result<Frame<Bytes>, Infallible>> = Vec::new();
    for message in messages {
        let mut frame = vec![0];
        frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        frame.extend(message);
        frames.push(Ok(Frame::data(frame.into())));
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code as i32));
    trailers.insert("grpc-message", HeaderValue::from_static("postgres://secret at line 7"));
    frames.push(Ok(Frame::trailers(trailers)));
    let body = StreamBody::new(futures_util::stream::iter(frames).boxed());
    Response::builder().header("content-type", "application/grpc").body(body).unwrap()
}

fn balanced(members: &[&Member], change: impl FnOnce(&mut UpstreamConfig)) -> Balanced {
    let mut config = UpstreamConfig::at(members.iter().map(|member| format!("http://{}", member.address)).collect());
    change(&mut config);
    Balanced::new("pricing", &config).unwrap()
}

fn call() -> Call {
    Call::new("/t.Pricing/Price", Principal::anonymous(), Bytes::from_static(b"?"))
}

fn repeatable() -> Call {
    Call { target: Target { repeatable: true, ..Target::new("/t.Pricing/Price") }, ..call() }
}

async fn ask(channel: &Balanced, call: Call) -> Result<String, Fault> {
    let message = channel.call(call).await?.message()?;
    Ok(String::from_utf8(message.to_vec()).unwrap())
}

/// Asks so many times. Returns how often each member answered.
async fn survey(channel: &Balanced, times: usize, call: fn() -> Call) -> HashMap<String, usize> {
    let mut answers = HashMap::new();
    for _ in 0..times {
        *answers.entry(ask(channel, call()).await.unwrap()).or_default() += 1;
    }
    answers
}

#[tokio::test]
async fn all_members_get_calls_and_a_busy_one_gets_fewer() {
    let (a, b, c) = (Member::start("a").await, Member::start("b").await, Member::start("c").await);
    let channel = balanced(&[&a, &b, &c], |_| {});
    let answers = survey(&channel, 300, call).await;
    assert!(answers.len() == 3 && answers.values().all(|count| *count >= 50), "{answers:?}");
    a.says(Says::Late(Duration::from_secs(3_600)));
    let before = a.calls();
    let mut waiting: Vec<_> = (0..40)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move { ask(&channel, call()).await })
        })
        .collect();
    // Until the others' answers are with who asked: before that, they are busy, too.
    while a.calls() + b.calls() + c.calls() < 340 || waiting.len() > a.calls() - before {
        tokio::time::sleep(Duration::from_millis(1)).await;
        waiting.retain(|call| !call.is_finished());
    }
    let kept = a.calls() - before;
    assert!(0 < kept && kept < 40, "{kept}");
    survey_of_others(&channel, &a).await;
    waiting.iter().for_each(JoinHandle::abort);
}

/// Who has open calls loses each comparison with who has none.
async fn survey_of_others(channel: &Balanced, busy: &Member) {
    let before = busy.calls();
    for _ in 0..50 {
        ask(channel, call()).await.expect("one that is not busy answers");
    }
    assert_eq!(busy.calls(), before);
}

#[tokio::test]
async fn a_member_that_is_gone_costs_nobody_a_call_and_comes_back() {
    let (a, b) = (Member::start("a").await, Member::start("b").await);
    let channel = balanced(&[&a, &b], |_| {});
    survey(&channel, 20, call).await;
    let address = a.address;
    a.stop();
    drop(a);
    // A call that was on its way when the connection broke may have been heard: who may be asked twice finds out that it is gone.
    let answers = survey(&channel, 20, repeatable).await;
    assert_eq!(answers, HashMap::from([("b".to_owned(), 20)]));
    // From then on it costs nothing to those either that may not be asked twice: they are never heard.
    let answers = survey(&channel, 50, call).await;
    assert_eq!(answers, HashMap::from([("b".to_owned(), 50)]));
    let back = Member::at(address, "a").await;
    let mut keeper = Keeper::of([&channel]);
    keeper.round().await.unwrap();
    let answers = survey(&channel, 50, call).await;
    assert!(answers.contains_key("a"), "{answers:?}");
    drop(back);
}

#[tokio::test]
async fn what_may_be_asked_twice_is_where_a_member_says_that_it_cannot_answer() {
    let (a, b) = (Member::start("a").await, Member::start("b").await);
    let channel = balanced(&[&a, &b], |config| config.health = false);
    a.says(Says::Status(Code::Unavailable));
    let answers = survey(&channel, 30, repeatable).await;
    assert_eq!(answers, HashMap::from([("b".to_owned(), 30)]));
    assert!(a.calls() >= 1 && a.calls() <= 4, "left out after three in a row, not asked {} times", a.calls());

    let (a, b) = (Member::start("a").await, Member::start("b").await);
    let channel = balanced(&[&a, &b], |config| config.health = false);
    a.says(Says::Status(Code::Unavailable));
    let mut refused = 0;
    for _ in 0..30 {
        match ask(&channel, call()).await {
            Ok(name) => assert_eq!(name, "b"),
            Err(fault) => {
                assert_eq!(fault.code(), Code::Unavailable);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, a.calls(), "none of them was asked twice");
}

#[tokio::test]
async fn other_refusals_are_told_as_they_are_and_nothing_of_what_broke() {
    let a = Member::start("a").await;
    let channel = balanced(&[&a], |_| {});
    for (code, told) in [
        (Code::NotFound, Code::NotFound),
        (Code::FailedPrecondition, Code::FailedPrecondition),
        (Code::Unauthenticated, Code::Unauthenticated),
        (Code::Unknown, Code::Internal),
        (Code::Internal, Code::Internal),
        (Code::DataLoss, Code::Internal),
    ] {
        a.says(Says::Status(code));
        let before = a.calls();
        let fault = ask(&channel, repeatable()).await.unwrap_err();
        assert_eq!((fault.code(), a.calls() - before), (told, 1), "{code:?}");
        let is_told = fault.to_string().contains("secret");
        assert_eq!(is_told, told != Code::Internal, "{code:?}: {fault}");
    }
}

#[tokio::test]
async fn where_everything_fails_a_fifth_of_the_calls_is_asked_again() {
    let (a, b) = (Member::start("a").await, Member::start("b").await);
    let channel = balanced(&[&a, &b], |config| config.health = false);
    a.says(Says::Status(Code::Unavailable));
    b.says(Says::Status(Code::Unavailable));
    for _ in 0..200 {
        assert_eq!(ask(&channel, repeatable()).await.unwrap_err().code(), Code::Unavailable);
    }
    let more = a.calls() + b.calls() - 200;
    assert!((40..=60).contains(&more), "{more}");
}

#[tokio::test]
async fn a_member_that_says_that_it_does_not_serve_gets_nothing() {
    let (a, b) = (Member::start("a").await, Member::start("b").await);
    let channel = balanced(&[&a, &b], |_| {});
    let mut keeper = Keeper::of([&channel]);
    a.serves(Some(false));
    keeper.round().await.unwrap();
    assert_eq!(survey(&channel, 30, call).await, HashMap::from([("b".to_owned(), 30)]));
    a.serves(None);
    keeper.round().await.unwrap();
    assert_eq!(survey(&channel, 60, call).await.len(), 2, "one without a health service serves");
    a.serves(Some(false));
    b.serves(Some(false));
    keeper.round().await.unwrap();
    assert_eq!(survey(&channel, 60, call).await.len(), 2, "where nobody serves, all are asked");
}

#[tokio::test]
async fn one_that_serves_and_does_not_answer_stays_away_longer_each_time() {
    let (a, b) = (Member::start("a").await, Member::start("b").await);
    let channel = balanced(&[&a, &b], |_| {});
    let mut keeper = Keeper::of([&channel]);
    a.says(Says::Status(Code::Unavailable));
    survey(&channel, 40, repeatable).await;
    let before = a.calls();
    assert_eq!(before, 3, "three in a row are enough");
    for _ in 0..5 {
        keeper.round().await.unwrap();
        survey(&channel, 10, repeatable).await;
    }
    assert_eq!(a.calls(), before, "that it says it serves brings it back no sooner");
}

#[tokio::test]
async fn nobody_waits_longer_than_the_service_may_take() {
    let a = Member::start("a").await;
    let channel = balanced(&[&a], |config| config.timeout_seconds = 1);
    a.says(Says::Late(Duration::from_secs(3_600)));
    let began = Instant::now();
    let fault = ask(&channel, call().deadline(Instant::now() + Duration::from_secs(300))).await.unwrap_err();
    assert_eq!(fault.reason(), Some(Reason::DeadlineExceeded));
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn an_address_where_nobody_answers_costs_nobody_a_call() {
    // What is sent there is not refused, and not answered (RFC 5737).
    let a = Member::start("a").await;
    let urls = vec!["http://192.0.2.1:9".to_owned(), format!("http://{}", a.address)];
    let channel = Balanced::new("pricing", &UpstreamConfig::at(urls)).unwrap();
    let answers = survey(&channel, 12, call).await;
    assert_eq!(answers, HashMap::from([("a".to_owned(), 12)]));
}

#[tokio::test]
async fn a_call_takes_as_long_as_it_may_and_no_longer() {
    let a = Member::start("a").await;
    let channel = balanced(&[&a], |_| {});
    a.says(Says::Late(Duration::from_secs(3_600)));
    let deadline = Instant::now() + Duration::from_millis(80);
    let fault = ask(&channel, call().deadline(deadline)).await.unwrap_err();
    assert_eq!(fault.reason(), Some(Reason::DeadlineExceeded));
    let seen = a.shared.seen.lock().unwrap();
    let timeout = seen[0]["grpc-timeout"].to_str().unwrap();
    assert!(timeout.ends_with('u') || timeout.ends_with('n') || timeout.ends_with('m'), "it shrinks: {timeout}");
}

#[tokio::test]
async fn more_calls_than_it_may_have_at_once_are_refused() {
    let a = Member::start("a").await;
    let channel = balanced(&[&a], |config| config.max_requests = 2);
    let stream = Call { target: Target::new("/t.Pricing/Watch").streaming(), ..call() };
    a.says(Says::Name(3));
    let first = channel.call(stream).await.unwrap().stream().unwrap();
    let second = channel.call(Call { target: Target::new("/t.Pricing/Watch").streaming(), ..call() }).await.unwrap();
    a.says(Says::Name(1));
    let refused = ask(&channel, call()).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Overloaded));
    let messages: Vec<_> = first.map(|message| message.unwrap()).collect().await;
    assert_eq!(messages, ["a", "a", "a"]);
    assert_eq!(ask(&channel, call()).await.unwrap(), "a", "its place is free again");
    drop(second);
}

#[tokio::test]
async fn what_goes_to_it_is_the_call_and_nothing_of_the_platforms() {
    let a = Member::start("a").await;
    let channel = balanced(&[&a], |_| {});
    let mut call = call();
    call.token = Some(HeaderValue::from_static("Bearer assertion"));
    call.request_id = Some(HeaderValue::from_static("order-42"));
    call.peer = Some("2001:db8::1".parse().unwrap());
    call.agent = Some(HeaderValue::from_static("curl"));
    call.target = call.target.under(7);
    ask(&channel, call).await.unwrap();
    let seen = a.shared.seen.lock().unwrap();
    assert_eq!(seen[0]["authorization"], "Bearer assertion");
    assert_eq!(seen[0]["x-request-id"], "order-42");
    let own = seen[0].keys().filter(|name| name.as_str().contains("mainstay") || *name == "contract-revision");
    assert_eq!(own.count(), 0, "{:?}", seen[0]);
}

#[tokio::test]
async fn a_stream_of_the_callers_is_sent_once() {
    let (a, b) = (Member::start("a").await, Member::start("b").await);
    let channel = balanced(&[&a, &b], |config| config.health = false);
    a.says(Says::Status(Code::Unavailable));
    b.says(Says::Status(Code::Unavailable));
    let messages = futures_util::stream::iter([Ok(Bytes::from_static(b"1"))]).boxed();
    let target = Target { repeatable: true, ..Target::new("/t.Pricing/AddUp") };
    let call = Call { input: Input::Stream(messages), target, ..call() };
    assert_eq!(ask(&channel, call).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(a.calls() + b.calls(), 1);
}

#[tokio::test]
async fn a_name_stands_for_all_that_it_resolves_to() {
    let a = Member::start("a").await;
    let url = format!("http://localhost:{}", a.address.port());
    let channel = Balanced::new("pricing", &UpstreamConfig::at(vec![url])).unwrap();
    // `localhost` may be ::1 as well, where nobody is.
    assert_eq!(survey(&channel, 20, call).await, HashMap::from([("a".to_owned(), 20)]));
}

#[test]
fn what_cannot_work_is_told_with_its_path() {
    let told = |change: fn(&mut UpstreamConfig)| {
        let mut config = UpstreamConfig::at(vec!["http://127.0.0.1:1".into()]);
        change(&mut config);
        config.problems().into_iter().map(|(path, _)| path).collect::<Vec<_>>()
    };
    assert_eq!(told(|_| {}), [] as [&str; 0]);
    assert_eq!(told(|config| config.urls.0.clear()), ["urls"]);
    assert_eq!(told(|config| config.urls.0 = vec!["http://a".into(); 65]), ["urls"]);
    for url in ["", "pricing", "ftp://pricing", "http://", "http://pricing/path", "http://pricing?x", "http://a b"] {
        let mut config = UpstreamConfig::at(vec![url.into()]);
        assert_eq!(config.problems().len(), 1, "{url}");
        config.urls.0 = vec!["http://pricing".into(), url.into()];
        assert_eq!(config.problems().len(), 1, "{url}");
    }
    assert_eq!(told(|config| config.timeout_seconds = 0), ["timeout_seconds"]);
    assert_eq!(told(|config| config.max_requests = 0), ["max_requests"]);
    assert_eq!(told(|config| config.key_file = Some("key.pem".into())), ["certificate_file"]);
    let missing = |config: &mut UpstreamConfig| {
        config.urls.0 = vec!["https://127.0.0.1:1".into()];
        config.ca_file = Some("/nowhere/ca.pem".into());
    };
    assert_eq!(told(missing), ["urls"]);
}
