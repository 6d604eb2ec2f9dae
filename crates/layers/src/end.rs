//! When a stream is over, whatever is left of it: at its caller's deadline, and when the token that let its caller in is worth
//! nothing any more. A call of one message ends with its deadline, which is shorter than any token.

use crate::{Body, Context};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use mainstay_fault::{Fault, Reason};
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Instant;
use tokio::time::{Sleep, sleep_until};
use tonic::Status;

/// The moment at which a stream is ended, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Instant,
    /// What its caller is told then.
    pub reason: Reason,
}

impl Context {
    /// When a stream that answers this call is over; nothing where it may go on for ever.
    pub fn end(&self) -> Option<End> {
        let deadline = self.deadline.map(|at| End { at, reason: Reason::DeadlineExceeded });
        let expiry = self.expires.map(|at| End { at, reason: Reason::TokenExpired });
        deadline.into_iter().chain(expiry).min_by_key(|end| end.at)
    }
}

/// The wait for an end.
#[derive(Debug)]
pub struct Ending {
    timer: Pin<Box<Sleep>>,
    reason: Reason,
}

impl From<End> for Ending {
    fn from(end: End) -> Ending {
        Ending { timer: Box::pin(sleep_until(end.at.into())), reason: end.reason }
    }
}

impl Ending {
    /// Waits for the end, and gives what its caller is told.
    pub fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<Fault> {
        self.timer.as_mut().poll(cx).map(|()| Fault::new(self.reason))
    }
}

/// Ends the body of an answer over gRPC with its status, when that time comes before its own end.
pub fn ended(body: Body, end: Option<End>) -> Body {
    match end {
        Some(end) if !body.is_end_stream() => Body::new(Ended { inner: Some(body), ending: end.into() }),
        _ => body,
    }
}

struct Ended {
    /// Nothing once the end has been told.
    inner: Option<Body>,
    ending: Ending,
}

impl http_body::Body for Ended {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        // Whoever always has something to say is not heard for longer.
        if let Poll::Ready(fault) = this.ending.poll(cx) {
            this.inner = None;
            let mut trailers = HeaderMap::new();
            return Poll::Ready(Some(
                Status::from(fault).add_header(&mut trailers).map(|()| Frame::trailers(trailers)),
            ));
        }
        Pin::new(inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::new()
    }
}
