//! Answers requests: what a path is about, and how each kind of request is answered.

mod body;
mod endpoint;
mod fixed;
mod grpc;
mod known;
mod read_mask;
mod rest;

pub use endpoint::{Backends, Edge};
pub use known::Known;
