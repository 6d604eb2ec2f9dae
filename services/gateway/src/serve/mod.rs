//! Answers requests: what a path is about, and the one way from there to an answer.

mod edge;
mod endpoint;
mod exchange;
mod fixed;
mod known;
mod until;

pub use edge::Edge;
pub use known::Known;
pub use until::until;
