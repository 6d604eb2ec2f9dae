use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, DecodingKey};
use ring::signature::{ED25519, UnparsedPublicKey};
use signature::{Error, Verifier};

/// Verifies with `ring`, Ed25519 only. It cannot sign: whatever asks it to gets an error.
static VERIFY_ONLY: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    verifier_factory: ed25519,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes the provider the process's own. A second call finds it installed already and changes nothing.
pub(crate) fn install() {
    let _already_installed = VERIFY_ONLY.install_default();
}

fn ed25519(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    match algorithm {
        Algorithm::EdDSA => Ok(Box::new(Ed25519(UnparsedPublicKey::new(&ED25519, key.try_get_as_bytes()?.to_vec())))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

struct Ed25519(UnparsedPublicKey<Vec<u8>>);

impl Verifier<Vec<u8>> for Ed25519 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        self.0.verify(message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Ed25519 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
