//! The contract is followed, swapped without dropping a call, and remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::StatusCode;
use mainstay_gateway::Config;
use mainstay_runtime::channel::Reply;
use tonic::Code;

use crate::support::{Harness, compile, library};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";

/// The library's contract with one method and one route more.
fn extended() -> Vec<u8> {
    let text = include_str!("support/library.proto").replace(
        "service BookService {",
        r#"service BookService {
             rpc Burn(GetBookRequest) returns (Book) { option (google.api.http) = {post: "/library/v1/{name=burns/*}"}; }"#,
    );
    compile("library/v1/library.proto", &text)
}

#[tokio::test]
async fn a_new_contract_is_served_from_the_next_request_on() {
    let harness = Harness::start().await;
    harness.data.on_empty("/library.v1.BookService/Burn");
    let burn = async || harness.post("/library/v1/burns/1", "").await.status;
    assert_eq!(burn().await, StatusCode::NOT_FOUND);
    harness.data.publish(2, &extended());
    harness.serves(2).await;
    assert_eq!(burn().await, StatusCode::OK);
    harness.data.publish(3, library());
    harness.serves(3).await;
    assert_eq!(burn().await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_contract_that_cannot_be_served_leaves_the_one_before() {
    let harness = Harness::start().await;
    harness.data.on_empty(GET_BOOK);
    harness.data.publish(2, b"\xff\xff\xff");
    harness.data.publish(3, &extended());
    harness.serves(3).await;
    assert_eq!(harness.get("/library/v1/books/1").await.status, StatusCode::OK);
}

/// G3: swaps under load drop nothing, and a call ends on the contract that it began with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_load_drop_no_call() {
    let harness = Arc::new(Harness::start().await);
    harness.data.on_empty(GET_BOOK);
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (harness, over) = (harness.clone(), over.clone());
            tokio::spawn(async move {
                let mut answered = 0;
                while !over.load(Ordering::Relaxed) || answered < 20 {
                    assert_eq!(harness.get("/library/v1/books/1").await.status, StatusCode::OK);
                    assert!(harness.grpc(GET_BOOK, "").await.is_ok());
                    answered += 1;
                    // The fakes never make a call wait, as a socket would.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let extended = extended();
    for revision in 2..12 {
        harness.data.publish(revision, if revision % 2 == 0 { &extended } else { library() });
        harness.serves(revision).await;
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
}

#[tokio::test]
async fn a_call_ends_on_the_contract_that_it_began_with() {
    let harness = Arc::new(Harness::start().await);
    let (begun, gate) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (begins, opens) = (begun.clone(), gate.clone());
    harness.data.on_later("/library.v1.BookService/Burn", move |_| {
        begins.notify_one();
        let opens = opens.clone();
        Box::pin(async move {
            opens.notified().await;
            Ok(Reply::Message(Bytes::new()))
        })
    });
    harness.data.publish(2, &extended());
    harness.serves(2).await;
    let caller = harness.clone();
    let call = tokio::spawn(async move { caller.post("/library/v1/burns/1", "").await.status });
    begun.notified().await;
    harness.data.publish(3, library());
    harness.serves(3).await;
    gate.notify_one();
    assert_eq!(call.await.unwrap(), StatusCode::OK);
    assert_eq!(harness.post("/library/v1/burns/1", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_missing_before_the_contract_is_known() {
    let harness = Harness::with(Config::default(), None, None).await;
    let rest = harness.get("/library/v1/books/1").await;
    assert_eq!((rest.status, rest.reason().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
    assert_eq!(harness.grpc(GET_BOOK, "").await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(harness.get("/auth/v1/nothing").await.status, StatusCode::NOT_FOUND, "the platform's routes are known");
    assert_eq!(harness.post("/auth/v1/sessions:signIn", "{}").await.status, StatusCode::OK);
    assert_eq!(harness.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    harness.data.publish(1, library());
    harness.serves(1).await;
    assert_eq!(harness.get("/library/v1/none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_is_opened_again() {
    let harness = Harness::start().await;
    harness.data.break_streams();
    harness.data.publish(2, &extended());
    harness.serves(2).await;
    harness.data.break_streams();
    harness.data.refuse_watches(3);
    harness.data.publish(3, library());
    harness.serves(3).await;
}

#[tokio::test(start_paused = true)]
async fn where_no_contract_was_ever_applied_it_is_said_so_with_what_to_do() {
    let harness = Harness::with(Config::default(), None, None).await;
    harness.data.publish(0, b"");
    harness.announced().await;
    let rest = harness.get("/library/v1/books/1").await;
    assert_eq!((rest.status, rest.reason().as_str()), (StatusCode::NOT_FOUND, "ROUTE_NOT_FOUND"));
    let status = harness.grpc(GET_BOOK, "").await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    for message in [rest.json()["error"]["message"].as_str().unwrap(), status.message()] {
        for part in ["no contract was applied", "mainstay contract apply DIR", "--contracts DIR"] {
            assert!(message.contains(part), "{message}");
        }
    }
    let ready = harness.get("/readyz").await;
    assert_eq!((ready.status, ready.json()["ready"].clone()), (StatusCode::SERVICE_UNAVAILABLE, false.into()));
    assert_eq!(harness.post("/auth/v1/sessions:signIn", "{}").await.status, StatusCode::OK, "the platform is served");

    harness.data.publish(1, library());
    harness.serves(1).await;
    harness.ready().await;
    assert_eq!(
        harness.get("/library/v1/none").await.json()["error"]["message"],
        "nothing is served at `/library/v1/none`"
    );
    // The data service's store was emptied.
    harness.data.publish(0, b"");
    harness.serves(0).await;
    assert_eq!(harness.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(harness.get("/library/v1/books/1").await.json().to_string().contains("no contract was applied"));
}

/// Whoever has applied a contract may use it at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_applied_is_served_when_the_answer_says_so() {
    const APPLY: &str = "/mainstay.data.v1.ContractService/ApplyContract";
    for round in 0..10 {
        let harness = Harness::with(Config::default(), None, None).await;
        harness.data.on_empty(GET_BOOK);
        harness.data.publish(0, b"");
        harness.announced().await;
        let data = harness.data.clone();
        harness.data.on(APPLY, move |_| {
            data.publish(1, library());
            // ApplyContractResponse {revision: 1}
            Ok(Reply::Message(Bytes::from_static(&[0x18, 1])))
        });
        let credential = crate::support::operator();
        if round % 2 == 0 {
            let mut request = tonic::Request::new(Bytes::new());
            request.metadata_mut().insert("authorization", credential.parse().unwrap());
            harness.grpc_with(APPLY, request).await.unwrap();
        } else {
            let request = crate::support::signed_in(http::Method::POST, "/data/v1/contract:apply", &credential, "{}");
            assert_eq!(harness.send(request).await.status, StatusCode::OK);
        }
        assert_eq!(harness.get("/library/v1/books/1").await.status, StatusCode::OK, "round {round}");
    }
}

/// The same where the contract was applied elsewhere: a request that comes while it is being loaded waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_comes_while_a_contract_is_loaded_is_answered_from_it() {
    let harness = Harness::start().await;
    harness.data.on_empty("/library.v1.BookService/Burn");
    let extended = extended();
    for revision in (2..20).step_by(2) {
        harness.data.publish(revision, &extended);
        harness.announced_at(revision).await;
        assert_eq!(harness.post("/library/v1/burns/1", "").await.status, StatusCode::OK, "revision {revision}");
        harness.data.publish(revision + 1, library());
        harness.serves(revision + 1).await;
        assert_eq!(harness.post("/library/v1/burns/1", "").await.status, StatusCode::NOT_FOUND, "revision {revision}");
    }
}
