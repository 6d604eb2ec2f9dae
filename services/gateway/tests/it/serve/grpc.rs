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

#[tokio::test]
async fn an_encoding_that_is_not_known_is_unimplemented() {
    let harness = Harness::start().await;
    let request = Request::builder().method(Method::POST).uri(GET_BOOK).header("content-type", "application/grpc");
    let answer = harness.send(request.header("grpc-encoding", "br").body(full(vec![1, 0, 0, 0, 1, 7])).unwrap()).await;
    assert_eq!(answer.headers["grpc-status"], (Code::Unimplemented as i32).to_string());
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
async fn client_streams_are_not_supported_yet() {
    let harness = Harness::start().await;
    let status = harness.grpc("/library.v1.Library/Collect", "").await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
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
    for path in [GET_BOOK, WATCH] {
        for body in [&[0, 0, 0, 0, 9, 1][..], &[0, 0], &[], &[7, 0, 0, 0, 1, 1]] {
            let (status, reason) = refused(&harness, path, None, body).await;
            assert_eq!((status.code(), reason.as_str()), (Code::InvalidArgument, "MALFORMED_REQUEST"), "{body:?}");
        }
    }
    assert!(harness.data.calls().is_empty());
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
    assert!(harness.data.calls().is_empty());
}

/// gRPC's own documents say which code (`compression.md`).
#[tokio::test]
async fn a_message_marked_as_compressed_by_nothing_is_an_error_of_the_protocol() {
    let harness = Harness::start().await;
    let (status, _) = refused(&harness, GET_BOOK, None, &[1, 0, 0, 0, 1, 1]).await;
    assert_eq!(status.code(), Code::Internal);
}
