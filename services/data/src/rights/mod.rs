//! Who calls, and what stands between a caller and a row: what the compiled plans and the domain both speak of.

mod caller;
mod denial;

pub use caller::Caller;
pub use denial::{Denial, Obstacle, denial};
