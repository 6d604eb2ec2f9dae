//! What is refused on a socket.

use http::uri::PathAndQuery;
use mainstay_fault::{Fault, Reason};
use mainstay_runtime::RawCodec;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic_types::StatusExt as _;

use super::{CHECK, CREATE_BOOK, GET_BOOK, http1, http2, listen, status};

#[tokio::test]
async fn ten_megabytes_are_refused_before_they_are_sent() {
    let server = listen().await;
    // The head alone: had the server waited for the body, there would be no answer.
    let head = b"POST /library/v1/books HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 10000000\r\n\r\n";
    let answer = http1(server.address, head).await;
    assert_eq!(status(&answer), "413", "{answer}");
    assert!(answer.contains("PAYLOAD_TOO_LARGE"));
    assert!(server.harness.data.calls().is_empty());
}

/// A client that asks nobody before it sends: the refusal comes while it writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_megabytes_that_are_sent_all_the_same_are_answered() {
    let server = listen().await;
    let body = vec![b' '; 10_000_000];
    let announced = format!("content-length: {}\r\n\r\n", body.len()).into_bytes();
    let chunked = b"transfer-encoding: chunked\r\n\r\n989680\r\n".to_vec();
    let head = b"POST /library/v1/books HTTP/1.1\r\nhost: x\r\n";
    for (framing, end) in [(announced, &b""[..]), (chunked, b"\r\n0\r\n\r\n")] {
        let request = [head, framing.as_slice(), &body, end].concat();
        for round in 0..20 {
            let answer = http1(server.address, &request).await;
            assert_eq!(status(&answer), "413", "round {round}: {answer}");
            assert!(answer.contains("PAYLOAD_TOO_LARGE"), "round {round}: {answer}");
        }
    }
    assert!(server.harness.data.calls().is_empty());
}

/// The same over HTTP/2, where one stream ends and the connection goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_megabytes_of_grpc_are_answered_and_the_connection_goes_on() {
    let server = listen().await;
    let url = format!("http://{}", server.address);
    let channel = tonic::transport::Endpoint::from_shared(url).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    let path = || PathAndQuery::from_static(CREATE_BOOK);
    for round in 0..20 {
        client.ready().await.unwrap();
        let message = bytes::Bytes::from(vec![0; 10_000_000]);
        let status = client.unary(tonic::Request::new(message), path(), RawCodec).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::ResourceExhausted, "round {round}: {status}");
    }
    client.ready().await.unwrap();
    let message = bytes::Bytes::from_static(b"x");
    assert!(client.unary(tonic::Request::new(message), path(), RawCodec).await.is_ok());
}

#[tokio::test]
async fn s17_http1_requests_in_odd_forms_are_refused() {
    let server = listen().await;
    let targets = [
        "library/v1/books",
        "//library/v1/books",
        "/library/v1/books/",
        "/library/v1%2fbooks",
        "/auth/v1/accounts/1:setRoles",
        "http://127.0.0.1/auth/v1/accounts/1:setRoles",
        "http://evil//auth/v1/accounts/1:setRoles",
        "*",
        "/library/v1/books\\..",
        "/library/v1/\u{fc}",
        "127.0.0.1:80",
    ];
    for target in targets {
        let request = format!(
            "POST {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        let answer = http1(server.address, request.as_bytes()).await;
        let code: u16 = status(&answer).parse().unwrap_or(400);
        assert!((400..500).contains(&code), "{target}: {answer}");
    }
    assert!(server.harness.data.calls().is_empty() && server.harness.auth.calls().is_empty());
}

/// S17: whatever the pseudo headers say, a method that the caller may not call is not called.
#[tokio::test]
async fn s17_raw_http2_paths_get_the_canonical_decision_or_none() {
    let server = listen().await;
    server.harness.data.on_empty(CREATE_BOOK);
    let call = async |path: &str, extra: &[(&str, &str)]| {
        let mut headers = vec![(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", path)];
        headers.extend([("content-type", "application/grpc"), ("te", "trailers")]);
        headers.extend(extra);
        http2(server.address, &headers, &[0, 0, 0, 0, 0]).await;
    };
    let bare = CHECK.trim_start_matches('/');
    let lower = CHECK.to_lowercase();
    let paths = [
        CHECK.to_owned(),
        bare.to_owned(),
        format!("/{CHECK}"),
        format!("{CHECK}/"),
        lower,
        CHECK.replace("/C", "%2FC"),
        CHECK.replacen("/mainstay", "/./mainstay", 1),
        format!("{CHECK}#x"),
        format!("http://x{CHECK}"),
        String::new(),
    ];
    for path in &paths {
        call(path, &[]).await;
        call(path, &[("host", "other")]).await;
        call(path, &[("x-mainstay-principal", "operator"), ("x_mainstay_roles", "mainstay.admin")]).await;
    }
    assert!(server.harness.data.calls().is_empty(), "{:?}", server.harness.data.calls());
    call(CREATE_BOOK, &[]).await;
    assert_eq!(&*server.harness.data.only_call().path, CREATE_BOOK, "the frames are good ones");
}

/// S17: where two readers could take a request for two, nobody gets an answer to it.
#[tokio::test]
async fn s17_a_request_names_one_host_and_is_served_or_is_refused() {
    let server = listen().await;
    server.harness.data.on_empty(GET_BOOK);
    let book = "/library/v1/books/1";
    for (target, version, hosts, expected) in [
        (book, "1.1", &["localhost"][..], "200"),
        (book, "1.1", &["LOCALHOST:80"], "200"),
        (book, "1.1", &["[::1]:8080"], "200"),
        ("http://localhost/library/v1/books/1", "1.1", &["localhost"], "200"),
        ("http://localhost/library/v1/books/1", "1.1", &["Localhost:80"], "200"),
        (book, "1.0", &[], "200"),
        (book, "1.0", &["localhost"], "200"),
        (book, "1.1", &[], "400"),
        ("http://localhost/library/v1/books/1", "1.1", &[], "400"),
        (book, "1.1", &[""], "400"),
        (book, "1.1", &["localhost", "localhost"], "400"),
        (book, "1.1", &["localhost", "evil"], "400"),
        (book, "1.0", &["localhost", "evil"], "400"),
        (book, "1.1", &["localhost, evil"], "400"),
        (book, "1.1", &["local host"], "400"),
        (book, "1.1", &["user@localhost"], "400"),
        (book, "1.1", &["localhost/x"], "400"),
        (book, "1.1", &["localhost:port"], "400"),
        (book, "1.1", &["http://localhost"], "400"),
        (book, "1.1", &["l\u{f6}calhost"], "400"),
        ("http://localhost/library/v1/books/1", "1.1", &["evil"], "400"),
        ("http://localhost:81/library/v1/books/1", "1.1", &["localhost"], "400"),
        ("http://user@localhost/library/v1/books/1", "1.1", &["localhost"], "400"),
    ] {
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        let request = format!("GET {target} HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
        let answer = http1(server.address, request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{request}{answer}");
        assert!(expected == "200" || answer.contains("MALFORMED_REQUEST"), "{request}{answer}");
    }
}

/// S17: the same over HTTP/2, whose two names of the host are `:authority` and `host`.
#[tokio::test]
async fn s17_an_authority_and_a_host_that_differ_are_refused() {
    let server = listen().await;
    server.harness.data.on_empty(GET_BOOK);
    // The first byte of the answer's head: `:status` with these values stands in HPACK's static table.
    const OK: u8 = 0x88;
    const BAD_REQUEST: u8 = 0x8c;
    for (names, expected) in [
        (&[(":authority", "localhost")][..], OK),
        (&[("host", "localhost")], OK),
        (&[(":authority", "localhost"), ("host", "localhost")], OK),
        (&[(":authority", "localhost"), ("host", "LOCALHOST:80")], OK),
        (&[], BAD_REQUEST),
        (&[(":authority", "localhost"), ("host", "evil")], BAD_REQUEST),
        (&[(":authority", "localhost"), ("host", "localhost:81")], BAD_REQUEST),
        (&[(":authority", "localhost"), ("host", "")], BAD_REQUEST),
        (&[("host", "localhost"), ("host", "localhost")], BAD_REQUEST),
        (&[(":authority", "user@localhost")], BAD_REQUEST),
    ] {
        let mut headers = vec![(":method", "GET"), (":scheme", "http"), (":path", "/library/v1/books/1")];
        headers.extend(names);
        let answer = http2(server.address, &headers, b"").await;
        assert_eq!(answer.first(), Some(&expected), "{names:?}: {}", String::from_utf8_lossy(&answer));
    }
}

/// S17: request smuggling. Whatever comes after the head is nobody's request.
#[tokio::test]
async fn s17_a_body_that_ends_in_two_places_is_refused_and_the_connection_closed() {
    let server = listen().await;
    server.harness.data.on_empty(CREATE_BOOK);
    let body = "2\r\n{}\r\n0\r\n\r\n";
    let send = async |headers: &str, body: &str| {
        let smuggled = "GET /library/v1/books/smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
        let request = format!("POST /library/v1/books HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}{smuggled}");
        http1(server.address, request.as_bytes()).await
    };
    for (headers, expected) in [
        ("Transfer-Encoding: gzip, chunked\r\n", "501"),
        ("Transfer-Encoding: chunked, chunked\r\n", "501"),
        ("Transfer-Encoding: identity, chunked\r\n", "501"),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "501"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "501"),
        ("Transfer-Encoding: , chunked\r\n", "501"),
        ("Transfer-Encoding: gzip\r\n", "400"),
        ("Transfer-Encoding: chunked, gzip\r\n", "400"),
        ("Transfer-Encoding: \r\n", "400"),
        ("Transfer-Encoding: xchunked\r\n", "400"),
        ("Transfer-Encoding : chunked\r\n", "400"),
        ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "400"),
        ("transfer-encoding: CHUNKED\r\ncontent-LENGTH: 12\r\n", "400"),
        ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "400"),
        ("Content-Length: 2\r\nContent-Length: 3\r\n", "400"),
        ("Content-Length: 2, 2\r\n", "400"),
        ("Content-Length: +2\r\n", "400"),
        ("Content-Length: -1\r\n", "400"),
    ] {
        let answer = send(headers, body).await;
        assert_eq!(status(&answer), expected, "{headers}{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "one answer, and the connection is closed: {answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{headers}{answer}");
    }
    assert!(server.harness.data.calls().is_empty(), "{:?}", server.harness.data.calls());
    let answer = send("Transfer-Encoding: Chunked\r\nConnection: close\r\n", body).await;
    assert_eq!(status(&answer), "200", "{answer}");
}

/// The second request on a connection is looked at as the first was, also where a client does not wait for the answer.
#[tokio::test]
async fn s17_a_later_request_on_a_connection_is_no_less_looked_at() {
    let server = listen().await;
    server.harness.data.on_empty(GET_BOOK);
    let good = "GET /library/v1/books/1 HTTP/1.1\r\nHost: x\r\n\r\n";
    let both = "Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for (bad, expected) in [
        ("GET /library/v1/books/2 HTTP/1.1\r\n\r\n".to_owned(), "400"),
        (
            "POST /library/v1/books HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
            "501",
        ),
        (format!("POST /library/v1/books HTTP/1.1\r\n{both}"), "400"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        for _ in 0..3 {
            stream.write_all(good.as_bytes()).await.unwrap();
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(buffer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..read]));
        }
        stream.write_all(bad.as_bytes()).await.unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        assert_eq!(status(&rest), expected, "{bad}{rest}");
    }
    let pipelined = http1(server.address, format!("{good}GET / HTTP/1.1\r\n\r\n").as_bytes()).await;
    assert_eq!(pipelined.matches("HTTP/1.1 200").count(), 1, "{pipelined}");
    assert_eq!(pipelined.matches("HTTP/1.1 400").count(), 1, "{pipelined}");
}

/// What is no chunk is the client's mistake, in every protocol, and nothing after it is read as a request.
#[tokio::test]
async fn a_malformed_chunk_is_a_bad_request() {
    let server = listen().await;
    server.harness.data.on_empty(CREATE_BOOK);
    let good = "2\r\n{}\r\n0\r\n\r\n";
    for chunks in [
        "x\r\n{}\r\n0\r\n\r\n",
        "-1\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "2 2\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n",
        "2\r\n{}xx0\r\n\r\n",
        "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "\r\n{}\r\n0\r\n\r\n",
        "2;a\nb\r\n{}\r\n0\r\n\r\n",
        "2\n{}\n0\n\n",
        "2\r\n{}\r\n0\r\n: none\r\n\r\n",
    ] {
        for (path, kind) in [
            ("/library/v1/books", "application/json"),
            (CREATE_BOOK, "application/json"),
            (CREATE_BOOK, "application/proto"),
            (CREATE_BOOK, "application/grpc-web+proto"),
            (CREATE_BOOK, "application/grpc-web-text"),
            (CREATE_BOOK, "application/grpc"),
        ] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
            );
            let next = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
            let answer = http1(server.address, format!("{head}{chunks}{next}").as_bytes()).await;
            let is_refused = match kind.starts_with("application/grpc") {
                true => answer.contains("grpc-status: 3"),
                false => status(&answer) == "400" && answer.contains("MALFORMED_REQUEST"),
            };
            assert!(is_refused, "{kind} {chunks:?}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{kind} {chunks:?}: {answer}");
        }
    }
    assert!(server.harness.data.was_asked_for_nothing());
    let head = "POST /library/v1/books HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&http1(server.address, format!("{head}{good}").as_bytes()).await), "200");
}

/// Clients refuse heads above 8 KiB: an error that says much must not become RESOURCE_EXHAUSTED.
#[tokio::test]
async fn the_longest_errors_reach_a_client_that_takes_eight_kibibytes_of_head() {
    let server = listen().await;
    let filter = "\u{3b7}".repeat(20_000);
    let faults: [fn(&str) -> Fault; 3] = [
        |text| Fault::new(Reason::InvalidFilter).message(format!("`{text}` is no field")).violation("filter", text),
        |text| (0..400).fold(Fault::new(Reason::FieldViolation), |f, n| f.violation(format!("a.{n}.{text}"), text)),
        |text| (0..400).fold(Fault::new(Reason::UnknownField), |f, n| f.meta(format!("key{n}"), &text[..40])),
    ];
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let channel = endpoint.http2_max_header_list_size(8 << 10).connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    for (number, fault) in faults.into_iter().enumerate() {
        let text = filter.clone();
        server.harness.data.on(GET_BOOK, move |_| Err(fault(&text)));
        client.ready().await.unwrap();
        let mut request = tonic::Request::new(bytes::Bytes::from_static(b"x"));
        request.metadata_mut().insert("x-request-id", "r".repeat(128).parse().unwrap());
        let status = client.unary(request, PathAndQuery::from_static(GET_BOOK), RawCodec).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{number}: {status}");
        assert!(status.get_error_details().error_info().is_some(), "{number}");
        let rest =
            http1(server.address, b"GET /library/v1/books/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert_eq!(self::status(&rest), "400", "{number}");
        assert!(rest.len() < 16 << 10, "{number}: {} bytes", rest.len());
    }
}
