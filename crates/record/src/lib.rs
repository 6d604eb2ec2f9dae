#![doc = include_str!("../README.md")]

mod json;
mod layout;
mod row;
mod value;

pub use json::{MAX_STORED_DEPTH, stored_json};
pub use layout::{Column, JsonField, JsonMessage, JsonShape, Layout, NumberPath, Role, Template, TemplatePart};
pub use row::Row;
pub use value::{Kind, Value, ValueRef};
