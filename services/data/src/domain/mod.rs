//! What the data service decides, in its own words: no gRPC, no Diesel, no generated types.

pub mod checks;
pub mod constraints;
pub mod context;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod page_token;
pub mod read_mask;
pub mod record_size;
pub mod references;
pub mod update;
pub mod write;
