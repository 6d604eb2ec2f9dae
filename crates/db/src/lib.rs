#![doc = include_str!("../README.md")]

pub mod catalog;
mod condition;
mod config;
mod conn;
pub mod copies;
mod counters;
mod data_dir;
mod database;
mod erased;
mod error;
pub mod failpoint;
mod former;
mod known;
pub mod leases;
mod macros;
mod migrate;
mod pace;
mod postgres;
mod queue;
mod row;
mod sqlite;
mod statement;
mod step;
mod terms;
mod turns;

pub use config::Config;
pub use conn::{Conn, Link};
pub use counters::Counters;
pub use data_dir::{DataDir, RunInfo};
pub use database::Database;
pub use diesel_migrations::EmbeddedMigrations;
pub use error::{Cause, Error};
pub use former::Former;
pub use futures_util::future::BoxFuture;
pub use known::{Gate, Known, Stored};
/// What a PostgreSQL server is like, for who looks after it.
pub mod server {
    pub use crate::postgres::{Facts, Place, ToolError, dump, facts, place, restore, with_database};
}
pub use row::{RowRef, Rows, Sink};
pub use statement::Statement;
pub use step::{Step, StepError};
pub use terms::{Asker, Atomic, Compacted, Engine, Lane, PATIENCE};

/// What the macros expand to; no part of the interface.
#[doc(hidden)]
pub mod macro_support {
    pub use diesel;
    pub use diesel_async;
}
