//! Password hashing: argon2id, away from the runtime's threads, never more of it than the machine and a bounded queue take.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::domain::password::Password;

/// Most callers that wait for their turn; one more is refused at once.
pub const MAX_WAITING: usize = 64;

/// When a refused caller should come again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The cost of one hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HashingConfig {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for HashingConfig {
    /// Gives the first choice of the OWASP password storage cheat sheet: 19 MiB, 2 passes, 1 lane.
    fn default() -> Self {
        HashingConfig { memory_kib: 19_456, iterations: 2, parallelism: 1 }
    }
}

/// Says why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    #[error("too many passwords are being hashed")]
    Busy,
    #[error("the configured parameters are not possible")]
    Params(#[source] argon2::Error),
    #[error("the stored hash is not a PHC string of a known algorithm")]
    Damaged(#[source] argon2::password_hash::Error),
    #[error("hashing failed")]
    Failed(#[source] argon2::password_hash::Error),
    #[error("the hashing thread ended early")]
    Lost(#[source] tokio::task::JoinError),
    #[error("no salt could be made")]
    Salt(#[source] mainstay_keys::Error),
}

/// What a check of a password found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is not the password.
    Wrong,
    /// It is, and the stored hash is as strong as configured.
    Right,
    /// It is, and the hash is weaker than configured: store this one instead.
    RightAndRehashed(String),
}

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Hasher {
    params: Params,
    /// A hash that no password has, checked when there is no account, so that both cases cost the same.
    nobody: Arc<str>,
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    effort: Arc<Effort>,
}

/// What has been hashed so far, in KiB of memory times passes: what a caller could measure as time.
#[derive(Debug, Default)]
struct Effort(AtomicU64);

impl Effort {
    fn of(params: &Params) -> u64 {
        u64::from(params.m_cost()) * u64::from(params.t_cost())
    }

    fn spend(&self, params: &Params) {
        self.0.fetch_add(Effort::of(params), Ordering::Relaxed);
    }
}

impl Hasher {
    /// Makes a hasher that works on as many passwords at once as the machine has cores. Fails when the parameters are not
    /// possible for argon2.
    pub fn new(config: &HashingConfig) -> Result<Hasher, HashingError> {
        let params = Params::new(config.memory_kib, config.iterations, config.parallelism, None)
            .map_err(HashingError::Params)?;
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Hasher {
            nobody: hash_of_nobody(&params)?.into(),
            params,
            turns: Arc::new(Semaphore::new(cores)),
            waiting: Arc::new(AtomicUsize::new(0)),
            effort: Arc::default(),
        })
    }

    /// Says how much has been hashed so far, in KiB of memory times passes.
    pub fn effort(&self) -> u64 {
        self.effort.0.load(Ordering::Relaxed)
    }

    /// Hashes a new password into a PHC string with a salt of its own.
    pub async fn hash(&self, password: Password) -> Result<String, HashingError> {
        let (argon2, effort) = (argon2id(&self.params), Arc::clone(&self.effort));
        self.take_turn(move || hash(&argon2, &password, &effort)).await
    }

    /// Checks a password against an account's hash, or against nobody's: the work of a wrong password is the same, also
    /// where the account's hash is an old one that takes less, and the answer for nobody is always [`Checked::Wrong`].
    pub async fn check(&self, password: Password, stored: Option<String>) -> Result<Checked, HashingError> {
        let (argon2, effort) = (argon2id(&self.params), Arc::clone(&self.effort));
        let stored: Arc<str> = stored.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        self.take_turn(move || check(&argon2, &password, &stored, &effort)).await
    }

    /// Runs `work` on a thread that may block, when its turn comes. The turn is given back when the work ends, not when the
    /// caller goes away: what was given up still costs.
    async fn take_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, HashingError> {
        let place = Place::in_queue(&self.waiting).ok_or(HashingError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_closed| HashingError::Busy)?;
        drop(place);
        let worker = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        worker.await.map_err(HashingError::Lost)?
    }
}

/// A place among those who wait. Given up when dropped, so also when the caller goes away.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn in_queue(waiting: &Arc<AtomicUsize>) -> Option<Place> {
        let admit = |now: usize| (now < MAX_WAITING).then_some(now + 1);
        waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, admit).ok()?;
        Some(Place(Arc::clone(waiting)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn argon2id(params: &Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
}

fn hash(argon2: &Argon2<'_>, password: &Password, effort: &Effort) -> Result<String, HashingError> {
    effort.spend(argon2.params());
    let salt = mainstay_keys::random::<16>().map_err(HashingError::Salt)?;
    let hash: PasswordHash =
        argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(HashingError::Failed)?;
    Ok(hash.to_string())
}

fn check(argon2: &Argon2<'_>, password: &Password, stored: &str, effort: &Effort) -> Result<Checked, HashingError> {
    let stored = PasswordHash::new(stored).map_err(|error| HashingError::Damaged(error.into()))?;
    let params = Params::try_from(&stored).map_err(HashingError::Damaged)?;
    effort.spend(&params);
    match argon2.verify_password(password.as_bytes(), &stored) {
        Ok(()) if is_weaker(&params, argon2.params()) => Ok(Checked::RightAndRehashed(hash(argon2, password, effort)?)),
        Ok(()) => Ok(Checked::Right),
        Err(argon2::password_hash::Error::PasswordInvalid) => {
            if let Some(rest) = rest_of(&params, argon2.params()) {
                hash(&argon2id(&rest), password, effort)?;
            }
            Ok(Checked::Wrong)
        }
        Err(error) => Err(HashingError::Damaged(error)),
    }
}

/// What is left to be spent on a wrong password when its hash took less than one of today: otherwise the time would tell
/// that the address has an account. Nothing where that is less than argon2 can spend.
fn rest_of(spent: &Params, wanted: &Params) -> Option<Params> {
    let rest = Effort::of(wanted).checked_sub(Effort::of(spent))?;
    let memory_kib = u32::try_from(rest / u64::from(wanted.t_cost())).ok()?;
    Params::new(memory_kib, wanted.t_cost(), wanted.p_cost(), None).ok()
}

/// Says whether any parameter of the stored hash is below what is configured now. A hash is never made weaker.
fn is_weaker(stored: &Params, wanted: &Params) -> bool {
    stored.m_cost() < wanted.m_cost() || stored.t_cost() < wanted.t_cost()
}

/// Makes a hash with the configured parameters and a random output. No work is needed for it, and no password is known.
fn hash_of_nobody(params: &Params) -> Result<String, HashingError> {
    let failed = |error: argon2::password_hash::phc::Error| HashingError::Failed(error.into());
    let salt = mainstay_keys::random::<16>().map_err(HashingError::Salt)?;
    let output = mainstay_keys::random::<32>().map_err(HashingError::Salt)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(HashingError::Failed)?,
        salt: Some(Salt::new(&salt).map_err(failed)?),
        hash: Some(Output::new(&output).map_err(failed)?),
    };
    Ok(hash.to_string())
}
