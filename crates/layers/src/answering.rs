//! The future of one request: polls the handler, turns panics, faults and a passed deadline into answers.

use crate::observe::Observation;
use crate::shed::Permit;
use crate::{Body, REQUEST_ID, answer};
use http::Response;
use mainstay_fault::{Fault, Reason};
use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::time::Sleep;

/// A handler at work.
pub(crate) type Handling = Pin<Box<dyn Future<Output = Result<Response<Body>, Fault>> + Send>>;

/// The answer to one request.
#[must_use = "a request is answered only if its future is awaited"]
pub struct Answering {
    state: State,
    observation: Option<Observation>,
    deadline: Option<Instant>,
    /// Armed only once the handler has to wait: most do not, and a timer costs more than their wait.
    timer: Option<Pin<Box<Sleep>>>,
    permit: Option<Permit>,
}

enum State {
    /// Refused before there was a handler.
    Refused(Option<Fault>),
    Handling(Handling),
}

impl Answering {
    pub(crate) fn refused(fault: Fault, observation: Observation) -> Answering {
        let state = State::Refused(Some(fault));
        Answering { state, observation: Some(observation), deadline: None, timer: None, permit: None }
    }

    pub(crate) fn handling(
        handling: Handling,
        observation: Observation,
        deadline: Option<Instant>,
        permit: Option<Permit>,
    ) -> Answering {
        let state = State::Handling(handling);
        Answering { state, observation: Some(observation), deadline, timer: None, permit }
    }

    fn poll_handler(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<Body>, Fault>> {
        let handling = match &mut self.state {
            State::Refused(fault) => {
                return Poll::Ready(Err(fault.take().unwrap_or_else(|| Fault::new(Reason::Internal))));
            }
            State::Handling(handling) => handling,
        };
        match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(cx))) {
            Ok(Poll::Ready(result)) => Poll::Ready(result),
            Ok(Poll::Pending) => self.poll_deadline(cx).map(Err),
            Err(panic) => Poll::Ready(Err(panicked(panic.as_ref()))),
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        timer.as_mut().poll(cx).map(|()| Fault::new(Reason::DeadlineExceeded))
    }
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let span =
            this.observation.as_ref().map(|observation| observation.span.clone()).unwrap_or_else(tracing::Span::none);
        let entered = span.enter();
        let Poll::Ready(result) = this.poll_handler(cx) else { return Poll::Pending };
        // What the handler holds is let go before the answer leaves, and inside the span.
        this.state = State::Refused(None);
        this.permit = None;
        let Some(observation) = this.observation.take() else { return Poll::Pending };
        let mut response = result.unwrap_or_else(|fault| answer(fault, observation.protocol, &observation.request_id));
        response.headers_mut().insert(REQUEST_ID, observation.request_id.clone());
        drop(entered);
        Poll::Ready(Ok(observation.answered(response)))
    }
}

/// Makes the fault of a panic. Its text is for the log: it may hold anything.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Fault::internal(format!("a handler panicked: {}", text.as_deref().unwrap_or("without a text")))
}
