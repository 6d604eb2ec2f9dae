//! Password hashing: argon2id, away from the runtime's threads, never more of it than the machine and a bounded queue take.

mod foreign;
mod memory;
mod turns;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use argon2::password_hash::phc::{self, Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use self::foreign::{Digest, Foreign, ForeignError, MAX_HASH_TEXT, Scrypt};
pub use self::memory::KEPT_IDLE;
use self::memory::{Area, Areas};
pub use self::turns::{MAX_WAITING, MAX_WAITING_OF_ONE};
use self::turns::{Turn, Turns};
use crate::domain::password::Password;
use crate::limits::{Exceeded, Origin};

/// When a refused caller should come again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The cost of one hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The caller's network alone has too many.
    #[error(transparent)]
    TooMany(#[from] Exceeded),
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
    turns: Arc<Turns>,
    areas: Arc<Areas>,
    effort: Arc<Effort>,
    /// What an account may have that was imported and that nobody has signed in to: made beside ours where a password is wrong.
    foreign: Arc<ArcSwapOption<Foreign>>,
}

/// The most that an argon2 hash from elsewhere may cost: memory in KiB, memory times passes, lanes.
const MOST_OF_ARGON2: (u32, u64, u32) = (256 * 1024, 1024 * 1024, 16);

/// Refuses an argon2 hash from elsewhere that costs too much, or cannot be made again.
pub fn check_ours(text: &str) -> Result<(), ForeignError> {
    let stored = PasswordHash::new(text).map_err(|_| ForeignError::Damaged)?;
    let params = Params::try_from(&stored).map_err(|_| ForeignError::Damaged)?;
    let is_whole = stored.salt.is_some() && stored.hash.as_ref().is_some_and(|hash| hash.as_bytes().len() >= 16);
    let is_known = Algorithm::try_from(stored.algorithm.as_str()).is_ok()
        && stored.version.is_none_or(|version| Version::try_from(version).is_ok());
    if !(is_whole && is_known) {
        return Err(ForeignError::Damaged);
    }
    let (memory, effort, lanes) = MOST_OF_ARGON2;
    let is_fine = params.m_cost() <= memory && Effort::of(&params) <= effort && params.p_cost() <= lanes;
    if is_fine { Ok(()) } else { Err(ForeignError::TooCostly) }
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

    fn spend_on(&self, foreign: &Foreign) {
        self.0.fetch_add(foreign.effort(), Ordering::Relaxed);
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
            turns: Turns::new(cores),
            areas: Arc::default(),
            effort: Arc::default(),
            foreign: Arc::default(),
        })
    }

    /// Spends on every wrong password what one of an account with this hash costs, too; nothing more where there is none.
    pub fn expect_foreign(&self, foreign: Option<Foreign>) {
        self.foreign.store(foreign.map(Arc::new));
    }

    /// Says how much has been hashed so far, in KiB of memory times passes, and in steps of what was imported.
    pub fn effort(&self) -> u64 {
        self.effort.0.load(Ordering::Relaxed)
    }

    /// Gives back to the system the memory that nothing has been hashed in for [`KEPT_IDLE`]. To be called again and again.
    pub fn end_idle(&self) {
        self.areas.end_idle();
    }

    /// Says how many areas of memory for hashes there are, and how many there were at most: never more than cores.
    pub fn areas(&self) -> (usize, usize) {
        self.areas.count()
    }

    /// Makes a hash that no password has, for an account that is to have none.
    pub fn of_nobody(&self) -> Result<String, HashingError> {
        hash_of_nobody(&self.params)
    }

    /// Hashes a new password into a PHC string with a salt of its own.
    pub async fn hash(&self, password: Password, origin: Origin) -> Result<String, HashingError> {
        let (argon2, effort) = (argon2id(&self.params), Arc::clone(&self.effort));
        self.take_turn(origin, move |area| hash(&argon2, &password, area, &effort)).await
    }

    /// Checks a password against an account's hash, or against nobody's: the work of a wrong password is the same, also
    /// where the account's hash is an old one that takes less, and the answer for nobody is always [`Checked::Wrong`].
    pub async fn check(
        &self,
        password: Password,
        stored: Option<String>,
        origin: Origin,
    ) -> Result<Checked, HashingError> {
        let (argon2, effort) = (argon2id(&self.params), Arc::clone(&self.effort));
        let stored: Arc<str> = stored.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        let expected = self.foreign.load_full();
        self.take_turn(origin, move |area| check(&argon2, &password, &stored, expected.as_deref(), area, &effort)).await
    }

    /// Runs `work` on a thread that may block, when its turn comes. The turn is given back when the work ends, not when the
    /// caller goes away: what was given up still costs.
    async fn take_turn<T: Send + 'static>(
        &self,
        origin: Origin,
        work: impl FnOnce(&mut Area) -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, HashingError> {
        let turn = self.turns.take(origin).await?;
        let mut desk = Desk { area: None, areas: Arc::clone(&self.areas), _turn: turn };
        let worker = tokio::task::spawn_blocking(move || work(desk.area()));
        worker.await.map_err(HashingError::Lost)?
    }
}

/// A turn with the memory for it. When it ends the memory goes back first: who comes next finds it.
struct Desk {
    area: Option<Area>,
    areas: Arc<Areas>,
    _turn: Turn,
}

impl Desk {
    fn area(&mut self) -> &mut Area {
        self.area.get_or_insert_with(|| self.areas.take())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(area) = self.area.take() {
            self.areas.give_back(area);
        }
    }
}

fn argon2id(params: &Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
}

fn hash(argon2: &Argon2<'_>, password: &Password, area: &mut Area, effort: &Effort) -> Result<String, HashingError> {
    let salt = mainstay_keys::random::<16>().map_err(HashingError::Salt)?;
    let mut output = Zeroizing::new([0; Params::DEFAULT_OUTPUT_LEN]);
    run(argon2, password, &salt, area, effort, &mut output[..])?;
    phc_string(argon2.params(), &salt, &output[..])
}

/// Makes a hash in the area. The parameters say what it costs.
fn run(
    argon2: &Argon2<'_>,
    password: &Password,
    salt: &[u8],
    area: &mut Area,
    effort: &Effort,
    output: &mut [u8],
) -> Result<(), HashingError> {
    let params = argon2.params();
    effort.spend(params);
    let made = area
        .blocks(params)
        .and_then(|blocks| argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, blocks));
    made.map_err(|error| HashingError::Failed(error.into()))
}

fn check(
    argon2: &Argon2<'_>,
    password: &Password,
    stored: &str,
    expected: Option<&Foreign>,
    area: &mut Area,
    effort: &Effort,
) -> Result<Checked, HashingError> {
    if let Ok(Some(foreign)) = Foreign::parse(stored) {
        effort.spend_on(&foreign);
        let is_right = foreign.is_of(password.as_typed().as_bytes());
        // One of ours is made in any case: to be stored, or since a wrong one of an account that is not there costs it.
        let ours = hash(argon2, password, area, effort)?;
        return Ok(if is_right { Checked::RightAndRehashed(ours) } else { Checked::Wrong });
    }
    let stored = PasswordHash::new(stored).map_err(|error| HashingError::Damaged(error.into()))?;
    let params = Params::try_from(&stored).map_err(HashingError::Damaged)?;
    if is_right(&stored, &params, password, area, effort)? {
        let weaker = is_weaker(&params, argon2.params()) || stored.algorithm != Algorithm::Argon2id.ident();
        return Ok(if weaker {
            Checked::RightAndRehashed(hash(argon2, password, area, effort)?)
        } else {
            Checked::Right
        });
    }
    if let Some(rest) = rest_of(&params, argon2.params()) {
        hash(&argon2id(&rest), password, area, effort)?;
    }
    if let Some(foreign) = expected {
        effort.spend_on(foreign);
        std::hint::black_box(foreign.is_of(password.as_typed().as_bytes()));
    }
    Ok(Checked::Wrong)
}

/// Says whether a stored hash is of this password: makes it again, with its own parameters, and compares in a time that
/// does not tell how much is the same.
fn is_right(
    stored: &PasswordHash,
    params: &Params,
    password: &Password,
    area: &mut Area,
    effort: &Effort,
) -> Result<bool, HashingError> {
    use argon2::password_hash::Error;
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(HashingError::Damaged)?;
    let version = stored.version.map_or(Ok(Version::V0x13), Version::try_from);
    let version = version.map_err(|error| HashingError::Damaged(error.into()))?;
    let salt = stored.salt.as_ref().ok_or(HashingError::Damaged(Error::SaltInvalid))?;
    let expected = stored.hash.as_ref().ok_or(HashingError::Damaged(Error::OutputSize))?.as_bytes();
    let mut output = Zeroizing::new([0; Output::MAX_LENGTH]);
    let output = &mut output[..expected.len()];
    let argon2 = Argon2::new(algorithm, version, params.clone());
    run(&argon2, password, salt, area, effort, output)?;
    Ok(output.ct_eq(expected).into())
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
    let salt = mainstay_keys::random::<16>().map_err(HashingError::Salt)?;
    let output = mainstay_keys::random::<{ Params::DEFAULT_OUTPUT_LEN }>().map_err(HashingError::Salt)?;
    phc_string(params, &salt, &output)
}

/// Writes a hash as it is stored.
fn phc_string(params: &Params, salt: &[u8], output: &[u8]) -> Result<String, HashingError> {
    let failed = |error: phc::Error| HashingError::Failed(error.into());
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(HashingError::Failed)?,
        salt: Some(Salt::new(salt).map_err(failed)?),
        hash: Some(Output::new(output).map_err(failed)?),
    };
    Ok(hash.to_string())
}
