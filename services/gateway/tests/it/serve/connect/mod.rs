//! Connect: plain HTTP for a unary call, by POST and by GET, and envelopes for a stream.

mod answered;
mod refused;

use bytes::Bytes;
use data_encoding::BASE64_NOPAD;
use flate2::{Compression, write::GzEncoder};
use http::{Method, Request};
use prost::Message as _;
use serde_json::Value;
use std::io::Write as _;
use tonic_types::pb;

use crate::support::{Answered, Harness, full};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";
const UPDATE_BOOK: &str = "/library.v1.BookService/UpdateBook";
const WATCH: &str = "/library.v1.Library/Watch";

/// `{"name": "books/1"}` and a message with a text as field 1: on the wire both are the same.
const NAME: &[u8] = b"\x0a\x07books/1";

async fn unary(harness: &Harness, path: &str, kind: &str, body: impl Into<Bytes>) -> Answered {
    let request = Request::builder().method(Method::POST).uri(path).header("content-type", kind);
    harness.send(request.body(full(body)).unwrap()).await
}

fn enveloped(flags: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flags], &length[..], message].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The code and the reason of an error as a client reads them.
fn refusal(error: &Value) -> (String, String) {
    let details = error["details"].as_array().cloned().unwrap_or_default();
    let info = details.iter().find(|detail| detail["type"] == "google.rpc.ErrorInfo").expect("an ErrorInfo");
    let bytes = BASE64_NOPAD.decode(info["value"].as_str().unwrap().as_bytes()).unwrap();
    (error["code"].as_str().unwrap().to_owned(), pb::ErrorInfo::decode(&*bytes).unwrap().reason)
}

/// What a client reads of a stream: its messages, and the end.
fn read(answer: &Answered) -> (Vec<Bytes>, Value) {
    assert_eq!(answer.status.as_u16(), 200);
    let mut body = answer.body.clone();
    let mut messages = Vec::new();
    loop {
        let head = body.split_to(5);
        let data = body.split_to(u32::from_be_bytes(head[1..].try_into().unwrap()) as usize);
        if head[0] == 2 {
            assert!(body.is_empty(), "nothing comes after the end");
            return (messages, serde_json::from_slice(&data).unwrap());
        }
        assert_eq!(head[0], 0);
        messages.push(data);
    }
}

/// A path, a content type, further headers, a body; and the reason that is told.
type Sent = (&'static str, &'static str, &'static [(&'static str, &'static str)], Vec<u8>, &'static str);

/// The reason of an error in its protocol's own form.
fn told(kind: &str, answer: &Answered) -> String {
    if kind.starts_with("application/grpc") {
        let status = tonic::Status::from_header_map(&answer.headers).expect("a status in the head");
        return tonic_types::StatusExt::get_error_details(&status).error_info().unwrap().reason.clone();
    }
    let error = if kind.starts_with("application/connect") { read(answer).1["error"].clone() } else { answer.json() };
    refusal(&error).1
}
