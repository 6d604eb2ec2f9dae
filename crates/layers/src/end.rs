//! When a stream is over, whatever is left of it: at its caller's deadline, and when the token that let its caller in is worth
//! nothing any more, by its time or because its session was revoked. A call of one message ends with its deadline, which is
//! shorter than any token.

use crate::{Body, Context};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{TokenError, Watched};
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Instant;
use tokio::time::{Sleep, sleep_until};
use tonic::Status;

/// What ends a stream before its own end.
#[derive(Debug)]
pub struct End {
    /// The moment at which it is ended, and what its caller is told then.
    at: Option<(Instant, Reason)>,
    /// What its caller has shown, while that may be revoked.
    watched: Option<Watched>,
}

impl End {
    /// An end at a moment.
    pub(crate) fn at(at: Instant, reason: Reason) -> End {
        End { at: Some((at, reason)), watched: None }
    }
}

impl Context {
    /// When a stream that answers this call is over; nothing where it may go on for ever.
    pub fn end(&self) -> Option<End> {
        let deadline = self.deadline.map(|at| (at, Reason::DeadlineExceeded));
        self.earlier_of(deadline)
    }

    /// When what the caller has shown is worth nothing any more.
    pub(crate) fn expiry(&self) -> Option<End> {
        self.earlier_of(None)
    }

    fn earlier_of(&self, deadline: Option<(Instant, Reason)>) -> Option<End> {
        let expiry = self.expires.map(|at| (at, Reason::TokenExpired));
        let at = deadline.into_iter().chain(expiry).min_by_key(|(at, _)| *at);
        let watched = self.watched.clone();
        (at.is_some() || watched.is_some()).then_some(End { at, watched })
    }
}

/// The wait for an end.
#[derive(Debug)]
pub struct Ending {
    timer: Option<(Pin<Box<Sleep>>, Reason)>,
    watched: Option<Watched>,
}

impl From<End> for Ending {
    fn from(end: End) -> Ending {
        let timer = end.at.map(|(at, reason)| (Box::pin(sleep_until(at.into())), reason));
        Ending { timer, watched: end.watched }
    }
}

impl Ending {
    /// Waits for the end, and gives what its caller is told.
    pub fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<Fault> {
        if let Some(Poll::Ready(verdict)) = self.watched.as_mut().map(|watched| watched.poll(cx)) {
            return Poll::Ready(TokenError::from(verdict).into());
        }
        match &mut self.timer {
            Some((timer, reason)) => timer.as_mut().poll(cx).map(|()| Fault::new(*reason)),
            None => Poll::Pending,
        }
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
