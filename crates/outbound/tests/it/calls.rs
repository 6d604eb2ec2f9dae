//! What is answered, and what is made of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Request;
use mainstay_outbound::{Client, Error, IsJson as _, MAX_HEADER_BYTES, Networks, OutboundConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn client() -> Client {
    let private_networks = Networks::new(["127.0.0.0/8"]).unwrap();
    Client::new(&OutboundConfig { private_networks, timeout_seconds: 1, ..OutboundConfig::default() }).unwrap()
}

/// Answers every connection with these bytes, piece by piece, and then keeps silent. Counts the connections.
async fn answering(pieces: Vec<Vec<u8>>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, counted) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&counted);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let pieces = pieces.clone();
            tokio::spawn(async move {
                let mut request = [0; 1_024];
                let _ = socket.read(&mut request).await;
                for piece in pieces {
                    let _ = socket.write_all(&piece).await;
                }
                // Silent, and still there.
                std::future::pending::<()>().await;
            });
        }
    });
    (address, counted)
}

async fn get(address: SocketAddr, most: usize) -> Result<mainstay_outbound::Answer, Error> {
    client().send(Request::get(format!("http://{address}/")).body(Vec::new()).unwrap(), most).await
}

fn text(answer: &str) -> Vec<Vec<u8>> {
    vec![answer.as_bytes().to_vec()]
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let (target, reached) = answering(text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")).await;
    let (address, _) =
        answering(text(&format!("HTTP/1.1 302 Found\r\nlocation: http://{target}/\r\ncontent-length: 0\r\n\r\n")))
            .await;
    let answer = get(address, 1_024).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.json()), (302, None));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn json_is_what_says_so_and_went_well() {
    for (head, is_json) in [
        ("200 OK\r\ncontent-type: application/json; charset=utf-8", true),
        ("200 OK\r\ncontent-type: Application/JWK-Set+JSON", true),
        ("200 OK\r\ncontent-type: text/html", false),
        ("200 OK\r\ncontent-type: application/jsonp", false),
        ("200 OK", false),
        ("500 Internal Server Error\r\ncontent-type: application/json", false),
        ("201 Created\r\ncontent-type: application/json", false),
    ] {
        let (address, _) = answering(text(&format!("HTTP/1.1 {head}\r\ncontent-length: 2\r\n\r\n{{}}"))).await;
        assert_eq!(get(address, 1_024).await.unwrap().json().is_some(), is_json, "{head}");
    }
}

#[tokio::test]
async fn a_body_ends_at_its_size() {
    let (address, _) = answering(text("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345")).await;
    assert_eq!(get(address, 5).await.unwrap().body().as_ref(), b"12345");
    assert!(matches!(get(address, 4).await, Err(Error::TooLarge(_, 4))));
    // Where nobody says how large it will be.
    let endless =
        vec![b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(), b"4\r\n1234\r\n".repeat(10_000)];
    let (address, _) = answering(endless).await;
    assert!(matches!(get(address, 8_192).await, Err(Error::TooLarge(_, 8_192))));
}

#[tokio::test]
async fn headers_end_at_their_size() {
    let (address, _) =
        answering(text(&format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(MAX_HEADER_BYTES)))).await;
    assert!(matches!(get(address, 1_024).await, Err(Error::Http(..))));
}

#[tokio::test]
async fn what_is_no_http_or_ends_early_is_no_answer() {
    let (address, _) = answering(text("SSH-2.0-OpenSSH_9.2\r\n\r\n")).await;
    assert!(matches!(get(address, 1_024).await, Err(Error::Http(..))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(matches!(get(address, 1_024).await, Err(Error::Unreachable(..))));
}

#[tokio::test]
async fn whoever_is_silent_is_waited_for_until_the_deadline() {
    for pieces in [
        Vec::new(),
        text("HTTP/1.1 200 OK\r\n"),
        text("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nwhat was answered"),
    ] {
        let (address, _) = answering(pieces).await;
        let error = get(address, 1_024).await.unwrap_err();
        assert!(matches!(error, Error::TooSlow(_)), "{error:?}");
        assert!(!error.to_string().contains("what was"), "what was answered is not told");
    }
}

#[tokio::test]
async fn tls_is_checked_by_the_authorities_that_are_configured() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut socket) = acceptor.accept(socket).await else { return };
                let mut request = [0; 1_024];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                let _ = socket.flush().await;
            });
        }
    });
    let networks = || Networks::new(["127.0.0.0/8", "::1"]).unwrap();
    let known =
        Client::new(&OutboundConfig { private_networks: networks(), ca_file: Some(file), timeout_seconds: 5 }).unwrap();
    let public =
        Client::new(&OutboundConfig { private_networks: networks(), ca_file: None, timeout_seconds: 5 }).unwrap();
    let request = |host: &str| Request::get(format!("https://{host}:{port}/")).body(Vec::new()).unwrap();
    assert_eq!(known.send(request("localhost"), 16).await.unwrap().body().as_ref(), b"ok");
    assert!(matches!(public.send(request("localhost"), 16).await, Err(Error::Tls(..))));
    assert!(
        matches!(known.send(request("127.0.0.1"), 16).await, Err(Error::Tls(..))),
        "another name than in the certificate"
    );
}
