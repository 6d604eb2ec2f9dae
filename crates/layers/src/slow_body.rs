//! A request's body has to come: whoever sends only a part of it must not keep a place, nor be waited for as long as a
//! deadline lasts.

use crate::shed::{Lending, Permit, overloaded};
use crate::{Body, Messages};
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

/// Looks after a body that is not there yet; one that is costs nothing. While it is waited for, others may have the
/// request's place; if there is none when it has come, the request is refused as overloaded.
///
/// A stream's body may be silent for as long as it likes; that of a request which is one message may not. A call in memory
/// has no permit, and its body.
pub(crate) fn awaited(body: Body, permit: Option<&mut Permit>, takes: Messages) -> Body {
    let Some(permit) = permit.filter(|_| !body.is_end_stream()) else { return body };
    let patience = match takes {
        Messages::Many => Patience::Endless,
        Messages::One => Patience::Fresh,
    };
    Body::new(Awaited { inner: body, patience, place: permit.lending() })
}

struct Awaited {
    inner: Body,
    patience: Patience,
    place: Lending,
}

/// For how long a body is waited for.
enum Patience {
    Endless,
    /// It was not waited for yet.
    Fresh,
    Ends(Pin<Box<Sleep>>),
}

impl http_body::Body for Awaited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            self.place.lend();
            return self.patience.poll_end(cx).map(|()| Some(Err(too_slow())));
        };
        if !self.place.take_back() {
            return Poll::Ready(Some(Err(overloaded().into())));
        }
        let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        self.patience.earned(bytes);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Patience {
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Patience::Fresh = self {
            *self = Patience::Ends(Box::pin(sleep(BODY_TIMEOUT)));
        }
        match self {
            Patience::Ends(sleep) => sleep.as_mut().poll(cx),
            Patience::Endless | Patience::Fresh => Poll::Pending,
        }
    }

    /// What came buys time for the rest.
    fn earned(&mut self, bytes: usize) {
        if let Patience::Ends(sleep) = self {
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
    use crate::{Requests, Shed};
    use http_body_util::{BodyExt as _, StreamBody};
    use tokio::sync::mpsc;
    use tokio::time::timeout;
    use tokio_stream::StreamExt as _;
    use tokio_stream::wrappers::ReceiverStream;

    /// A body that comes piece by piece.
    fn piecemeal() -> (mpsc::Sender<&'static [u8]>, Body) {
        let (sender, pieces) = mpsc::channel(1);
        let frames = ReceiverStream::new(pieces).map(|piece| Ok::<_, Status>(Frame::data(Bytes::from_static(piece))));
        (sender, Body::new(StreamBody::new(frames)))
    }

    /// A body whose pieces come at these times, and whose end comes with the last one.
    fn body(pieces: Vec<(u64, usize)>) -> Body {
        let stream = tokio_stream::iter(pieces).then(|(millis, bytes)| async move {
            sleep(Duration::from_millis(millis)).await;
            Ok::<_, Status>(Frame::data(Bytes::from(vec![0; bytes])))
        });
        awaited(
            Body::new(StreamBody::new(Box::pin(stream))),
            Some(&mut Shed::new(1).enter(&Requests::default()).unwrap()),
            Messages::One,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_free_while_a_body_is_waited_for_and_taken_when_it_comes() {
        let shed = Shed::new(1);
        let mut permit = shed.enter(&Requests::default()).unwrap();
        let (sender, body) = piecemeal();
        let mut body = awaited(body, Some(&mut permit), Messages::One);
        assert!(shed.enter(&Requests::default()).is_err(), "nobody has waited yet");
        assert!(timeout(Duration::from_secs(1), body.frame()).await.is_err());
        let other = shed.enter(&Requests::default()).unwrap();
        sender.send(b"a").await.unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap_err().code(), tonic::Code::Unavailable);
        drop(other);
        sender.send(b"b").await.unwrap();
        assert!(body.frame().await.unwrap().is_ok());
        assert!(shed.enter(&Requests::default()).is_err(), "the place is taken again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_is_not_given_up_and_keeps_no_place() {
        let shed = Shed::new(1);
        let mut permit = shed.enter(&Requests::default()).unwrap();
        let (_sender, body) = piecemeal();
        let mut body = awaited(body, Some(&mut permit), Messages::Many);
        assert!(timeout(BODY_TIMEOUT * 10, body.frame()).await.is_err());
        assert!(shed.enter(&Requests::default()).is_ok());
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
