//! What the data service decides, in its own words: no gRPC, no Diesel, no generated types.

pub mod answer;
pub mod change;
pub mod checks;
pub mod clash;
pub mod constraints;
pub mod context;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod memory;
pub mod page_token;
pub mod purge;
pub mod read_mask;
pub mod record;
pub mod record_size;
pub mod references;
pub mod request;
pub mod transact;
pub mod tx;
pub mod undelete;
pub mod update;
