//! From a path to a route: templates, the trie of all of them, percent-decoding. Knows no protobuf.

mod escape;
mod path;
mod template;
mod trie;

pub use escape::{EscapeError, Keep, decode_path, decode_query};
pub use path::Segments;
pub use template::{MAX_TEMPLATE_SEGMENTS, Segment, Template, TemplateError, Variable};
pub use trie::{Ambiguous, Lookup, Trie};
