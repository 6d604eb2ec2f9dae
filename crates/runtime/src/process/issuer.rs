//! Where a process learns of tokens: by which keys they are signed, and which were revoked.

use std::sync::Arc;

use mainstay_identity::{KeySource, Revocations, SystemClock};

use super::{Common, RemoteKeys};
use crate::channel::Channel;

/// The auth service, as whoever verifies its tokens knows it.
pub struct Issuer {
    pub(super) keys: Arc<dyn KeySource>,
    pub(super) revocations: Revocations,
    /// The way to it, and the service account that goes it; nothing where it is in this process and keeps `revocations` itself.
    pub(super) auth: Option<(Arc<dyn Channel>, &'static str)>,
}

impl Issuer {
    /// The one in this process.
    pub fn here(keys: Arc<dyn KeySource>, revocations: Revocations) -> Issuer {
        Issuer { keys, revocations, auth: None }
    }

    /// One in another process, which is asked as the service account `name`.
    pub fn elsewhere(common: &Common, auth: Arc<dyn Channel>, name: &'static str) -> Issuer {
        let keys = Arc::new(RemoteKeys::new(Arc::clone(&auth), name));
        let revocations = Revocations::unheard(Arc::new(SystemClock), common.max_revocation_age());
        Issuer { keys, revocations, auth: Some((auth, name)) }
    }
}
