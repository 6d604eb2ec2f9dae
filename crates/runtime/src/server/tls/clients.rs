//! The certificates of clients: which are good, and whether one has to be shown.

use super::{ClientAuth, TlsConfig, TlsError, pair};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use std::path::Path;
use std::sync::Arc;

/// Reads who vouches for clients: every certificate in the file, whether it calls itself an authority or not.
pub(super) fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let pem = pair::contents("certificate of an authority", path)?;
    let mut roots = RootCertStore::empty();
    for certificate in pair::chain("certificate of an authority", &pem, path)? {
        roots.add(certificate).map_err(|source| TlsError::Authority { path: path.to_owned(), source })?;
    }
    Ok(roots)
}

/// Makes what looks at a client's certificate in the handshake; nothing where clients are asked for none.
pub(super) fn verifier(config: &TlsConfig) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let Some(path) = &config.client_ca_file else { return Ok(None) };
    let roots = Arc::new(authorities(path)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::new(ring::default_provider()));
    let builder = match config.client_auth {
        Some(ClientAuth::Optional) => builder.allow_unauthenticated(),
        Some(ClientAuth::Required) | None => builder,
    };
    let verifier = builder.build().map_err(|source| TlsError::Clients { path: path.clone(), source })?;
    Ok(Some(verifier))
}
