#![doc = include_str!("../README.md")]

mod layout;
mod row;
mod value;

pub use layout::{Column, JsonField, JsonMessage, JsonShape, Layout, NumberPath, Role, Template, TemplatePart};
pub use row::Row;
pub use value::{Kind, Value, ValueRef};
