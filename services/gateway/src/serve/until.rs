//! A stream that ends when its caller stops waiting, or may not be told more.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use mainstay_fault::Fault;
use mainstay_layers::{End, Ending};
use mainstay_runtime::channel::Messages;

/// Ends a stream at its caller's deadline, or with his token; without either it is as it was.
pub fn until(end: Option<End>, messages: Messages) -> Messages {
    match end {
        None => messages,
        Some(end) => Until { messages, ending: Some(end.into()) }.boxed(),
    }
}

struct Until {
    messages: Messages,
    /// Nothing once the stream is over.
    ending: Option<Ending>,
}

impl Stream for Until {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(ending) = &mut self.ending else { return Poll::Ready(None) };
        // Whoever always has something to say is not heard for longer.
        if let Poll::Ready(fault) = ending.poll(cx) {
            self.ending = None;
            return Poll::Ready(Some(Err(fault)));
        }
        self.messages.poll_next_unpin(cx)
    }
}
