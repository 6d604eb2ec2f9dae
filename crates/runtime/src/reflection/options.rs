//! What the options of a contract say of how the server works: who may do what, by which query, who answers, what a secret is
//! called. Clients need none of it, and it tells what there is to attack.

use bytes::{Buf as _, Bytes};
use prost::encoding::{self, DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost::{DecodeError, Message as _};
use prost_reflect::prost_types::source_code_info::Location;

use super::files::{File, Files};

/// `mainstay.v1`'s `resource`, `auth`, `sql`, `upstream`, `schedule`, `webhook` and `roles`; and what no compiler has read yet.
const HIDDEN: [u32; 8] = [51901, 51904, 51905, 51906, 51907, 51908, 51909, 999];
/// `mainstay.v1.field`: clients use what it says, but for the rules.
const FIELD: u32 = 51902;
/// Its `read` and `write`.
const FIELD_RULES: [u32; 2] = [3, 5];
/// `mainstay.v1.states`, the same.
const STATES: u32 = 51903;
/// The `access` and the `guard` of a transition.
const TRANSITION_RULES: [u32; 2] = [4, 5];

impl Files {
    /// Leaves out the options that are the server's own business, and the comments on them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn without_rules(&self) -> Result<Files, DecodeError> {
        let mut left = Files::default();
        for file in &self.files {
            let encoded = Bytes::from(without_rules(Part::File, &file.encoded)?);
            left.put(File { says: file.says.clone(), encoded });
        }
        Ok(left)
    }
}

/// A message of `google/protobuf/descriptor.proto`, or of an option, that is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    File,
    Message,
    /// Of a message, or an extension.
    Field,
    Service,
    Method,
    /// Of any of these: no two of them have options of one number.
    Options,
    FieldOption,
    StatesOption,
    Transition,
    /// Comments, and the places of what they are about.
    Comments,
}

impl Part {
    /// What a field of it is, by its number there, and whether that is a list; nothing where it stays as it is.
    fn inner(self, number: u32) -> Option<(Part, bool)> {
        Some(match (self, number) {
            (Part::File, 4) | (Part::Message, 3) => (Part::Message, true),
            (Part::File, 6) => (Part::Service, true),
            (Part::File, 7) | (Part::Message, 2 | 6) => (Part::Field, true),
            (Part::Service, 2) => (Part::Method, true),
            (Part::File | Part::Field, 8) | (Part::Message, 7) | (Part::Service, 3) | (Part::Method, 4) => {
                (Part::Options, false)
            }
            (Part::File, 9) => (Part::Comments, false),
            (Part::Options, FIELD) => (Part::FieldOption, false),
            (Part::Options, STATES) => (Part::StatesOption, false),
            (Part::StatesOption, 2) => (Part::Transition, true),
            _ => return None,
        })
    }

    fn hides(self, number: u32) -> bool {
        match self {
            Part::Options => HIDDEN.contains(&number),
            Part::FieldOption => FIELD_RULES.contains(&number),
            Part::Transition => TRANSITION_RULES.contains(&number),
            _ => false,
        }
    }
}

fn without_rules(part: Part, encoded: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let (mut rest, mut kept) = (encoded, Vec::with_capacity(encoded.len()));
    while rest.has_remaining() {
        let field = rest;
        let (number, wire_type) = decode_key(&mut rest)?;
        let value = rest;
        skip_field(wire_type, number, &mut rest, DecodeContext::default())?;
        let (field, mut value) = (&field[..field.len() - rest.len()], &value[..value.len() - rest.len()]);
        if part.hides(number) {
            continue;
        }
        if wire_type == WireType::LengthDelimited {
            decode_varint(&mut value)?;
        }
        match part.inner(number).filter(|_| wire_type == WireType::LengthDelimited) {
            Some((inner, is_list)) => {
                let value = without_rules(inner, value)?;
                // Options that say nothing any more are as if they had never been there.
                if is_list || !value.is_empty() {
                    encoding::bytes::encode(number, &value, &mut kept);
                }
            }
            None if part == Part::Comments && is_hidden(&Location::decode(value)?.path) => {}
            None => kept.extend_from_slice(field),
        }
    }
    Ok(kept)
}

/// Whether a place in a file is that of something hidden.
fn is_hidden(path: &[i32]) -> bool {
    let (mut part, mut path) = (Part::File, path);
    while let Some((number, rest)) = path.split_first() {
        let Ok(number) = u32::try_from(*number) else { return false };
        if part.hides(number) {
            return true;
        }
        let Some((inner, is_list)) = part.inner(number) else { return false };
        part = inner;
        path = rest.get(usize::from(is_list)..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_hidden_where_what_stands_there_is() {
        for (path, hidden) in [
            (vec![4, 0], false),
            (vec![4, 0, 7], false),
            (vec![4, 0, 7, 1053], false),
            (vec![4, 0, 7, 51901], true),
            (vec![4, 0, 3, 2, 7, 51901, 5, 0], true),
            (vec![4, 0, 2, 51901], false),
            (vec![4, 0, 2, 1, 8, 51902, 1], false),
            (vec![4, 0, 2, 1, 8, 51902, 3], true),
            (vec![4, 0, 2, 1, 8, 51903, 2, 0, 5], true),
            (vec![6, 1, 2, 0, 4, 51905], true),
            (vec![6, 1, 3, 51906], true),
            (vec![8, 51909], true),
            (vec![8, 11], false),
            (vec![7, 0, 8, 999, 0], true),
        ] {
            assert_eq!(is_hidden(&path), hidden, "{path:?}");
        }
    }
}
