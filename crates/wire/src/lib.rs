#![doc = include_str!("../README.md")]

mod error;
pub mod frame;
pub mod mask;
mod plans;
mod record;
mod selection;

pub use error::{DecodeError, EncodeError, JsonError, JsonErrorKind, MaskError, PlanError, Violation, WireError};
pub use mask::MaskSelection;
pub use plans::{AliasResolver, FieldInfo, JsonOptions, MessageId, Plans};
pub use record::{Decoded, RecordPlan, etag_text};
pub use selection::Selection;

/// How deep messages may nest, in protobuf, in JSON, in Struct and across Any.
pub const MAX_DEPTH: usize = 100;
