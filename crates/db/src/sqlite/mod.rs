//! SQLite: one writer thread with group commit, reads in two lanes.

mod answers;
mod compact;
mod copy;
mod functions;
mod gate;
mod group;
mod heavy;
mod inline;
mod job;
mod log;
mod long;
mod open;
mod place;
mod reader;
mod shared;
mod store;
mod verbs;
mod writer;

pub(crate) use copy::{copy, look};
pub(crate) use job::panicked;
pub(crate) use store::SqliteStore;
