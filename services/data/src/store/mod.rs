//! The data service's own tables.

pub mod answers;
pub mod contracts;
pub mod keys;
pub mod links;
pub mod migrations;
pub mod transitions;
