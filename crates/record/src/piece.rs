//! What a statement is made of, for who writes one and for who runs it.

use crate::Kind;

/// A part of a statement. Whoever runs it puts the engine's placeholder (`?`, `$1`) where a bind stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    Text(String),
    /// The value in position `slot` of the binds, sent as `kind`: a NULL needs its type on PostgreSQL.
    Bind {
        slot: usize,
        kind: Kind,
    },
}
