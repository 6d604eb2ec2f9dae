//! What a request says, by which it is told from others with its id (AIP-155).
//!
//! A client that repeats a request need not send the same bytes: maps come in any order in many languages, and so do the keys
//! of JSON and what a gateway makes of them. So it is not the bytes that count but what was read: fields by their numbers,
//! maps by their keys, what is unset left out, and what the contract does not know as well, since it changes nothing.

use bytes::Bytes;
use mainstay_contract::{Request, Role};
use mainstay_record::Value;
use mainstay_wire::{Decoded, WireError};

use crate::plans::ResourcePlan;
use crate::store::answers;

/// How many bytes tell a request from others with its id: as many as tell whose it is.
const DIGEST_BYTES: usize = 16;

/// What a request says, so put together that two which say the same are the same bytes.
#[derive(Debug, Clone, Default)]
pub struct Content(Vec<u8>);

impl Content {
    /// Adds a part.
    pub fn bytes(&mut self, part: &[u8]) {
        self.0.extend_from_slice(&(part.len() as u64).to_le_bytes());
        self.0.extend_from_slice(part);
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Adds a bool.
    pub fn flag(&mut self, flag: bool) {
        self.0.push(u8::from(flag));
    }

    /// Adds a value.
    pub fn value(&mut self, value: &Value) {
        value.put_content(&mut self.0);
    }

    /// Adds a record as it was sent.
    pub fn record(&mut self, plan: &ResourcePlan, decoded: &Decoded) {
        plan.record.content(decoded, &mut self.0);
    }

    /// Adds the paths of a mask, which come in any order.
    pub fn mask(&mut self, message: &Request<Bytes>, role: Role) -> Result<(), WireError> {
        let mut paths = message.mask(role)?.unwrap_or_default();
        paths.sort_unstable();
        paths.dedup();
        self.bytes(&(paths.len() as u64).to_le_bytes());
        paths.into_iter().for_each(|path| self.text(path));
        Ok(())
    }

    /// Adds a message that cannot be read: only the same bytes are the same.
    pub fn unreadable(&mut self, message: &Request<Bytes>) {
        self.text("?");
        self.bytes(message.message());
    }

    /// The bytes themselves.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Its digest.
    pub fn digest(&self) -> Vec<u8> {
        answers::digest(&[&self.0]).as_ref()[..DIGEST_BYTES].to_vec()
    }
}
