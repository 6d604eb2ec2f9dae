//! Who this process is to others.

use http::HeaderValue;
use http::header::InvalidHeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

/// The credential of this process, as a named service account.
#[derive(Debug, Clone)]
pub(crate) struct ServiceCredential {
    header: HeaderValue,
    voucher: HeaderValue,
}

impl ServiceCredential {
    /// Fails where the secret holds something that a header cannot carry.
    pub(super) fn new(bearer: &SecretString) -> Result<ServiceCredential, InvalidHeaderValue> {
        let secret = |text: &str| {
            let mut header = HeaderValue::try_from(text)?;
            header.set_sensitive(true);
            Ok(header)
        };
        let bearer = bearer.expose_secret();
        Ok(ServiceCredential { header: secret(&format!("Bearer {bearer}"))?, voucher: secret(bearer)? })
    }

    /// The `authorization` header of calls that this process makes as itself.
    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// What makes others believe where a call comes from.
    pub(crate) fn voucher(&self) -> HeaderValue {
        self.voucher.clone()
    }
}
