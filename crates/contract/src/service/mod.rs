//! The gRPC services of the resources: derived, or written and bound.

mod bind;
pub(crate) mod derive;
mod http;
mod shape;

pub(crate) use bind::{Bound, bind};
