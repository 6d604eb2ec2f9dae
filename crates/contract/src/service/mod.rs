//! The gRPC services of the resources: derived, or written and bound.

mod bind;
pub(crate) mod commit;
pub(crate) mod derive;
mod http;
mod own;

pub(crate) use bind::{Bound, bind};
