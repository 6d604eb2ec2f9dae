//! Answers requests: what a path is about, and the one way from there to an answer.

mod endpoint;
mod exchange;
mod fixed;
mod known;
mod until;

pub use endpoint::Edge;
pub use known::Known;
