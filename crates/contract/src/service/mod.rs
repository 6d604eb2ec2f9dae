//! The gRPC services of the resources: derived, or written and bound.

mod bind;
pub(crate) mod commit;
pub(crate) mod derive;
mod http;
mod own;

pub(crate) use bind::{Bound, bind};
pub use own::{MAX_UPSTREAM_NAME_BYTES, is_upstream_name, upstream_of};
