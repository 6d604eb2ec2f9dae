//! From a path to a route: the trie of all templates, percent-decoding. Knows no protobuf.

mod escape;
mod path;
mod trie;

pub use escape::{EscapeError, Keep, decode_path, decode_query};
pub use path::Segments;
pub use trie::{Ambiguous, Lookup, Trie};
