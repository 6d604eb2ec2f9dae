#![doc = include_str!("../README.md")]

pub mod capabilities;
mod check;
mod compile;
mod diagnostic;
mod embedded;
mod file;
mod link;
mod model;
mod money;
mod naming;
mod options;
mod parse;
mod pattern;
mod report;
mod resource;
mod service;
mod source;
mod text;
mod validate;

pub use check::{Check, Integers, MAX_PATTERN_BYTES, MAX_PATTERN_MEMORY_BYTES, Pattern};
pub use compile::{compile, export};
pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity};
pub use link::MAX_IMPORT_DEPTH;
pub use model::{Access, Behaviors, Contract, FieldModel, Index, Method, Reference, Resource, Rule, Service, Standard};
pub use money::MAX_MONEY_NANOS;
pub use naming::{MAX_IDENTIFIER_BYTES, lower_camel};
pub use parse::MAX_NESTING;
pub use pattern::MAX_PATTERN_VARIABLES;
pub use report::MAX_DIAGNOSTICS;
pub use resource::index::{MAX_INDEX_COLUMNS, MAX_INDEXES};
pub use resource::json::MAX_JSON_DEPTH;
pub use resource::layout::{MAX_COLUMNS, MAX_MESSAGE_DEPTH};
pub use source::{MAX_FILE_BYTES, MAX_FILES, MAX_FOLDER_DEPTH, MAX_TOTAL_BYTES, Source, read_folder};
pub use validate::{Container, JsonChecks, JsonFieldChecks, Violation};
