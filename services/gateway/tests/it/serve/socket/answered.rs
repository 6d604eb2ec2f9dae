//! What is answered on a socket.

use futures_util::StreamExt as _;
use http::uri::PathAndQuery;
use mainstay_fault::{Fault, Reason};
use mainstay_runtime::RawCodec;
use tokio::net::TcpStream;

use super::{CREATE_BOOK, GET_BOOK, http1, listen, status};

#[tokio::test]
async fn rest_and_grpc_share_the_port() {
    let server = listen().await;
    server.harness.data.on_empty(CREATE_BOOK);
    let body = r#"{"title": "T"}"#;
    let request = format!(
        "POST /library/v1/books HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = http1(server.address, request.as_bytes()).await;
    assert_eq!(status(&answer), "200", "{answer}");
    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect().await;
    let mut client = tonic::client::Grpc::new(channel.unwrap());
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(CREATE_BOOK);
    let answer = client.unary(tonic::Request::new(bytes::Bytes::from_static(b"x")), path, RawCodec).await;
    assert!(answer.unwrap().into_inner().is_empty());
}

#[tokio::test]
async fn head_answers_what_get_does_without_the_body() {
    let server = listen().await;
    server.harness.data.on_empty(GET_BOOK);
    server.harness.data.on_empty("/library.v1.Library/Search");
    let head_of = |answer: &str| {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let lines = head.lines().filter(|line| !line.starts_with("x-request-id") && !line.starts_with("date:"));
        (lines.map(str::to_owned).collect::<std::collections::BTreeSet<_>>(), body.to_owned())
    };
    for path in ["/library/v1/books/1", "/library/v1/messages:search", "/healthz", "/library/v1/books/1/2/3", "/none"] {
        let ask = async |method: &str| {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            head_of(&http1(server.address, request.as_bytes()).await)
        };
        let ((get, body), (head, nothing)) = (ask("GET").await, ask("HEAD").await);
        assert_eq!(head, get, "{path}");
        assert!(get.contains(&format!("content-length: {}", body.len())), "{get:?}");
        assert_eq!(nothing, "", "{path}");

        let url = format!("http://{}{path}", server.address);
        let stream = hyper_util::rt::TokioIo::new(TcpStream::connect(server.address).await.unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::head(url).body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.headers()["content-length"], body.len().to_string(), "{path}");
        let read = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        assert!(read.is_empty(), "{path}");
    }
    let post =
        http1(server.address, b"HEAD /library/v1/messages/1:tags HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await;
    assert_eq!(status(&post), "405", "{post}");
    assert!(post.ends_with("\r\n\r\n"), "{post}");
}

/// HEAD is answered when its head is there, and so it is counted; of the stream nothing is left.
#[tokio::test]
async fn head_of_a_stream_is_its_head_and_counts_as_answered() {
    let server = listen().await;
    let open = std::sync::Arc::new(());
    let held = open.clone();
    server.harness.data.on("/library.v1.Library/Follow", move |_| {
        let held = held.clone();
        let first = futures_util::stream::iter([Ok(bytes::Bytes::new())]).chain(futures_util::stream::pending());
        let messages = first.inspect(move |_| assert!(std::sync::Arc::strong_count(&held) > 1));
        Ok(mainstay_runtime::channel::Reply::Stream(messages.boxed()))
    });
    let request = "HEAD /library/v1/messages/1:follow HTTP/1.1\r\nHost: x\r\naccept: text/event-stream\r\n\r\n";
    let next = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = http1(server.address, format!("{request}{next}").as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "the connection is kept: {answer}");
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/event-stream") && !head.contains("content-length"), "{head}");
    assert_eq!(std::sync::Arc::strong_count(&open), 2, "nothing is left of the stream");
    let metrics = server.harness.metrics.render();
    assert!(!metrics.contains("\"499\""), "{metrics}");
    server.harness.data.on("/library.v1.Library/Follow", |_| Err(Fault::new(Reason::ResourceNotFound)));
    let close = request.replace("accept", "connection: close\r\naccept");
    assert_eq!(status(&http1(server.address, close.as_bytes()).await), "404", "as GET says");
}

#[tokio::test]
async fn what_need_not_have_been_encoded_is_the_same_path() {
    let server = listen().await;
    server.harness.data.on_empty(GET_BOOK);
    let get = async |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        status(&http1(server.address, request.as_bytes()).await).to_owned()
    };
    for path in [
        "/l%69brary/v1/books/1",
        "/%6c%69%62%72%61%72%79/%76%31/%62%6f%6f%6b%73/%31",
        "/library/v%31/book%73/1?%24fields=title",
        "/%68ealthz",
    ] {
        assert_eq!(get(path).await, "200", "{path}");
    }
    for path in
        ["/library%2Fv1/books/1", "/library/v1%2fbooks/1", "/library/v1/books%2F1", "/library/v1/%2561/1", "/lib%72ry%"]
    {
        assert_eq!(get(path).await, "404", "{path}");
    }
    server.harness.data.on(GET_BOOK, |call| {
        assert!(call.message.ends_with(b"books/a%2Fb%2Fc%"), "{:?}", call.message);
        Ok(mainstay_runtime::channel::Reply::Message(bytes::Bytes::new()))
    });
    assert_eq!(get("/library/v1/books/%61%2Fb%252Fc%25").await, "200", "captures are decoded once");
    // A gRPC path as well: the decision is that of the canonical one.
    let answer = http1(server.address, b"POST /mainstay.data.v1.ContractService/%43heckContract HTTP/1.1\r\nHost: x\r\nConnection: close\r\ncontent-type: application/grpc\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0").await;
    assert!(answer.contains("grpc-status: 16"), "{answer}");
}
