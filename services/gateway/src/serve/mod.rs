//! Answers requests: what a path is about, and how each kind of request is answered.

mod body;
mod endpoint;
mod fixed;
mod grpc;
mod rest;

pub use endpoint::{Backends, Edge};
