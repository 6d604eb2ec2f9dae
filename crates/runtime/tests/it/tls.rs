//! TLS of a port: which certificate whom is shown, how it is replaced, and what clients have to show.

use crate::echo::{Running, answering, any_port, credential, guards, policies, routes};
use crate::server::{get, version};
use bytes::Bytes;
use http::{Request, Version};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use mainstay_identity::Principal;
use mainstay_layers::stack;
use mainstay_runtime::channel::{Call, Channel as _, GrpcChannel, RemoteConfig};
use mainstay_runtime::server::{Certificates, ClientAuth, PairConfig, TLS_HANDSHAKE_TIMEOUT, TlsConfig};
use mainstay_runtime::{Server, ServerConfig, Shutdown};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An authority that a test makes.
type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate for these names and its key as `NAME.pem` and `NAME.key`.
fn issue(authority: &Authority, folder: &Path, file: &str, names: &[&str]) -> PairConfig {
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let made = params.signed_by(&key, authority).unwrap();
    let pair =
        PairConfig { cert_file: folder.join(format!("{file}.pem")), key_file: folder.join(format!("{file}.key")) };
    std::fs::write(&pair.cert_file, made.pem()).unwrap();
    std::fs::write(&pair.key_file, key.serialize_pem()).unwrap();
    pair
}

fn tls(pair: &PairConfig) -> TlsConfig {
    TlsConfig::new(&pair.cert_file, &pair.key_file)
}

fn config(tls: TlsConfig) -> ServerConfig {
    ServerConfig { tls: Some(tls), ..ServerConfig::at(any_port()) }
}

/// What a client believes, shows and speaks.
#[derive(Clone)]
struct Client(Arc<ClientConfig>);

impl Client {
    fn of(authority: &Authority, shows: Option<&PairConfig>, versions: &[&'static SupportedProtocolVersion]) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shows {
            None => builder.with_no_client_auth(),
            Some(PairConfig { cert_file, key_file }) => {
                let chain = CertificateDer::pem_file_iter(cert_file).unwrap().map(Result::unwrap).collect();
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key_file).unwrap()).unwrap()
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Client(Arc::new(config))
    }

    fn new(authority: &Authority) -> Client {
        Client::of(authority, None, rustls::ALL_VERSIONS)
    }

    fn showing(authority: &Authority, pair: &PairConfig) -> Client {
        Client::of(authority, Some(pair), rustls::ALL_VERSIONS)
    }

    fn speaking(&self, protocol: &[u8]) -> Client {
        let mut config = ClientConfig::clone(&self.0);
        config.alpn_protocols = vec![protocol.to_vec()];
        Client(Arc::new(config))
    }

    async fn connect(&self, address: SocketAddr, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(self.0.clone()).connect(name, stream).await
    }

    /// The certificate that is shown for a name; nothing where it is not believed.
    async fn shown(&self, address: SocketAddr, name: &str) -> Option<Vec<u8>> {
        let stream = self.connect(address, name).await.ok()?;
        Some(stream.get_ref().1.peer_certificates()?[0].to_vec())
    }

    /// Whether a request is answered. Over TLS 1.3 a client learns only then that its own certificate was refused.
    async fn is_served(&self, address: SocketAddr) -> bool {
        let Ok(mut stream) = self.connect(address, "localhost").await else { return false };
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer.starts_with(b"HTTP/1.1 200")
    }
}

fn der(pair: &PairConfig) -> Option<Vec<u8>> {
    Some(CertificateDer::from_pem_file(&pair.cert_file).unwrap().to_vec())
}

/// A server with some certificates, and the folder that they are in.
struct Site {
    authority: Authority,
    folder: TempDir,
    server: Running,
    certificates: Certificates,
}

impl Site {
    fn serve(names: &[&[&str]], change: impl FnOnce(&mut TlsConfig, &Authority, &Path)) -> (Site, Vec<PairConfig>) {
        let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
        let issued = |(index, names): (usize, &&[&str])| issue(&authority, folder.path(), &index.to_string(), names);
        let pairs: Vec<PairConfig> = names.iter().enumerate().map(issued).collect();
        let mut tls = TlsConfig { certificates: pairs[1..].to_vec(), ..tls(&pairs[0]) };
        change(&mut tls, &authority, folder.path());
        let server = Server::bind(&config(tls)).unwrap();
        let certificates = server.certificates().unwrap().clone();
        let server = Running::of(server, answering(version), Shutdown::new());
        (Site { authority, folder, server, certificates }, pairs)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn stop(self) {
        self.server.shutdown.force();
        self.server.ended().await;
    }
}

#[tokio::test]
async fn both_versions_of_tls_and_of_http_are_negotiated() {
    let (site, _) = Site::serve(&[&["localhost"]], |_, _, _| {});
    let client = Client::new(&site.authority);
    let stream = client.connect(site.server.address, "localhost").await.unwrap();
    assert_eq!(get(stream, Version::HTTP_11).await, "HTTP/1.1 true");
    let stream = client.speaking(b"h2").connect(site.server.address, "localhost").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(get(stream, Version::HTTP_2).await, "HTTP/2.0 true");
    for version in rustls::ALL_VERSIONS.iter().copied() {
        let client = Client::of(&site.authority, None, &[version]);
        let stream = client.connect(site.server.address, "localhost").await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
    }
    site.stop().await;
}

/// A ClientHello of a version, with one cipher suite of its time and no extensions.
fn hello(minor: u8) -> Vec<u8> {
    let body = [&[3, minor][..], &[7; 32], &[0], &[0, 2, 0, 0x2f], &[1, 0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat()
}

#[tokio::test]
async fn older_versions_get_an_alert() {
    let (site, _) = Site::serve(&[&["localhost"]], |_, _, _| {});
    for minor in [0, 1, 2] {
        let mut stream = TcpStream::connect(site.server.address).await.unwrap();
        stream.write_all(&hello(minor)).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(matches!(answer[..], [21, 3, _, 0, 2, 2, 70 | 40]), "{answer:?}");
    }
    site.stop().await;
}

#[tokio::test]
async fn a_client_is_shown_the_certificate_of_the_name_that_it_asks_for() {
    let names: [&[&str]; 4] =
        [&["localhost"], &["shop.example.org", "Store.example.org"], &["*.example.org"], &["a.example.net"]];
    let (site, pairs) = Site::serve(&names, |_, _, _| {});
    let client = Client::new(&site.authority);
    for (name, shown) in [
        ("localhost", 0),
        ("shop.example.org", 1),
        ("SHOP.example.org", 1),
        ("store.example.org", 1),
        ("any.example.org", 2),
        ("a.example.net", 3),
    ] {
        assert_eq!(client.shown(site.server.address, name).await, der(&pairs[shown]), "{name}");
        assert!(site.certificates.has(name), "{name}");
    }
    // They are shown the first one, which is not theirs.
    for name in ["example.org", "a.b.example.org", "b.example.net", "127.0.0.1"] {
        assert_eq!(client.shown(site.server.address, name).await, None, "{name}");
        assert!(!site.certificates.has(name), "{name}");
    }
    site.stop().await;
}

#[tokio::test]
async fn a_certificate_is_followed_when_its_files_change() {
    let (site, pairs) = Site::serve(&[&["localhost"], &["a.example.org"]], |_, _, _| {});
    let (client, address) = (Client::new(&site.authority), site.server.address);
    let before = der(&pairs[0]);
    let none = site.certificates.refresh();
    assert!(none.replaced.is_empty() && none.failed.is_empty(), "nothing has changed: {none:?}");

    let next = issue(&site.authority, site.folder.path(), "next", &["localhost"]);
    std::fs::copy(&next.cert_file, &pairs[0].cert_file).unwrap();
    let half = site.certificates.refresh();
    assert!(half.replaced.is_empty() && half.failed[0].to_string().contains("does not fit"), "{half:?}");
    assert_eq!(client.shown(address, "localhost").await, before, "a certificate without its key changes nothing");
    assert!(site.certificates.refresh().failed.is_empty(), "it is told once");
    assert_eq!(site.certificates.reload().failed.len(), 1, "and to who asks");
    std::fs::copy(&next.key_file, &pairs[0].key_file).unwrap();
    assert_eq!(site.certificates.refresh().replaced, [pairs[0].cert_file.clone()]);
    assert_eq!(client.shown(address, "localhost").await, der(&next));
    assert_eq!(client.shown(address, "a.example.org").await, der(&pairs[1]), "the others stay");

    std::fs::remove_file(&pairs[0].cert_file).unwrap();
    assert_eq!(site.certificates.refresh().failed.len(), 1);
    assert!(site.certificates.refresh().failed.is_empty());
    assert_eq!(client.shown(address, "localhost").await, der(&next), "a file that is gone changes nothing");
    site.stop().await;
}

/// As Kubernetes does it: the files are links through a link to a folder, and that one is replaced by a rename.
#[tokio::test]
async fn a_link_that_leads_elsewhere_is_a_change() {
    let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name);
    let mut issued = Vec::new();
    for version in ["v1", "v2"] {
        std::fs::create_dir(path(version)).unwrap();
        issued.push(issue(&authority, &path(version), "tls", &["localhost"]));
    }
    std::os::unix::fs::symlink("v1", path("data")).unwrap();
    for name in ["tls.pem", "tls.key"] {
        std::os::unix::fs::symlink(Path::new("data").join(name), path(name)).unwrap();
    }
    let pair = PairConfig { cert_file: path("tls.pem"), key_file: path("tls.key") };
    let server = Server::bind(&config(tls(&pair))).unwrap();
    let certificates = server.certificates().unwrap().clone();
    let server = Running::of(server, answering(version), Shutdown::new());
    let client = Client::new(&authority);
    assert_eq!(client.shown(server.address, "localhost").await, der(&issued[0]));
    std::os::unix::fs::symlink("v2", path("next")).unwrap();
    std::fs::rename(path("next"), path("data")).unwrap();
    assert_eq!(certificates.refresh().replaced.len(), 1);
    assert_eq!(client.shown(server.address, "localhost").await, der(&issued[1]));
    server.shutdown.force();
    server.ended().await;
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_all_named_with_their_settings() {
    let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
    let [one, other] = ["one", "other"].map(|file| issue(&authority, folder.path(), file, &["localhost"]));
    let nameless = issue(&authority, folder.path(), "nameless", &["127.0.0.1"]);
    let missing = PairConfig { cert_file: folder.path().join("no.pem"), ..one.clone() };
    let crossed = PairConfig { key_file: other.key_file.clone(), ..one.clone() };
    assert!(tls(&one).problems().is_empty() && tls(&nameless).problems().is_empty());
    let config = TlsConfig {
        certificates: vec![missing.clone(), crossed, nameless, other],
        client_ca_file: Some(one.key_file),
        ..tls(&missing)
    };
    let problems = config.problems();
    let places: Vec<&str> = problems.iter().map(|(place, _)| place.as_str()).collect();
    let expected = [
        "tls.cert_file",
        "tls.certificates.0.cert_file",
        "tls.certificates.1.key_file",
        "tls.certificates.2.cert_file",
        "tls.client_ca_file",
    ];
    assert_eq!(places, expected);
    assert!(problems[0].1.to_string().contains("no.pem") && problems[2].1.to_string().contains("does not fit"));
    assert!(problems[3].1.to_string().contains("has no DNS name"));
    let refused = Server::bind(&ServerConfig { tls: Some(config), ..ServerConfig::at(any_port()) });
    assert!(refused.unwrap_err().to_string().contains("no.pem"));
}

#[tokio::test]
async fn it_is_known_when_a_certificate_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(vec!["shop.example.org".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2001, 9, 9);
    let key = KeyPair::generate().unwrap();
    let (cert_file, key_file) = (folder.path().join("c"), folder.path().join("k"));
    std::fs::write(&cert_file, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let expiries = Certificates::load(&TlsConfig::new(&cert_file, key_file)).unwrap().expiries();
    let midnight = SystemTime::UNIX_EPOCH + Duration::from_secs(999_993_600);
    assert_eq!(expiries.len(), 1);
    assert_eq!((expiries[0].name.as_str(), &expiries[0].file), ("shop.example.org", &cert_file));
    assert_eq!(expiries[0].not_after, midnight);
}

#[tokio::test]
async fn who_has_no_good_certificate_gets_no_connection_where_one_is_required() {
    let strangers = authority();
    let (site, _) = Site::serve(&[&["localhost"]], |tls, authority, folder| {
        std::fs::write(folder.join("clients.pem"), authority.pem()).unwrap();
        tls.client_ca_file = Some(folder.join("clients.pem"));
        assert!(tls.wants_certificates());
    });
    let address = site.server.address;
    let own = issue(&site.authority, site.folder.path(), "client", &["client.example.org"]);
    let strange = issue(&strangers, site.folder.path(), "strange", &["client.example.org"]);
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        let client = |shows| Client::of(&site.authority, shows, versions);
        assert!(client(Some(&own)).is_served(address).await);
        assert!(!client(None).is_served(address).await, "{versions:?}");
        assert!(!client(Some(&strange)).is_served(address).await, "{versions:?}");
    }

    // Nobody is let in by a session of before, whose certificate may be over or its authority gone.
    let known = Client::showing(&site.authority, &own);
    assert!(known.is_served(address).await && known.is_served(address).await);
    let again = known.connect(address, "localhost").await.unwrap();
    assert_eq!(again.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
    std::fs::write(site.path("clients.pem"), "").unwrap();
    assert_eq!(site.certificates.refresh().failed.len(), 1);
    assert!(known.is_served(address).await, "a file without authorities changes nothing");
    std::fs::write(site.path("clients.pem"), strangers.pem()).unwrap();
    assert_eq!(site.certificates.refresh().replaced, [site.path("clients.pem")]);
    assert!(!known.is_served(address).await);
    assert!(Client::showing(&site.authority, &strange).is_served(address).await);
    site.stop().await;
}

#[tokio::test]
async fn where_a_certificate_is_optional_one_that_is_shown_has_to_be_good() {
    let (site, _) = Site::serve(&[&["localhost"]], |tls, authority, folder| {
        std::fs::write(folder.join("clients.pem"), authority.pem()).unwrap();
        tls.client_ca_file = Some(folder.join("clients.pem"));
        tls.client_auth = Some(ClientAuth::Optional);
        assert!(!tls.wants_certificates());
    });
    let own = issue(&site.authority, site.folder.path(), "client", &["client.example.org"]);
    let strange = issue(&authority(), site.folder.path(), "strange", &["client.example.org"]);
    assert!(Client::new(&site.authority).is_served(site.server.address).await);
    assert!(Client::showing(&site.authority, &own).is_served(site.server.address).await);
    assert!(!Client::showing(&site.authority, &strange).is_served(site.server.address).await);
    site.stop().await;
}

#[tokio::test]
async fn a_service_shows_its_certificate_to_another_that_wants_one() {
    let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
    let pair = issue(&authority, folder.path(), "service", &["localhost"]);
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).unwrap();
    let guards = guards();
    let stack = stack::listener(routes(), policies(&guards.metrics), guards);
    let tls = TlsConfig { client_ca_file: Some(ca_file.clone()), ..tls(&pair) };
    let server = Running::serve(&config(tls), stack, Shutdown::new());
    let url = format!("https://localhost:{}", server.address.port());
    let bare = RemoteConfig { url, ca_file: Some(ca_file), ..RemoteConfig::default() };
    let whole = RemoteConfig {
        certificate_file: Some(pair.cert_file.clone()),
        key_file: Some(pair.key_file.clone()),
        ..bare.clone()
    };
    for (remote, is_served) in [(&whole, true), (&bare, false)] {
        let channel = GrpcChannel::connect(remote, Some(&credential())).unwrap();
        let call = Call::new("/t.Echo/Members", Principal::service("gateway", Vec::new()), Bytes::new());
        assert_eq!(channel.call(call).await.and_then(|reply| reply.message()).is_ok(), is_served);
    }
    let plain = RemoteConfig { url: "http://localhost:1".to_owned(), ..whole.clone() };
    assert_eq!(plain.check().unwrap_err().field(), "certificate_file", "it would be shown to nobody");
    let half = RemoteConfig { key_file: None, ..whole };
    assert_eq!(half.check().unwrap_err().field(), "certificate_file");
    let gone = RemoteConfig { certificate_file: Some("/no/such/file".into()), key_file: Some(pair.key_file), ..bare };
    assert_eq!(gone.check().unwrap_err().field(), "certificate_file");
    server.shutdown.force();
    server.ended().await;
}

/// What an answer over TLS, or without it, says of how the host is to be reached.
async fn hsts(seconds: Option<u32>) -> Option<String> {
    let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
    let pair = issue(&authority, folder.path(), "site", &["localhost"]);
    let tls = seconds.map(|hsts_seconds| TlsConfig { hsts_seconds, ..tls(&pair) });
    let is_secure = tls.is_some();
    let server =
        Running::serve(&ServerConfig { tls, ..ServerConfig::at(any_port()) }, answering(version), Shutdown::new());
    let request = Request::builder().uri("/").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    let response = if is_secure {
        let stream = Client::new(&authority).connect(server.address, "localhost").await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    let told = response.headers().get("strict-transport-security");
    told.map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn browsers_are_kept_to_https_over_tls_alone() {
    assert_eq!(hsts(Some(31_536_000)).await.as_deref(), Some("max-age=31536000"));
    assert_eq!(hsts(Some(0)).await, None);
    assert_eq!(hsts(None).await, None);
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_is_ended() {
    let (site, _) = Site::serve(&[&["localhost"]], |_, _, _| {});
    let mut stream = TcpStream::connect(site.server.address).await.unwrap();
    stream.write_all(&hello(3)[..20]).await.unwrap();
    let mut answer = Vec::new();
    let closed = timeout(TLS_HANDSHAKE_TIMEOUT + Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    assert!(closed.is_ok() && answer.is_empty(), "{answer:?}");
    site.stop().await;
}
