#![doc = include_str!("../README.md")]

mod error;
mod fail;
mod field_mask;
pub mod frame;
mod from_json;
mod json;
pub mod mask;
mod path;
mod plans;
mod prune;
mod reader;
mod record;
mod selection;
mod table;
mod to_json;
mod writer;

pub use error::{DecodeError, EncodeError, JsonError, JsonErrorKind, MaskError, PlanError, WireError};
pub use fail::{MAX_JSON_VIOLATIONS, UNSAID};
pub use mask::MaskSelection;
pub use path::{FieldInfo, MessageId};
pub use plans::{JsonOptions, Plans};
pub use record::{Decoded, MAX_RECORD_DEPTH, RecordPlan};
pub use selection::Selection;
pub use table::{AliasResolver, UPDATE_MASK, UnsaidResolver};
pub use to_json::JsonPieces;

/// How deep messages may nest, in protobuf, in JSON, in Struct and across Any.
pub const MAX_DEPTH: usize = 100;
