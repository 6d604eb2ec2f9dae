//! gRPC is passed through.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, Request};
use mainstay_fault::{Fault, Reason};
use mainstay_runtime::RawCodec;
use mainstay_runtime::channel::Reply;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{Harness, full};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";
const WATCH: &str = "/library.v1.Library/Watch";

#[tokio::test]
async fn a_unary_message_passes_undecoded() {
    let harness = Harness::start().await;
    // Not even valid protobuf: what it means is the service's business.
    let bytes = Bytes::from_static(b"\xff\x00whatever");
    assert_eq!(harness.grpc(GET_BOOK, bytes.clone()).await.unwrap(), bytes);
    let call = harness.data.only_call();
    assert_eq!((&*call.path, &call.message, call.streams), (GET_BOOK, &bytes, false));
    assert!(harness.grpc(GET_BOOK, "").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_method_without_a_rest_route_is_reachable() {
    let harness = Harness::start().await;
    assert_eq!(harness.grpc("/library.v1.Library/NoRoute", "x").await.unwrap(), "x");
}

#[tokio::test]
async fn gzip_is_read_and_answered_to_who_sends_it() {
    let harness = Harness::start().await;
    let message = Bytes::from("a".repeat(10_000));
    let path = || http::uri::PathAndQuery::from_static(GET_BOOK);
    let mut both =
        harness.client().send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    let answer = both.unary(tonic::Request::new(message.clone()), path(), RawCodec).await.unwrap();
    assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "gzip");
    assert_eq!(answer.into_inner(), message);
    let mut reads = harness.client().accept_compressed(CompressionEncoding::Gzip);
    let answer = reads.unary(tonic::Request::new(message.clone()), path(), RawCodec).await.unwrap();
    assert!(answer.metadata().get("grpc-encoding").is_none());
    assert_eq!(harness.data.calls()[0].message, message);
}

/// Every method of the port: the application's, the platform's, health and reflection.
const ALL_KINDS: [&str; 5] = [
    GET_BOOK,
    WATCH,
    "/mainstay.auth.v1.SessionService/SignIn",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
];

#[tokio::test]
async fn an_encoding_that_is_not_known_is_unimplemented_and_the_known_ones_are_named() {
    let harness = Harness::start().await;
    for path in ALL_KINDS {
        for encoding in ["br", "zstd", "snappy", "gzip, br", ""] {
            let request = Request::builder().method(Method::POST).uri(path).header("content-type", "application/grpc");
            let request = request.header("grpc-encoding", encoding).body(full(vec![1, 0, 0, 0, 1, 7])).unwrap();
            let answer = harness.send(request).await;
            let status = Status::from_header_map(&answer.headers).unwrap();
            assert_eq!(status.code(), Code::Unimplemented, "{path} {encoding}");
            let info = status.get_error_details().error_info().unwrap().clone();
            assert_eq!(info.reason, "UNIMPLEMENTED", "{path} {encoding}");
            let taken = answer.headers["grpc-accept-encoding"].to_str().unwrap();
            assert!(taken.contains("identity"), "{taken}");
            assert_eq!(info.metadata["grpc_accept_encoding"], taken);
            assert!(status.message().contains(taken), "{status}");
        }
    }
    assert!(harness.data.calls().is_empty() && harness.auth.calls().is_empty());
}

#[tokio::test]
async fn an_encoding_is_read_in_capitals_too() {
    let harness = Harness::start().await;
    for encoding in ["IDENTITY", "Identity", "GZIP", "gzip"] {
        let request = Request::builder().method(Method::POST).uri(GET_BOOK).header("content-type", "application/grpc");
        let request = request.header("grpc-encoding", encoding).body(full(vec![0, 0, 0, 0, 1, 7])).unwrap();
        let answer = harness.send(request).await;
        assert!(answer.headers.get("grpc-status").is_none_or(|status| status == "0"), "{encoding}: {answer:?}");
    }
}

#[tokio::test]
async fn a_second_message_is_refused_before_the_first_is_looked_at() {
    let harness = Harness::start().await;
    for path in ALL_KINDS {
        for body in [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &[0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7], &[0, 0, 0, 0, 1, 7, 0]]
        {
            let (status, reason) = refused(&harness, path, None, body).await;
            assert_eq!((status.code(), reason.as_str()), (Code::Unimplemented, "UNIMPLEMENTED"), "{path} {body:?}");
            assert!(status.message().contains("one message"), "{status}");
        }
    }
    assert!(harness.data.calls().is_empty() && harness.auth.calls().is_empty());
}

#[tokio::test]
async fn grpc_is_grpc_in_capitals_and_with_parameters() {
    let harness = Harness::start().await;
    for kind in
        ["APPLICATION/GRPC", "Application/Grpc+Proto", "application/grpc; charset=utf-8", "application/grpc+proto ;x=y"]
    {
        for path in [GET_BOOK, "/grpc.health.v1.Health/Check"] {
            let request = Request::builder().method(Method::POST).uri(path).header("content-type", kind);
            let answer = harness.send(request.body(full(vec![0, 0, 0, 0, 0])).unwrap()).await;
            assert_eq!(answer.headers["content-type"], "application/grpc", "{kind}");
            assert!(answer.headers.get("grpc-status").is_none_or(|status| status == "0"), "{kind}: {answer:?}");
        }
    }
}

/// What nobody speaks, on a method's path and on a REST path.
#[tokio::test]
async fn other_protocols_are_told_what_is_served() {
    let harness = Harness::start().await;
    let others = [
        "application/grpc+json",
        "application/grpcx",
        "application/grpc-web+json",
        "APPLICATION/GRPC-WEB-TEXT+THRIFT",
        "application/connect",
        "application/connect+yaml; charset=utf-8",
        "application/protobuf",
        "application/x-protobuf",
    ];
    let on_methods = ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""];
    let cases = ALL_KINDS.iter().flat_map(|path| others.iter().chain(&on_methods).map(move |kind| (*path, *kind)));
    for (path, kind) in cases.chain(others.iter().map(|kind| ("/library/v1/books", *kind))) {
        let mut request = Request::builder().method(Method::POST).uri(path);
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let answer = harness.send(request.body(full("{}")).unwrap()).await;
        assert_eq!(answer.status, http::StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {kind}");
        assert_eq!(answer.reason(), "UNSUPPORTED_MEDIA_TYPE", "{path} {kind}");
        let accept = answer.headers["accept"].to_str().unwrap();
        assert!(accept.contains("application/grpc,") && accept.contains("application/json"), "{accept}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("gRPC-Web and Connect") && message.contains("application/json"), "{message}");
    }
    let put = harness.rest(Method::PUT, GET_BOOK, "").await;
    assert_eq!(
        (put.status, put.headers["allow"].as_bytes()),
        (http::StatusCode::METHOD_NOT_ALLOWED, &b"POST, GET, HEAD, OPTIONS"[..])
    );
    assert!(harness.data.calls().is_empty() && harness.auth.calls().is_empty());
}

#[tokio::test]
async fn a_server_stream_passes_message_by_message() {
    let harness = Harness::start().await;
    harness.data.on(WATCH, |call| {
        assert!(call.streams && call.deadline.is_none());
        let items = ["a", "b", "c"].map(|text| Ok(Bytes::from_static(text.as_bytes())));
        Ok(Reply::Stream(futures_util::stream::iter(items).boxed()))
    });
    let stream = harness.grpc_stream(WATCH, "").await.unwrap();
    let messages: Vec<_> = stream.map(Result::unwrap).collect().await;
    assert_eq!(messages, ["a", "b", "c"]);
}

#[tokio::test]
async fn an_error_in_a_stream_comes_after_what_came_before_it() {
    let harness = Harness::start().await;
    harness.data.on(WATCH, |_| {
        let items = [Ok(Bytes::from_static(b"a")), Err(Fault::new(Reason::ShuttingDown))];
        Ok(Reply::Stream(futures_util::stream::iter(items).boxed()))
    });
    let mut stream = harness.grpc_stream(WATCH, "").await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), "a");
    assert_eq!(stream.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
    harness.data.on(WATCH, |_| Err(Fault::new(Reason::PermissionDenied)));
    assert_eq!(harness.grpc_stream(WATCH, "").await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_client_stream_passes_message_by_message() {
    const COLLECT: &str = "/library.v1.Library/Collect";
    let harness = Harness::start().await;
    let path = http::uri::PathAndQuery::from_static(COLLECT);
    let messages = futures_util::stream::iter(["a", "", "b"].map(|text| Bytes::from_static(text.as_bytes())));
    let answer = harness.client().client_streaming(tonic::Request::new(messages), path, RawCodec).await.unwrap();
    assert_eq!(answer.into_inner(), "ab");
    assert_eq!(&*harness.data.only_call().path, COLLECT);
    // One that breaks off, or holds what cannot be read, is not taken for all that there is.
    for body in
        [&[0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 9, 1][..], &[0, 0, 0, 0, 1, 7, 0, 0], &[0, 0, 0, 0, 1, 7, 3, 0, 0, 0, 0]]
    {
        let (status, reason) = refused(&harness, COLLECT, None, body).await;
        assert_eq!((status.code(), reason.as_str()), (Code::InvalidArgument, "MALFORMED_REQUEST"), "{body:?}");
    }
    assert_eq!(harness.data.calls().len(), 1);
}

#[tokio::test]
async fn the_callers_deadline_goes_on_with_the_call() {
    let harness = Harness::start().await;
    let mut request = tonic::Request::new(Bytes::new());
    request.set_timeout(std::time::Duration::from_secs(5));
    harness.grpc_with(GET_BOOK, request).await.unwrap();
    let left = harness.data.only_call().deadline.unwrap() - std::time::Instant::now();
    assert!(left.as_secs() < 5, "{left:?}");
}

/// What is answered to a body in gRPC's framing, and the reason of it.
async fn refused(harness: &Harness, path: &str, encoding: Option<&str>, body: &[u8]) -> (Status, String) {
    let mut request = Request::builder().method(Method::POST).uri(path).header("content-type", "application/grpc");
    if let Some(encoding) = encoding {
        request = request.header("grpc-encoding", encoding);
    }
    let answer = harness.send(request.body(full(body.to_vec())).unwrap()).await;
    let status = Status::from_header_map(&answer.headers).expect("a refusal has its status in the head");
    let reason = status.get_error_details().error_info().map(|info| info.reason.clone());
    (status, reason.unwrap_or_default())
}

#[tokio::test]
async fn a_message_that_ends_early_is_refused() {
    let harness = Harness::start().await;
    for path in ALL_KINDS {
        for body in [&[0, 0, 0, 0, 9, 1][..], &[0, 0], &[], &[7, 0, 0, 0, 1, 1]] {
            let (status, reason) = refused(&harness, path, None, body).await;
            assert_eq!((status.code(), reason.as_str()), (Code::InvalidArgument, "MALFORMED_REQUEST"), "{body:?}");
        }
    }
    assert!(harness.data.was_asked_for_nothing());
}

#[tokio::test]
async fn a_compressed_message_that_is_no_gzip_is_refused_with_the_remedy() {
    let harness = Harness::start().await;
    // Nonsense; the head of a gzip member and then nonsense; such a head alone.
    let nonsense: [&[u8]; 3] =
        [b"nonsense", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff\xff", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"];
    for path in [GET_BOOK, WATCH] {
        for data in nonsense {
            let body = [&[1, 0, 0, 0, u8::try_from(data.len()).unwrap()], data].concat();
            let (status, reason) = refused(&harness, path, Some("gzip"), &body).await;
            assert_eq!((status.code(), reason.as_str()), (Code::InvalidArgument, "MALFORMED_REQUEST"), "{data:?}");
            assert!(status.message().contains("grpc-encoding: gzip"), "{status}");
            assert!(!status.message().contains("while sending"), "{status}");
        }
    }
    assert!(harness.data.was_asked_for_nothing());
}

/// Health is decoded here; what is handed on is decoded where it is served.
#[tokio::test]
async fn a_message_that_is_not_of_the_methods_type_is_refused_in_our_words() {
    let harness = Harness::start().await;
    for path in ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"] {
        for message in [&[0x0a, 9][..], &[7], &[0x0a, 1, 0xff], &[0x08], &[0xff; 11]] {
            let body = [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()], message].concat();
            let (status, reason) = refused(&harness, path, None, &body).await;
            assert_eq!((status.code(), reason.as_str()), (Code::InvalidArgument, "MALFORMED_REQUEST"), "{message:?}");
            assert!(status.message().starts_with("the message could not be read"), "{status}");
            assert!(!status.message().contains("Protobuf"), "{status}");
        }
    }
}

/// gRPC's own documents say which code (`compression.md`).
#[tokio::test]
async fn a_message_marked_as_compressed_by_nothing_is_an_error_of_the_protocol() {
    let harness = Harness::start().await;
    for path in ALL_KINDS {
        let (status, reason) = refused(&harness, path, None, &[1, 0, 0, 0, 1, 1]).await;
        assert_eq!((status.code(), reason.as_str()), (Code::Internal, "INTERNAL"), "{path}");
    }
}
