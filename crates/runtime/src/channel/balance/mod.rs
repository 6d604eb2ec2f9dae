//! A service behind several addresses.
//!
//! ```text
//! call ── Pool ─┬─ too many at once: OVERLOADED
//!               ├─ the less loaded of two members, of those that are well
//!               ├─ not answered, and may be asked again: another member, as long as the budget lasts
//!               └─ the reply; the call counts as the member's load until its stream is over
//!
//! job  ── Keeper ─┬─ what the names resolve to now: members come, and leave when their last call is done
//!                 └─ grpc.health, of each member
//! ```
//!
//! A member that cannot be reached, or answers UNAVAILABLE several times in a row, is left out for a while, longer each time.
//! Where none is left, all are asked: to be refused by all of them is no worse than to ask nobody.

mod budget;
mod config;
mod keeper;
mod member;
mod names;
mod pick;
mod pool;

pub use config::{MAX_ENDPOINTS, MAX_TIMEOUT_SECONDS, UpstreamConfig, UpstreamError};
pub use keeper::{KEEP_INTERVAL, Keeper};
pub use pool::Balanced;
