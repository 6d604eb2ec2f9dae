use std::sync::Arc;

use mainstay_db::Database;
use mainstay_identity::Clock;

use crate::config::SignUp;
use crate::domain::session::Timeouts;
use crate::hashing::Hasher;
use crate::limits::Limits;
use crate::signer::Signer;

/// What every handler works with.
pub(crate) struct Core {
    pub(crate) database: Database,
    pub(crate) hasher: Hasher,
    pub(crate) limits: Limits,
    pub(crate) signer: Arc<Signer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sign_up: SignUp,
    pub(crate) password_min_characters: usize,
    pub(crate) timeouts: Timeouts,
}
