//! Keys of service accounts, exchanged for tokens where calls come in.
//!
//! ```text
//! client ── Bearer mak_… ──▶ gateway ── ExchangeKey, once in a token's life ──▶ auth
//!                               └── Bearer <token> ──▶ data, auth: nobody behind the gateway sees a key
//! ```

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use mainstay_fault::Fault;
use ring::digest::{Context, SHA256};

/// What a key of a service account begins with.
pub const API_KEY_PREFIX: &str = "mak_";

/// Longest key that is looked at, in bytes.
const MAX_KEY_BYTES: usize = 128;

/// Most keys whose tokens are remembered, each from one address.
const MAX_EXCHANGED: usize = 4 * 1024;

/// Exchanges a key for the text of an access token. `peer`: from where it is shown.
pub trait KeyExchange: Send + Sync + 'static {
    /// Asks whoever knows keys. Fails as they do.
    fn exchange(&self, key: &str, peer: Option<IpAddr>) -> ExchangeFuture;
}

/// The answer to [`KeyExchange::exchange`].
pub type ExchangeFuture = Pin<Box<dyn Future<Output = Result<String, Fault>> + Send>>;

/// What keys were exchanged for. A token is remembered until it is refused: it is verified with each call, as every other.
pub(crate) struct Exchanged {
    exchange: Arc<dyn KeyExchange>,
    /// By a hash of the key and of where it is shown: keys that are for one place are worth nothing at another, and none stays in
    /// memory.
    tokens: Mutex<HashMap<[u8; 32], Arc<str>, RandomState>>,
}

impl Exchanged {
    pub(crate) fn new(exchange: Arc<dyn KeyExchange>) -> Exchanged {
        Exchanged { exchange, tokens: Mutex::default() }
    }

    /// Whether a credential is a key, or claims to be one.
    pub(crate) fn is_key(credential: &str) -> bool {
        credential.starts_with(API_KEY_PREFIX)
    }

    /// Gives the token that a key was exchanged for.
    pub(crate) fn known(&self, key: &str, peer: Option<IpAddr>) -> Option<Arc<str>> {
        self.tokens().get(&place(key, peer)).cloned()
    }

    /// Forgets it: it is worth nothing any more.
    pub(crate) fn forget(&self, key: &str, peer: Option<IpAddr>) {
        self.tokens().remove(&place(key, peer));
    }

    /// Exchanges a key anew.
    pub(crate) async fn fetch(&self, key: &str, peer: Option<IpAddr>) -> Result<Arc<str>, Fault> {
        if key.len() > MAX_KEY_BYTES {
            return Err(crate::TokenError::TooLarge.into());
        }
        let token: Arc<str> = self.exchange.exchange(key, peer).await?.into();
        let mut tokens = self.tokens();
        if tokens.len() >= MAX_EXCHANGED {
            // They come again, each with the next call of its key.
            tokens.clear();
        }
        tokens.insert(place(key, peer), Arc::clone(&token));
        Ok(token)
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<str>, RandomState>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(key: &str, peer: Option<IpAddr>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(peer.map(|peer| peer.to_string()).unwrap_or_default().as_bytes());
    context.update(b" ");
    context.update(key.as_bytes());
    let mut place = [0; 32];
    place.copy_from_slice(context.finish().as_ref());
    place
}
