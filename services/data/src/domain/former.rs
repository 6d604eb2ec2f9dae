//! How requests were told from others with their id by a version that took them by their bytes. What it remembered is kept
//! for a day, as everything is, so that a request which is repeated over an upgrade is still done once.

use bytes::Bytes;
use mainstay_contract::commit::request::{PRECONDITIONS, WRITES};
use mainstay_contract::{Role, Verb};
use mainstay_wire::{WireError, frame};

use super::request::Identity;
use crate::store::answers;

/// How many bytes such a digest has, by which it is known.
const DIGEST_BYTES: usize = 32;

/// Says whether an answer that such a version remembered is one to this request.
pub fn is_same(remembered: &[u8], identity: Identity, message: &Bytes) -> bool {
    remembered.len() == DIGEST_BYTES && fingerprint(identity, message).is_ok_and(|own| own == remembered)
}

fn fingerprint(identity: Identity, message: &Bytes) -> Result<Vec<u8>, WireError> {
    match identity {
        Identity::Verb(verb) => of_verb(verb, message),
        // That version had none.
        Identity::Transition(_) => Ok(Vec::new()),
        Identity::Commit => {
            let (writes, preconditions) = (frame::messages(message, WRITES)?, frame::messages(message, PRECONDITIONS)?);
            let count = writes.len().to_be_bytes();
            Ok(digest(&[&[&count[..]], &writes[..], &preconditions[..]].concat()))
        }
    }
}

fn of_verb(word: &str, message: &Bytes) -> Result<Vec<u8>, WireError> {
    let Some(verb) = Verb::ALL.into_iter().find(|verb| verb.word() == word) else { return Ok(Vec::new()) };
    let message = verb.read(message)?;
    let flags = |roles: &[Role]| roles.iter().map(|role| u8::from(message.flag(*role))).collect::<Vec<u8>>();
    let (first, flags, rest) = match word {
        "Create" => (vec![Role::Parent, Role::Id, Role::Body], Vec::new(), None),
        "Update" => (vec![Role::Body, Role::Mask], flags(&[Role::AllowMissing]), Some(Role::Transforms)),
        "Delete" => (vec![Role::Name, Role::Etag], flags(&[Role::AllowMissing, Role::Force]), None),
        "Undelete" => (vec![Role::Name, Role::Etag], Vec::new(), None),
        "BatchCreate" => (vec![Role::Parent], Vec::new(), Some(Role::Creates)),
        "BatchUpdate" => (vec![Role::Parent], Vec::new(), Some(Role::Updates)),
        "BatchDelete" => (vec![Role::Parent], Vec::new(), Some(Role::Names)),
        _ => return Ok(Vec::new()),
    };
    let mut parts: Vec<&[u8]> = first.into_iter().map(|role| message.bytes(role)).collect();
    if !flags.is_empty() {
        parts.push(&flags);
    }
    if let Some(role) = rest {
        parts.extend(message.each(role)?);
    }
    Ok(digest(&parts))
}

fn digest(parts: &[&[u8]]) -> Vec<u8> {
    answers::digest(parts).as_ref().to_vec()
}
