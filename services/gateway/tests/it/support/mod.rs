//! What the tests share: an application's contract, and services that remember what they were asked.

pub mod contract;
pub mod fakes;
pub mod harness;
pub mod websocket;

pub use contract::{compile, decoded, encoded, library};
pub use harness::{Answered, Harness, backends, full, operator, service, signed_in};
