#![doc = include_str!("../README.md")]

mod decimal;
mod etag;
mod fold;
mod json;
mod layout;
pub mod names;
pub mod page;
mod pattern;
mod piece;
pub mod role;
mod row;
pub mod time;
mod value;
mod violation;
mod well_known;

pub use decimal::{Decimal, DecimalError, MAX_DECIMAL_DIGITS, MAX_DECIMAL_EXPONENT};
pub use etag::{etag_revision, etag_text};
pub use fold::{FOLD, compare_folded, fold_pairs, folded, folded_bytes};
pub use json::{MAX_STORED_DEPTH, stored_json};
pub use layout::{Column, JsonField, JsonMessage, JsonShape, Layout, NumberPath, Role, Template, TemplatePart};
pub use pattern::MATCHES;
pub use piece::Piece;
pub use row::Row;
pub use value::{Kind, Value, ValueRef};
pub use violation::Violation;
pub use well_known::WellKnown;
