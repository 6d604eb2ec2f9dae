#![doc = include_str!("../README.md")]

pub mod channel;
mod codec;
pub mod server;
mod shutdown;

pub use codec::RawCodec;
pub use server::{Server, ServerConfig};
pub use shutdown::Shutdown;
