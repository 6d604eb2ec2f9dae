//! The place where a caller that asks too often is refused. What is too often, the service decides.

use crate::Context;
use mainstay_fault::Fault;
use mainstay_telemetry::Route;

/// Decides how often a caller may call a method. Runs last, when the caller and the method are known.
pub trait RateLimit: Send + Sync + 'static {
    /// Counts the call, or refuses it with RATE_LIMITED and when to come back.
    fn admit(&self, caller: &Context, route: &Route) -> Result<(), Fault>;
}
