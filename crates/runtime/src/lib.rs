#![doc = include_str!("../README.md")]

mod allocator;
pub mod channel;
pub mod codec;
pub mod config;
pub mod descriptors;
pub mod health;
pub mod jobs;
pub mod operations;
pub mod policies;
pub mod process;
mod readiness;
pub mod reflection;
pub mod server;
mod shutdown;
pub mod systemd;
pub mod threads;

pub use codec::RawCodec;
pub use health::Health;
pub use jobs::{Job, Jobs, Work};
pub use operations::Operations;
pub use policies::Methods;
pub use readiness::{Check, Readiness};
pub use reflection::{Files, Reflection};
pub use server::{Server, ServerConfig};
pub use shutdown::Shutdown;

/// Any error on the way to a running server, or of what it does by itself.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
