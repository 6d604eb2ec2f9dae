//! An answer on its way out: in pieces, and counted until each has left.

use super::lingering::OpenRequest;
use super::patient;
use bytes::Bytes;
use http::Response;
use http_body::{Body as _, Frame, SizeHint};
use mainstay_layers::{Answers, Body, Counted, SMALL_ANSWER_BYTES, answer_size, source_size};
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::Status;

/// How much of a large answer is handed over at a time. What is handed over is out of reach until it has left.
const PIECE_BYTES: usize = 16 << 10;

/// The body of an answer. Small ones are handed over as they are.
pub(super) struct Leaving {
    inner: Body,
    /// What is known of the answer and was not handed over.
    counted: Counted,
    /// What the answer is written from, until all of it was.
    _source: Option<Counted>,
    /// What is left of a large piece of data.
    rest: Bytes,
    /// The request is open until its answer has been handed over.
    _open: Option<OpenRequest>,
}

impl Leaving {
    /// Counts an answer among those of its connection.
    pub(super) fn of(response: Response<Body>, answers: &Answers, open: Option<OpenRequest>) -> Response<Leaving> {
        let counted = answers.count(answer_size(&response));
        let source = Some(source_size(&response)).filter(|size| *size > 0).map(|size| answers.count(size));
        response.map(|inner| Leaving { inner, counted, _source: source, rest: Bytes::new(), _open: open })
    }

    /// Takes the next piece of a large one.
    fn piece(&mut self) -> Frame<Bytes> {
        Frame::data(self.rest.split_to(self.rest.len().min(PIECE_BYTES)))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        let Poll::Ready(Some(Ok(frame))) = polled else { return polled };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) if data.len() > SMALL_ANSWER_BYTES => {
                let counted = self.counted.part(data.len());
                // Whoever has a piece of it last lets go of all of it.
                self.rest = Bytes::from_owner(Large { data, _counted: counted });
                self.piece()
            }
            Ok(data) => Frame::data(data),
            Err(other) => other,
        })))
    }
}

/// A large piece of data, which counts as long as a part of it is there.
struct Large {
    data: Bytes,
    _counted: Counted,
}

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl http_body::Body for Leaving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = self.poll(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => patient::handed_over(frame.data_ref().map_or(0, Bytes::len)),
            _ => patient::nothing_to_hand_over(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, inner) = (self.rest.len() as u64, self.inner.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(inner.lower().saturating_add(rest));
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Full};
    use mainstay_layers::Unsent;

    fn answer(bytes: usize) -> Response<Body> {
        let bytes: Vec<u8> = (0..=250).cycle().take(bytes).collect();
        Response::new(Body::new(Full::new(Bytes::from(bytes))))
    }

    #[tokio::test]
    async fn an_answer_is_the_same_in_pieces_and_counts_until_the_last_one_has_left() {
        for size in [0, 1, SMALL_ANSWER_BYTES, SMALL_ANSWER_BYTES + 1, 5 * PIECE_BYTES, 5 * PIECE_BYTES + 3] {
            let unsent = Unsent::new(1 << 20);
            let open = unsent.open();
            let leaving = Leaving::of(answer(size), open.answers(), None);
            assert_eq!((unsent.bytes(), leaving.body().size_hint().exact()), (size, Some(size as u64)));
            let mut body = leaving.into_body();
            let mut pieces = Vec::new();
            while let Some(frame) = body.frame().await {
                let data = frame.unwrap().into_data().unwrap();
                assert!(data.len() <= PIECE_BYTES, "{size}");
                pieces.push(data);
                assert_eq!(unsent.bytes(), size, "what was handed over has not left");
                assert_eq!(body.is_end_stream(), pieces.iter().map(Bytes::len).sum::<usize>() == size);
            }
            assert_eq!(pieces.concat(), answer(size).into_body().collect().await.unwrap().to_bytes());
            drop(body);
            let held = if size > SMALL_ANSWER_BYTES { size } else { 0 };
            assert_eq!(unsent.bytes(), held, "the transport has the pieces");
            pieces.truncate(1);
            assert_eq!(unsent.bytes(), held, "one of them is enough");
            pieces.clear();
            assert_eq!(unsent.bytes(), 0);
        }
    }

    #[tokio::test]
    async fn what_an_answer_is_written_from_counts_until_it_is_written_and_each_piece_until_it_has_left() {
        let unsent = Unsent::new(1 << 20);
        let open = unsent.open();
        let pieces = (0..3).map(|_| Ok::<_, Status>(Frame::data(Bytes::from(vec![b'x'; 20_000]))));
        let body = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
        let mut answer = Response::new(Body::new(body));
        answer.extensions_mut().insert(mainstay_layers::Source(50_000));
        let mut body = Leaving::of(answer, open.answers(), None).into_body();
        assert_eq!(unsent.bytes(), 50_000);
        let mut held = Vec::new();
        for taken in [20_000, 20_000, 40_000, 40_000, 60_000, 60_000] {
            held.push(body.frame().await.unwrap().unwrap());
            assert_eq!(unsent.bytes(), 50_000 + taken, "a piece counts beside what it was written from");
        }
        assert!(body.frame().await.is_none());
        drop(held);
        assert_eq!(unsent.bytes(), 50_000);
        drop(body);
        assert_eq!(unsent.bytes(), 0);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_takes_counts_until_it_is_let_go_of() {
        let unsent = Unsent::new(1 << 20);
        let open = unsent.open();
        let leaving = Leaving::of(answer(100_000), open.answers(), None);
        let mut body = leaving.into_body();
        let first = body.frame().await;
        drop(body);
        assert_eq!(unsent.bytes(), 100_000);
        drop(first);
        assert_eq!(unsent.bytes(), 0);
    }
}
