#![doc = include_str!("../README.md")]

pub mod apply;
pub mod clock;
mod config;
mod contract_service;
pub mod copy;
mod data;
pub mod domain;
pub mod drift;
mod endpoint;
pub mod erasure;
mod error;
mod followers;
mod jobs;
pub mod plans;
pub mod process;
pub mod purge;
mod reconciler;
pub mod rights;
mod schema;
pub mod seed;
mod served;
mod service;
pub mod start;
pub mod store;
mod subject_service;

pub use config::{Config, Options};
pub use contract_service::{ACCEPT, plan_message, step_message};
pub use data::{Data, Environment};
pub use endpoint::DataEndpoint;
pub use error::{Error, Result};
pub use reconciler::Reconciler;
pub use service::{DataChannel, Resources};
pub use start::{FolderOutcome, StartError};
