//! `sslmode` means what it means in libpq.
//!
//! The server stands behind a proxy that speaks PostgreSQL's start of encryption, so that the test says who encrypts.

use std::path::PathBuf;
use std::sync::Arc;

use mainstay_db::{Config, Database, Engine, Error};
use mainstay_testkit::database;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Length 8 and the code 1234 5679.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

struct Proxy {
    place: database::Place,
    /// `user@127.0.0.1:port/database` behind the proxy.
    address: String,
    root: PathBuf,
}

/// Puts a proxy with a certificate for 127.0.0.1, or one that offers no encryption, before a fresh database.
async fn proxy(encrypts: bool) -> Proxy {
    let place = database::place(Engine::Postgres).await;
    let url = secrecy::ExposeSecret::expose_secret(place.config.database_url.as_ref().unwrap()).to_owned();
    let (user, rest) = url.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let root = place.path.with_file_name("root.pem");
    std::fs::write(&root, certified.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("{user}@{}/{name}", listener.local_addr().unwrap());
    let server = server.to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, server.clone(), encrypts.then(|| acceptor.clone())));
        }
    });
    Proxy { place, address, root }
}

async fn serve(mut client: TcpStream, server: String, acceptor: Option<TlsAcceptor>) -> std::io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let mut first = [0; 8];
    client.read_exact(&mut first).await?;
    if first != SSL_REQUEST {
        server.write_all(&first).await?;
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    match acceptor {
        Some(acceptor) => {
            client.write_all(b"S").await?;
            let mut client = acceptor.accept(client).await?;
            copy_bidirectional(&mut client, &mut server).await?;
        }
        None => {
            client.write_all(b"N").await?;
            copy_bidirectional(&mut client, &mut server).await?;
        }
    }
    Ok(())
}

impl Proxy {
    async fn open(&self, parameters: &str) -> Result<(), Error> {
        let url = format!("postgres://{}?{parameters}", self.address);
        let config = Config { pool_size: 1, ..self.place.config.clone() };
        Database::open_postgres(&url, &config).await.map(drop)
    }

    fn trusting(&self) -> String {
        format!("sslmode=verify-full&sslrootcert={}", self.root.display())
    }
}

#[tokio::test]
async fn a_server_that_encrypts_is_reached_in_every_mode_that_trusts_it() {
    let proxy = proxy(true).await;
    for parameters in ["", "sslmode=disable", "sslmode=prefer", "sslmode=require", &proxy.trusting()] {
        proxy.open(parameters).await.unwrap_or_else(|error| panic!("{parameters}: {error:?}"));
    }
}

#[tokio::test]
async fn a_server_with_an_unknown_certificate_is_refused_where_it_must_be_verified() {
    let proxy = proxy(true).await;
    let outcome = proxy.open("sslmode=verify-full").await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let mut proxy = proxy(true).await;
    proxy.address = proxy.address.replace("127.0.0.1", "localhost");
    let outcome = proxy.open(&proxy.trusting()).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn without_encryption_a_server_is_reached_only_where_that_is_allowed() {
    let proxy = proxy(false).await;
    proxy.open("sslmode=prefer").await.unwrap();
    for parameters in ["sslmode=require", &proxy.trusting()] {
        let outcome = proxy.open(parameters).await;
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{parameters}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_root_file_without_certificates_is_a_mistake_in_the_configuration() {
    let proxy = proxy(true).await;
    std::fs::write(&proxy.root, "nothing").unwrap();
    let outcome = proxy.open(&proxy.trusting()).await;
    assert!(matches!(&outcome, Err(Error::Config(text)) if text.contains("root.pem")), "{outcome:?}");
}
