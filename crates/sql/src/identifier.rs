//! Names of tables, columns and indexes: how long they may be and how they are quoted.

use std::borrow::Cow;

/// The longest identifier that PostgreSQL keeps whole (`NAMEDATALEN - 1`); the same limit holds on SQLite, so that both
/// engines show the same names.
pub const IDENTIFIER_MAX_BYTES: usize = 63;

/// How many characters the hash and its separator take at the end of a shortened name: `_` and eight hex digits.
const HASH_BYTES: usize = 9;

/// Shortens a name to what both engines keep whole.
///
/// A name that fits is returned as it is. A longer one keeps its beginning and ends in `_` and a hash of the whole name,
/// so that two long names with the same beginning stay different. The function is its own inverse's fixed point:
/// shortening twice changes nothing. U+0000, which neither engine accepts, is dropped.
pub fn identifier(name: &str) -> Cow<'_, str> {
    let name: Cow<'_, str> = if name.contains('\0') { Cow::Owned(name.replace('\0', "")) } else { Cow::Borrowed(name) };
    if name.len() <= IDENTIFIER_MAX_BYTES {
        return name;
    }
    let mut end = IDENTIFIER_MAX_BYTES - HASH_BYTES;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}_{:08x}", &name[..end], fold(fnv1a(name.as_bytes()))))
}

/// Writes a name as a quoted identifier: `"title"`, a quote inside doubled, shortened by [`identifier`].
pub fn quote(name: &str) -> String {
    let name = identifier(name);
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('"');
    for c in name.chars() {
        if c == '"' {
            quoted.push('"');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// FNV-1a, 64 bits (draft-eastlake-fnv): stable for ever, which `std`'s hasher does not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Folds 64 bits to 32 by exclusive or, as the FNV draft recommends.
fn fold(hash: u64) -> u32 {
    u32::try_from((hash >> 32) ^ (hash & 0xffff_ffff)).unwrap_or(u32::MAX)
}
