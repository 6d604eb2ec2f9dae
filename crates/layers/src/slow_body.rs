//! A request's body has to come: whoever sends only a part of it must not keep a place for as long as a deadline lasts.

use crate::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};
use tonic::Status;

/// How long a body may be waited for altogether, if nothing of it comes.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What has to come in each second beyond that, in bytes: a slow line may be slow, but not for ever.
pub const MIN_BODY_BYTES_PER_SECOND: u64 = 16 << 10;

/// Puts a limit around a body that is not there yet; one that is costs nothing.
pub(crate) fn timed(body: Body) -> Body {
    if body.is_end_stream() { body } else { Body::new(Timed { inner: body, sleep: None }) }
}

struct Timed {
    inner: Body,
    /// Armed when the body is waited for the first time.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Timed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
                self.earned(bytes);
                Poll::Ready(frame)
            }
            Poll::Pending => {
                let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(BODY_TIMEOUT)));
                sleep.as_mut().poll(cx).map(|()| Some(Err(too_slow())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Timed {
    /// What came buys time for the rest.
    fn earned(&mut self, bytes: usize) {
        if let Some(sleep) = &mut self.sleep {
            let millis = (bytes as u64).saturating_mul(1_000) / MIN_BODY_BYTES_PER_SECOND;
            let deadline: Instant = sleep.deadline() + Duration::from_millis(millis);
            sleep.as_mut().reset(deadline);
        }
    }
}

fn too_slow() -> Status {
    Status::deadline_exceeded(format!("the rest of the request did not come within {} s", BODY_TIMEOUT.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, StreamBody};
    use tokio_stream::StreamExt as _;

    /// A body whose pieces come at these times, and whose end comes with the last one.
    fn body(pieces: Vec<(u64, usize)>) -> Body {
        let stream = tokio_stream::iter(pieces).then(|(millis, bytes)| async move {
            sleep(Duration::from_millis(millis)).await;
            Ok::<_, Status>(Frame::data(Bytes::from(vec![0; bytes])))
        });
        timed(Body::new(StreamBody::new(Box::pin(stream))))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let began = Instant::now();
        let error = body(vec![(0, 1), (300_000, 1)]).collect().await.err().map(|status| status.code());
        assert_eq!(error, Some(tonic::Code::DeadlineExceeded));
        assert_eq!(began.elapsed().as_secs(), BODY_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up() {
        let began = Instant::now();
        let drops = std::iter::repeat_n((1_000, 1), 100).collect();
        assert!(body(drops).collect().await.is_err());
        assert!(began.elapsed().as_secs() <= BODY_TIMEOUT.as_secs() + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_on_a_slow_line_comes() {
        let pieces = std::iter::repeat_n((1_000, 20 << 10), 60).collect();
        assert_eq!(body(pieces).collect().await.map(|body| body.to_bytes().len()).ok(), Some(60 * (20 << 10)));
    }
}
