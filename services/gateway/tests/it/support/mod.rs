//! What the tests share: an application's contract, and services that remember what they were asked.

mod contract;
mod fakes;
mod harness;

pub use contract::{compile, library};
pub use fakes::{Answer, FakeService};
pub use harness::Harness;
