//! Who calls, for handlers that tonic generates the frame of.

use crate::Context;
use mainstay_fault::Fault;
use mainstay_identity::Principal;

/// Finds the caller of a request that came through a stack.
///
/// A request without one did not: that is an error of ours, and never a reason to take the caller for nobody.
pub fn caller<T>(request: &tonic::Request<T>) -> Result<Principal, Fault> {
    match request.extensions().get::<Principal>() {
        Some(principal) => Ok(principal.clone()),
        None => Err(Fault::internal("a request reached its handler without passing a stack")),
    }
}

/// Finds everything that the stack knows about a request that came through one.
pub fn context<T>(request: &tonic::Request<T>) -> Result<&Context, Fault> {
    request
        .extensions()
        .get::<Context>()
        .ok_or_else(|| Fault::internal("a request reached its handler without passing a stack"))
}
