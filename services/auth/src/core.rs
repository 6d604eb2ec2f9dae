use std::sync::atomic::AtomicI64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mainstay_db::Database;
use mainstay_identity::{Clock, Revocations, Verifier};
use mainstay_keys::KeyEncryptionKey;
use tokio_util::sync::CancellationToken;

use crate::audit::{ChainKey, Failures};
use crate::captcha::Captcha;
use crate::config::{AnonymousSignIn, CreateOrganisations, EmailChange, ImpersonationConfig, SignUp};
use crate::domain::one_time_secret::HashKey;
use crate::domain::session::Timeouts;
use crate::hashing::Hasher;
use crate::hooks::Hooks;
use crate::limits::Limits;
use crate::mail::Mail;
use crate::passkeys::Passkeys;
use crate::policy::PasswordPolicy;
use crate::providers::Providers;
use crate::signer::Signer;

/// What every handler works with.
pub(crate) struct Core {
    pub(crate) database: Database,
    /// Whether accounts are left that only the former form of their address finds.
    pub(crate) former_are_left: bool,
    pub(crate) hasher: Hasher,
    pub(crate) limits: Limits,
    /// Seals signing keys, mails and page tokens.
    pub(crate) key_encryption_key: KeyEncryptionKey,
    /// Hashes the addresses that secrets are sent to.
    pub(crate) hash_key: Arc<HashKey>,
    /// Nothing where nobody has to solve any.
    pub(crate) captcha: Option<Captcha>,
    /// What of the application is asked and told.
    pub(crate) hooks: Hooks,
    /// Nothing where this installation sends no mail.
    pub(crate) mail: Option<Mail>,
    pub(crate) impersonation: ImpersonationConfig,
    /// Nothing where there is no name that passkeys can be bound to.
    pub(crate) passkeys: Option<Passkeys>,
    /// What people know the installation by.
    pub(crate) application: String,
    /// What it is to other applications: `public_url`, where what is sent there is read by nobody else on its way.
    pub(crate) issuer: Option<String>,
    pub(crate) email_change: EmailChange,
    /// Whether conveniences are on that a production system must not have.
    pub(crate) development: bool,
    /// Links the audit log.
    pub(crate) chain_key: Arc<ChainKey>,
    pub(crate) signer: Arc<Signer>,
    /// Verifies what the signer has made.
    pub(crate) verifier: Verifier,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sign_up: SignUp,
    pub(crate) anonymous_sign_in: AnonymousSignIn,
    /// For how long accounts without an address are kept that have no session; for ever where it is nothing.
    pub(crate) anonymous_kept: Option<Duration>,
    pub(crate) create_organisations: CreateOrganisations,
    pub(crate) passwords: PasswordPolicy,
    /// Whose users come in without a password of ours.
    pub(crate) providers: Providers,
    pub(crate) timeouts: Timeouts,
    /// Wrong passwords that are still to be noted in the audit log.
    pub(crate) failures: Failures,
    /// For how long events of the audit log are kept; for ever where it is nothing.
    pub(crate) audit_kept: Option<Duration>,
    /// What was revoked and may still matter.
    pub(crate) revocations: Revocations,
    /// Up to which of the stored revocations they are known.
    pub(crate) revocations_read: AtomicI64,
    /// Ends streams when the process stops; nothing before jobs are started.
    pub(crate) stop: OnceLock<CancellationToken>,
}
