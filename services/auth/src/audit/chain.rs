//! The hashes that hold the events together.

use mainstay_keys::KeyEncryptionKey;
use ring::digest::{Context, SHA256};
use ring::hmac::{self, HMAC_SHA256};
use subtle::ConstantTimeEq;

use crate::store::audit::{EndRow, EventRow};

/// A hash of the chain, or of something in it.
pub(crate) type Hash = [u8; 32];

/// What stands before the first event.
pub(crate) const NOTHING: Hash = [0; 32];

/// How many random bytes make what is personal unguessable from its hash.
pub(crate) const SALT_BYTES: usize = 16;

/// Links events. Nobody makes another chain without the service's key-encryption key.
pub(crate) struct ChainKey(hmac::Key);

impl ChainKey {
    pub(crate) fn of(key: &KeyEncryptionKey) -> Result<ChainKey, mainstay_keys::Error> {
        Ok(ChainKey(hmac::Key::new(HMAC_SHA256, key.derive(b"mainstay auth audit log")?.as_slice())))
    }

    /// The chain up to an event at this place, behind the hash of the one before it.
    pub(crate) fn link(&self, before: &Hash, sequence: i64, event: &EventRow) -> Hash {
        let mut context = hmac::Context::with_key(&self.0);
        let mut put = |bytes: &[u8]| {
            // With its length, so that no two events are written alike.
            context.update(&(bytes.len() as u64).to_le_bytes());
            context.update(bytes);
        };
        put(b"event 1");
        put(before);
        put(&sequence.to_le_bytes());
        put(event.uid.as_bytes());
        put(&event.event_time.to_le_bytes());
        for text in [&event.action, &event.account_uid, &event.actor, &event.subject, &event.details, &event.request_id]
        {
            put(text.as_bytes());
        }
        put(&event.network_hash);
        tag(context)
    }

    /// Seals the note of where the chain begins or ends.
    pub(crate) fn seal(&self, which: &str, sequence: i64, hash: &[u8]) -> Hash {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"end 1");
        context.update(&(which.len() as u64).to_le_bytes());
        context.update(which.as_bytes());
        context.update(&sequence.to_le_bytes());
        context.update(hash);
        tag(context)
    }

    /// Says whether a note of where the chain begins or ends is the one that was written.
    pub(crate) fn is_sealed(&self, end: &EndRow) -> bool {
        self.seal(&end.which, end.sequence, &end.hash).ct_eq(&end.seal).into()
    }
}

/// The hash that stands in the chain for what is personal.
pub(crate) fn of_personal(salt: &[u8], text: &str) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(salt);
    context.update(text.as_bytes());
    let mut hash = NOTHING;
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

fn tag(context: hmac::Context) -> Hash {
    let mut hash = NOTHING;
    hash.copy_from_slice(context.sign().as_ref());
    hash
}
