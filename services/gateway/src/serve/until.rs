//! A stream that ends when its caller stops waiting.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use mainstay_fault::{Fault, Reason};
use mainstay_runtime::channel::Messages;
use tokio::time::{Sleep, sleep_until};

/// Ends a stream with DEADLINE_EXCEEDED at its caller's deadline; without one it is as it was.
pub fn until(deadline: Option<Instant>, messages: Messages) -> Messages {
    match deadline {
        None => messages,
        Some(deadline) => Until { messages, deadline: Some(Box::pin(sleep_until(deadline.into()))) }.boxed(),
    }
}

struct Until {
    messages: Messages,
    /// Nothing once the stream is over.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Stream for Until {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(deadline) = &mut self.deadline else { return Poll::Ready(None) };
        // Whoever always has something to say is not heard for longer.
        if deadline.as_mut().poll(cx).is_ready() {
            self.deadline = None;
            return Poll::Ready(Some(Err(Fault::new(Reason::DeadlineExceeded))));
        }
        self.messages.poll_next_unpin(cx)
    }
}
