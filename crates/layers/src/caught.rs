//! Panics as faults: whoever else is on the connection goes on.

use mainstay_fault::Fault;
use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;
use tracing::Span;

/// Does the work inside the span. A panic is its fault.
pub(crate) async fn caught<T>(
    span: &Span,
    mut work: Pin<&mut impl Future<Output = Result<T, Fault>>>,
) -> Result<T, Fault> {
    poll_fn(|cx| {
        let _entered = span.enter();
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(polled) => polled,
            Err(panic) => Poll::Ready(Err(panicked(panic.as_ref()))),
        }
    })
    .await
}

/// Makes the fault of a panic. Its text is for the log: it may hold anything.
fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Fault::internal(format!("a handler panicked: {}", text.as_deref().unwrap_or("without a text")))
}
