//! gRPC-Web: gRPC's frames, with the trailers in the body, as bytes and as text.

use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body::Frame;
use http_body_util::StreamBody;
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::Config;
use mainstay_layers::Body;
use mainstay_runtime::channel::Reply;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{Answered, Harness, full, operator};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";
const WATCH: &str = "/library.v1.Library/Watch";
const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text";

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

fn request(path: &str, kind: &str, body: Body) -> Request<Body> {
    let request = Request::builder().method(Method::POST).uri(path).header("content-type", kind);
    request.header("x-grpc-web", "1").body(body).unwrap()
}

/// A body that comes in these pieces.
fn pieces(pieces: impl IntoIterator<Item = Vec<u8>>) -> Body {
    let frames: Vec<_> = pieces.into_iter().map(|piece| Ok::<_, Status>(Frame::data(Bytes::from(piece)))).collect();
    Body::new(StreamBody::new(tokio_stream::iter(frames)))
}

/// What a client reads of an answer: its messages, and its status.
fn read(answer: &Answered) -> (Vec<Bytes>, Status) {
    let kind = answer.headers["content-type"].to_str().unwrap();
    let mut body = match kind {
        "application/grpc-web-text+proto" => Bytes::from(BASE64.decode(&answer.body).unwrap()),
        BINARY => answer.body.clone(),
        other => panic!("{other}"),
    };
    if let Some(status) = Status::from_header_map(&answer.headers) {
        assert!(body.is_empty(), "a status in the head is all there is");
        return (Vec::new(), status);
    }
    let mut messages = Vec::new();
    loop {
        let head = body.split_to(5);
        let data = body.split_to(u32::from_be_bytes(head[1..].try_into().unwrap()) as usize);
        if head[0] == 0x80 {
            assert!(body.is_empty(), "the trailers are the last frame");
            return (messages, trailers(&data));
        }
        assert_eq!(head[0], 0);
        messages.push(data);
    }
}

fn trailers(block: &[u8]) -> Status {
    let text = std::str::from_utf8(block).unwrap();
    let mut headers = HeaderMap::new();
    for line in text.split_terminator("\r\n") {
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
    }
    Status::from_header_map(&headers).expect("the trailers have a status")
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_message_passes_undecoded_as_bytes_and_as_text() {
    let harness = Harness::start().await;
    let message = Bytes::from_static(b"\xff\x00whatever");
    for (kind, answered) in [
        ("application/grpc-web", BINARY),
        (BINARY, BINARY),
        ("Application/GRPC-Web+Proto; charset=x", BINARY),
        (TEXT, "application/grpc-web-text+proto"),
        ("application/grpc-web-text+proto", "application/grpc-web-text+proto"),
    ] {
        let body = framed(&message);
        let body = if kind.contains("text") { BASE64.encode(&body).into_bytes() } else { body };
        let answer = harness.send(request(GET_BOOK, kind, full(body))).await;
        assert_eq!((answer.status.as_u16(), &answer.headers["content-type"]), (200, &answered.parse().unwrap()));
        let (messages, status) = read(&answer);
        assert_eq!((messages, status.code()), (vec![message.clone()], Code::Ok), "{kind}");
    }
    let call = &harness.data.calls()[0];
    assert_eq!((&*call.path, &call.message), (GET_BOOK, &message));
}

#[tokio::test]
async fn an_answer_is_text_where_that_is_wanted() {
    let harness = Harness::start().await;
    const WEB_TEXT: &str = "application/grpc-web-text+proto";
    for (accept, kind) in [
        (TEXT, WEB_TEXT),
        (BINARY, BINARY),
        ("*/*", BINARY),
        ("application/grpc-web-text;q=0, application/grpc-web+proto", BINARY),
        ("application/grpc-web-text;q=0", BINARY),
        ("application/grpc-web-text;q=0.1, application/grpc-web+proto;q=1", BINARY),
        ("application/grpc-web+proto;q=0.1, application/grpc-web-text", WEB_TEXT),
        ("application/grpc-web-text, application/grpc-web+proto", WEB_TEXT),
    ] {
        let mut wanting = request(GET_BOOK, BINARY, full(framed(b"x")));
        wanting.headers_mut().insert("accept", accept.parse().unwrap());
        let answer = harness.send(wanting).await;
        assert_eq!(answer.headers["content-type"], kind, "{accept}");
        assert_eq!(read(&answer).0, ["x"]);
    }
}

#[tokio::test]
async fn text_may_be_cut_and_padded_anywhere() {
    let harness = Harness::start().await;
    let message = vec![7; 100];
    let frame = framed(&message);
    for size in 1..9 {
        let whole = BASE64.encode(&frame).into_bytes();
        let body = pieces(whole.chunks(size).map(<[u8]>::to_vec));
        assert_eq!(read(&harness.send(request(GET_BOOK, TEXT, body)).await).0, [&*message], "cut every {size}");
        let padded: Vec<u8> = frame.chunks(size).flat_map(|piece| BASE64.encode(piece).into_bytes()).collect();
        assert_eq!(read(&harness.send(request(GET_BOOK, TEXT, full(padded))).await).0, [&*message], "padded {size}");
    }
}

#[tokio::test]
async fn a_stream_comes_frame_by_frame_and_ends_with_its_status() {
    let harness = Harness::start().await;
    harness.data.on(WATCH, |_| {
        let broken = Err(Fault::new(Reason::Unavailable).message("the disk is \"away\"\n"));
        let messages = vec![Ok(Bytes::from_static(b"one")), Ok(Bytes::from_static(b"three")), broken];
        Ok(Reply::Stream(Box::pin(tokio_stream::iter(messages))))
    });
    for kind in [BINARY, TEXT] {
        let body = framed(b"");
        let body = if kind == TEXT { BASE64.encode(&body).into_bytes() } else { body };
        let (messages, status) = read(&harness.send(request(WATCH, kind, full(body))).await);
        assert_eq!(messages, ["one", "three"]);
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "the disk is \"away\"\n"));
        assert_eq!(reason(&status), "UNAVAILABLE");
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_head_with_its_details() {
    let harness = Harness::start().await;
    harness.data.on(GET_BOOK, |_| Err(Fault::new(Reason::FieldViolation).violation("book.title", "is too long")));
    for kind in [BINARY, TEXT] {
        let body = framed(b"");
        let body = if kind == TEXT { BASE64.encode(&body).into_bytes() } else { body };
        let answer = harness.send(request(GET_BOOK, kind, full(body))).await;
        assert_eq!(answer.status.as_u16(), 200);
        let (messages, status) = read(&answer);
        assert!(messages.is_empty());
        assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, "FIELD_VIOLATION".to_owned()));
        assert_eq!(status.get_error_details().bad_request().unwrap().field_violations[0].field, "book.title");
    }
}

#[tokio::test]
async fn what_is_no_frame_is_refused_in_the_protocols_own_form() {
    let config = Config { max_request_bytes: 1_000, ..Config::default() };
    let harness = Harness::with(config, Some(crate::support::library()), None).await;
    let large = framed(&[7; 1_001]);
    let cases: [(&str, Vec<u8>, &str); 12] = [
        (BINARY, vec![], "MALFORMED_REQUEST"),
        (BINARY, vec![0, 0, 0], "MALFORMED_REQUEST"),
        (BINARY, vec![0, 0, 0, 0, 9, 1], "MALFORMED_REQUEST"),
        (BINARY, vec![2, 0, 0, 0, 0], "MALFORMED_REQUEST"),
        (BINARY, vec![0x80, 0, 0, 0, 0], "MALFORMED_REQUEST"),
        (BINARY, [framed(b"a"), framed(b"b")].concat(), "UNIMPLEMENTED"),
        (BINARY, large.clone(), "PAYLOAD_TOO_LARGE"),
        (BINARY, vec![1, 0, 0, 0, 1, 7], "INTERNAL"),
        (TEXT, b"AAA".to_vec(), "MALFORMED_REQUEST"),
        (TEXT, b"AAAA?AAA".to_vec(), "MALFORMED_REQUEST"),
        (TEXT, framed(b"not base64"), "MALFORMED_REQUEST"),
        (TEXT, BASE64.encode(&large).into_bytes(), "PAYLOAD_TOO_LARGE"),
    ];
    for (kind, body, wanted) in cases {
        let answer = harness.send(request(GET_BOOK, kind, full(body.clone()))).await;
        let (messages, status) = read(&answer);
        assert_eq!((messages.len(), reason(&status).as_str()), (0, wanted), "{kind} {body:?}: {status}");
    }
    for coding in ["br", "gzip, br", "snappy"] {
        let mut compressed = request(GET_BOOK, BINARY, full(vec![1, 0, 0, 0, 1, 7]));
        compressed.headers_mut().insert("grpc-encoding", coding.parse().unwrap());
        let answer = harness.send(compressed).await;
        assert_eq!(read(&answer).1.code(), Code::Unimplemented, "{coding}");
        assert!(answer.headers["grpc-accept-encoding"].to_str().unwrap().contains("gzip"));
    }
    assert!(harness.data.was_asked_for_nothing());
}

#[tokio::test]
async fn s17_the_same_is_decided_as_over_grpc() {
    let harness = Harness::start().await;
    let watch = "/mainstay.data.v1.ContractService/GetContract";
    for (path, code) in [
        (watch, Code::Unauthenticated),
        ("/library.v1.BookService/getBook", Code::Unimplemented),
        ("/library.v1.BookService/GetBook/", Code::Unimplemented),
        ("//library.v1.BookService/GetBook", Code::Unimplemented),
        ("/shop/v1/products", Code::Unimplemented),
    ] {
        for kind in [BINARY, TEXT] {
            let answer = harness.send(request(path, kind, full(framed(b"")))).await;
            assert_eq!(read(&answer).1.code(), code, "{path} {kind}");
        }
    }
    let mut known = request(watch, BINARY, full(framed(b"")));
    known.headers_mut().insert("authorization", operator().parse().unwrap());
    assert_eq!(read(&harness.send(known).await).1.code(), Code::Ok);
    let get = Request::builder().uri(GET_BOOK).header("content-type", BINARY).body(full("")).unwrap();
    assert_eq!(read(&harness.send(get).await).1.code(), Code::Unimplemented, "a call is a POST");
}

#[tokio::test]
async fn health_and_reflection_are_served_as_well() {
    let harness = Harness::start().await;
    harness.ready().await;
    for kind in [BINARY, TEXT] {
        let body = framed(b"");
        let body = if kind == TEXT { BASE64.encode(&body).into_bytes() } else { body };
        let (messages, status) = read(&harness.send(request("/grpc.health.v1.Health/Check", kind, full(body))).await);
        assert_eq!((messages, status.code()), (vec![Bytes::from_static(&[8, 1])], Code::Ok), "{kind}");
    }
}

#[tokio::test]
async fn a_call_is_counted_with_its_code_also_where_that_is_in_the_body() {
    let harness = Harness::start().await;
    harness.data.on(WATCH, |_| {
        let broken = Err(Fault::new(Reason::Unavailable));
        Ok(Reply::Stream(Box::pin(tokio_stream::iter([Ok(Bytes::from_static(b"one")), broken]))))
    });
    harness.send(request(WATCH, BINARY, full(framed(b"")))).await;
    let metrics = harness.metrics.render();
    assert!(
        metrics.contains("http_route=\"/library.v1.Library/Watch\"") && metrics.contains("rpc_grpc_status_code=\"14\""),
        "{metrics}"
    );
}
