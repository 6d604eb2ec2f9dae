use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::cache::Cache;
use crate::claims::Claims;
use crate::header::Header;
use crate::signed::Signed;
use crate::terms::{MAX_TOKEN_BYTES, VerifierConfig};
use crate::{Clock, KeySet, KeySource, KeySourceError, Principal, SystemClock, TokenError};

/// The `typ` of an access token (RFC 9068 §2.1).
pub const TOKEN_TYPE: &str = "at+jwt";

/// The `typ` of an assertion: what one of the application's own services is told of its caller. Whoever shows it comes through
/// that service ([`Principal::upstream`]).
pub const ASSERTION_TYPE: &str = "assertion+jwt";

/// How long a key set is used before it is fetched again in the background. Bounds how long a withdrawn key is accepted.
pub const KEYS_FRESH_FOR: Duration = Duration::from_secs(300);

/// Shortest time between two fetches, whatever tokens come in.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// How long one fetch may take.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// Verifies access tokens. Cheap to clone; clones share keys and the cache of verified tokens.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    config: VerifierConfig,
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    keys: ArcSwap<Known>,
    fetching: Mutex<()>,
    cache: Cache,
}

/// The keys and when they were last asked for, in microseconds. `fetched` is the last success.
#[derive(Clone, Default)]
struct Known {
    set: Arc<KeySet>,
    fetched: Option<i64>,
    tried: Option<i64>,
}

impl Known {
    /// Says whether less than `span` has passed since `then`. A clock that went back counts as "long ago".
    fn within(then: Option<i64>, span: Duration, now: i64) -> bool {
        let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        then.is_some_and(|then| (0..span).contains(&now.saturating_sub(then)))
    }
}

impl Verifier {
    /// Makes a verifier that fetches keys when the first token comes.
    pub fn new(config: VerifierConfig, source: Arc<dyn KeySource>) -> Verifier {
        Verifier::with_clock(config, source, Arc::new(SystemClock))
    }

    /// Makes a verifier that asks `clock` for the time.
    pub fn with_clock(config: VerifierConfig, source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Verifier {
        Verifier(Arc::new(Inner {
            config,
            source,
            clock,
            keys: ArcSwap::default(),
            fetching: Mutex::new(()),
            cache: Cache::new(),
        }))
    }

    /// Verifies without waiting: `None` means that keys have to be fetched first and [`Verifier::verify`] must be awaited.
    /// A token that was verified before costs one look-up.
    pub fn try_verify(&self, token: &str) -> Option<Result<Principal, TokenError>> {
        let now = self.0.clock.now_seconds();
        if let Some(principal) = self.0.cache.get(token, now) {
            return Some(Ok(principal));
        }
        let known = self.0.keys.load();
        match self.0.check(token, &known.set) {
            Err(TokenError::UnknownKey) => None,
            checked => {
                self.refresh_in_background_when_stale(&known);
                Some(checked)
            }
        }
    }

    /// Verifies an access token. Fetches keys when the token names one that is not known, at most once in
    /// [`REFRESH_INTERVAL`]; concurrent callers wait for the same fetch.
    pub async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        if let Some(verified) = self.try_verify(token) {
            return verified;
        }
        let outcome = self.fetch_again().await;
        match self.0.check(token, &self.0.keys.load().set) {
            Err(TokenError::UnknownKey) => match outcome {
                // Without the newest keys it cannot be said that there is no such key.
                Some(Err(source)) => Err(unavailable(Some(source))),
                None if self.0.last_fetch_failed() => Err(unavailable(None)),
                _ => Err(TokenError::UnknownKey),
            },
            checked => checked,
        }
    }

    /// How long it is until a second since the Unix epoch.
    pub(crate) fn until(&self, second: i64) -> Duration {
        let micros = second.saturating_mul(1_000_000).saturating_sub(self.0.clock.now_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Fetches the keys now, so that the first request need not wait for them. The keys in use stay when it fails.
    pub async fn prefetch(&self) -> Result<(), KeySourceError> {
        let _one_at_a_time = self.0.fetching.lock().await;
        self.0.fetch().await
    }

    /// Fetches unless that was tried just now. `None`: it was.
    async fn fetch_again(&self) -> Option<Result<(), KeySourceError>> {
        let _one_at_a_time = self.0.fetching.lock().await;
        if Known::within(self.0.keys.load().tried, REFRESH_INTERVAL, self.0.clock.now_micros()) {
            return None;
        }
        Some(self.0.fetch().await)
    }

    fn refresh_in_background_when_stale(&self, known: &Known) {
        let now = self.0.clock.now_micros();
        if Known::within(known.fetched, KEYS_FRESH_FOR, now) || Known::within(known.tried, REFRESH_INTERVAL, now) {
            return;
        }
        let verifier = self.clone();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move { verifier.fetch_again().await });
    }
}

impl Inner {
    /// Does every check of a token against these keys, and remembers it when it passes.
    fn check(&self, token: &str, keys: &KeySet) -> Result<Principal, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLarge);
        }
        let Signed { message, header, claims, signature } = Signed::split(token)?;
        let header = Header::read(&header)?;
        let is_assertion = header.check_type(ASSERTION_TYPE).is_ok();
        if !is_assertion {
            header.check_type(TOKEN_TYPE)?;
        }
        let key = keys.get(header.key_id()?).ok_or(TokenError::UnknownKey)?;
        header.check_algorithm(key)?;
        if !key.verifies(message.as_bytes(), &signature) {
            return Err(TokenError::BadSignature);
        }
        let claims = Claims::read(&claims)?;
        let now = self.clock.now_seconds();
        claims.check(&self.config, now)?;
        // One of the two says through whom its caller comes, and the other does not.
        if claims.is_for_upstream() != is_assertion {
            return Err(TokenError::WrongType);
        }
        let principal = claims.into_principal();
        self.cache.insert(token, principal.clone(), principal.expires_at().unwrap_or(now), now);
        Ok(principal)
    }

    async fn fetch(&self) -> Result<(), KeySourceError> {
        let fetched = match tokio::time::timeout(FETCH_TIMEOUT, self.source.fetch()).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(KeySourceError::TimedOut),
        };
        let before = self.keys.load_full();
        let now = Some(self.clock.now_micros());
        match fetched {
            Ok(set) => {
                let withdrawn = !before.set.is_contained_in(&set);
                self.keys.store(Arc::new(Known { set: Arc::new(set), fetched: now, tried: now }));
                if withdrawn {
                    self.cache.clear();
                }
                Ok(())
            }
            Err(error) => {
                tracing::warn!(error = %error, keys = before.set.len(), "cannot fetch token keys; the last ones stay in use");
                self.keys.store(Arc::new(Known { tried: now, ..Known::clone(&before) }));
                Err(error)
            }
        }
    }

    fn last_fetch_failed(&self) -> bool {
        let known = self.keys.load();
        known.fetched != known.tried
    }
}

fn unavailable(source: Option<KeySourceError>) -> TokenError {
    TokenError::KeysUnavailable { retry_after: REFRESH_INTERVAL, source }
}
