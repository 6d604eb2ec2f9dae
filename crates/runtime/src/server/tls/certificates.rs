//! The certificates that a listener shows: which of them to whom, and how they are replaced while it is served.
//!
//! Each pair of files stands for itself: one that is half written, or whose key is not that of its certificate yet, leaves the
//! pair before it in use. It is the contents that are compared, so that it does not matter how they change: by a write, a
//! rename, or a link that leads elsewhere (as Kubernetes and certbot do).

use super::pair::{Contents, Mark, Pair};
use super::{TlsConfig, TlsError, clients};
use arc_swap::ArcSwap;
use rustls::SignatureScheme;
use rustls::crypto::ring;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio_rustls::TlsAcceptor;

/// The certificates of a listener. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Certificates(Arc<Listener>);

#[derive(Debug)]
struct Listener {
    config: TlsConfig,
    shown: Arc<ArcSwap<Shown>>,
    /// How a handshake goes. Made anew with the authorities of clients.
    handshake: ArcSwap<rustls::ServerConfig>,
    /// What the files held when they were last looked at, whether it could be used or not.
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Of each pair; nothing where it is to be read again whatever is in it.
    pairs: Vec<Option<Mark>>,
    clients: Option<Mark>,
}

/// What came of looking at the files.
#[derive(Debug, Default)]
pub struct Reloaded {
    /// Files that hold something new, which is used from now on.
    pub replaced: Vec<PathBuf>,
    /// What cannot be used; what was used before still is.
    pub failed: Vec<TlsError>,
}

/// When a certificate is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// The first name that it has; empty where it has none.
    pub name: String,
    /// Where it is.
    pub file: PathBuf,
    /// From when on clients refuse it.
    pub not_after: SystemTime,
}

impl Certificates {
    /// Reads all files.
    pub fn load(config: &TlsConfig) -> Result<Certificates, TlsError> {
        let (mut pairs, mut seen) = (Vec::new(), Seen::default());
        for (place, pair) in config.pairs() {
            let contents = Contents::read(&pair)?;
            seen.pairs.push(Some(contents.mark()));
            pairs.push(Arc::new(contents.pair()?.named(place == "tls")?));
        }
        let shown = Arc::new(ArcSwap::from_pointee(Shown::of(pairs)));
        seen.clients = config.client_ca_file.as_deref().map(Mark::of_file);
        let handshake = ArcSwap::from_pointee(handshake(config, &shown)?);
        Ok(Certificates(Arc::new(Listener { config: config.clone(), shown, handshake, seen: Mutex::new(seen) })))
    }

    /// Reads all files again; connections made from now on see what is in them. What cannot be used changes nothing, and is told.
    /// It waits for the disk: not on a thread that others wait for.
    pub fn reload(&self) -> Reloaded {
        self.look(true)
    }

    /// The same of those files that hold something else than when they were last looked at.
    pub fn refresh(&self) -> Reloaded {
        self.look(false)
    }

    /// When the certificates that are shown now are over.
    pub fn expiries(&self) -> Vec<Expiry> {
        let of = |pair: &Arc<Pair>| {
            let name = pair.names.first().cloned().unwrap_or_default();
            Some(Expiry { name, file: pair.cert_file.clone(), not_after: pair.not_after? })
        };
        self.0.shown.load().pairs.iter().filter_map(of).collect()
    }

    /// Whether one of them is that of a host.
    pub fn has(&self, host: &str) -> bool {
        self.0.shown.load().named(host).is_some()
    }

    pub(in super::super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.handshake.load_full())
    }

    fn look(&self, at_all: bool) -> Reloaded {
        let mut found = Reloaded::default();
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if at_all {
            seen.pairs.fill(None);
            seen.clients = None;
        }
        self.look_at_pairs(&mut seen.pairs, &mut found);
        self.look_at_clients(&mut seen.clients, &mut found);
        found
    }

    fn look_at_pairs(&self, seen: &mut [Option<Mark>], found: &mut Reloaded) {
        let mut pairs = self.0.shown.load().pairs.clone();
        let places = self.0.config.pairs().zip(pairs.iter_mut().zip(seen));
        for ((place, config), (shown, seen)) in places {
            let contents = Contents::read(&config);
            let mark = contents.as_ref().map_or(Mark::UNREADABLE, Contents::mark);
            if seen.replace(mark) == Some(mark) {
                continue;
            }
            let pair = contents.and_then(|contents| contents.pair()).and_then(|pair| pair.named(place == "tls"));
            match pair {
                Ok(pair) => {
                    found.replaced.push(config.cert_file);
                    *shown = Arc::new(pair);
                }
                Err(error) => found.failed.push(error),
            }
        }
        if !found.replaced.is_empty() {
            self.0.shown.store(Arc::new(Shown::of(pairs)));
        }
    }

    fn look_at_clients(&self, seen: &mut Option<Mark>, found: &mut Reloaded) {
        let Some(path) = &self.0.config.client_ca_file else { return };
        let mark = Mark::of_file(path);
        if seen.replace(mark) == Some(mark) {
            return;
        }
        match handshake(&self.0.config, &self.0.shown) {
            Ok(handshake) => {
                found.replaced.push(path.clone());
                self.0.handshake.store(Arc::new(handshake));
            }
            Err(error) => found.failed.push(error),
        }
    }
}

/// How a handshake goes: TLS 1.3 or 1.2.
fn handshake(config: &TlsConfig, shown: &Arc<ArcSwap<Shown>>) -> Result<rustls::ServerConfig, TlsError> {
    let builder = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .expect("ring supports both versions");
    let clients = clients::verifier(config)?;
    let resumes = clients.is_none();
    let builder = match clients {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut handshake = builder.with_cert_resolver(Arc::new(Resolver(shown.clone())));
    handshake.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    if !resumes {
        // A session that goes on is not asked for its certificate again, which may be over by then.
        handshake.session_storage = Arc::new(NoServerSessionStorage {});
        handshake.send_tls13_tickets = 0;
    }
    Ok(handshake)
}

/// The certificates at one moment, by the names that they have.
#[derive(Debug)]
struct Shown {
    /// At least one; the first is for whoever asks for none of the names.
    pairs: Vec<Arc<Pair>>,
    by_name: HashMap<String, Vec<Arc<Pair>>>,
}

impl Shown {
    fn of(pairs: Vec<Arc<Pair>>) -> Shown {
        let mut by_name: HashMap<String, Vec<Arc<Pair>>> = HashMap::new();
        for pair in &pairs {
            for name in &pair.names {
                by_name.entry(name.clone()).or_default().push(pair.clone());
            }
        }
        Shown { pairs, by_name }
    }

    /// Those that have a name, or a star for its first part (RFC 6125, section 6.4.3): its own first.
    fn named(&self, name: &str) -> Option<&[Arc<Pair>]> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let wild = || self.by_name.get(&format!("*.{}", name.split_once('.')?.1));
        self.by_name.get(&name).or_else(wild).map(Vec::as_slice)
    }

    /// The certificate for a client that asks for a name and understands these signatures.
    fn find(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let fitting = name.and_then(|name| self.named(name)).unwrap_or(self.pairs.get(..1).unwrap_or_default());
        let understood = fitting.iter().find(|pair| pair.key.key.choose_scheme(schemes).is_some());
        understood.or(fitting.first()).map(|pair| pair.key.clone())
    }
}

#[derive(Debug)]
struct Resolver(Arc<ArcSwap<Shown>>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().find(hello.server_name(), hello.signature_schemes())
    }
}
