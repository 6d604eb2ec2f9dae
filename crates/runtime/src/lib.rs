//! Runtime.
pub mod channel;
mod codec;

pub use codec::RawCodec;
