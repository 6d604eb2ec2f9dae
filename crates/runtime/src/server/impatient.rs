//! Limits on how long a client may keep a connection busy without doing anything.

use super::frames::PREFACE;
use super::lingering::Progress;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Up to this size, head and body of an answer are copied together: one plain write of 650 bytes costs 0.2 us less than a
/// gathering one, and at 9 KiB the two cost the same (measured on loopback TCP).
const JOIN_UP_TO_BYTES: usize = 4096;

/// How much of what comes after HTTP is handed over at a time: a stream of HTTP/2 keeps it until its client has room.
const LATER_PIECE_BYTES: usize = 16 << 10;

thread_local! {
    /// Where parts of an answer are joined; one per thread, since a write never waits.
    static JOINED: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(JOIN_UP_TO_BYTES));
}

/// A stream that fails where its client does not decide in time which protocol it speaks, where it does not come to the end
/// of a head that it began, and where it takes nothing of what it asked for.
///
/// The server waits for the first and the last without a limit of its own, and for a head as long as for the beginning of
/// one: a client that sends nothing, or a part of the preface, or never reads its answer, would hold a connection for ever.
pub(super) struct Impatient<I> {
    inner: I,
    progress: Progress,
    undecided: Option<Undecided>,
    head_within: Duration,
    head: Option<Pin<Box<Sleep>>>,
    write_within: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    /// How much is handed over at a time.
    piece: usize,
}

struct Undecided {
    timer: Pin<Box<Sleep>>,
    matched: usize,
}

impl<I> Impatient<I> {
    /// Gives the client `head_within` for its first bytes and for the rest of each head, and `write_within` to take the next
    /// bytes of an answer.
    pub(super) fn new(inner: I, progress: Progress, head_within: Duration, write_within: Duration) -> Impatient<I> {
        let undecided = Some(Undecided { timer: Box::pin(sleep(head_within)), matched: 0 });
        Impatient {
            inner,
            progress,
            undecided,
            head_within,
            head: None,
            write_within,
            stalled: None,
            piece: usize::MAX,
        }
    }

    /// For what comes after HTTP, whose protocol has limits of its own on what it waits for.
    pub(super) fn later(inner: I, write_within: Duration) -> Impatient<I> {
        let (progress, head_within) = (Progress::default(), Duration::MAX);
        Impatient {
            inner,
            progress,
            undecided: None,
            head_within,
            head: None,
            write_within,
            stalled: None,
            piece: LATER_PIECE_BYTES,
        }
    }

    /// Fails once a head has been waited for too long of which a part has come. The timer runs only meanwhile.
    fn unless_slow(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.progress.is_in_head() {
            self.head = None;
            return Poll::Pending;
        }
        let timer = self.head.get_or_insert_with(|| Box::pin(sleep(self.head_within)));
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Fails a write that has been waiting for too long. The timer runs only while the client takes nothing.
    fn unless_stalled<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.write_within)));
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Undecided {
    /// Looks at bytes that came in; says whether the protocol is known now.
    fn decide(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            if PREFACE.get(self.matched) != Some(byte) {
                return true;
            }
            self.matched += 1;
        }
        self.matched == PREFACE.len()
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Impatient<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = into.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, into);
        let Some(undecided) = &mut this.undecided else {
            return if polled.is_pending() { this.unless_slow(cx) } else { polled };
        };
        match polled {
            Poll::Ready(result) => {
                if undecided.decide(&into.filled()[before..]) {
                    this.undecided = None;
                }
                Poll::Ready(result)
            }
            Poll::Pending => match undecided.timer.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Impatient<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.head = None;
        let piece = &bytes[..bytes.len().min(self.piece)];
        let polled = Pin::new(&mut self.inner).poll_write(cx, piece);
        self.unless_stalled(polled, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        self.unless_stalled(polled, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.unless_stalled(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.head = None;
        let total: usize = bytes.iter().map(|part| part.len()).sum();
        let polled = if bytes.len() > 1 && total <= JOIN_UP_TO_BYTES {
            JOINED.with_borrow_mut(|joined| {
                joined.clear();
                bytes.iter().for_each(|part| joined.extend_from_slice(part));
                Pin::new(&mut self.inner).poll_write(cx, joined)
            })
        } else {
            Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
        };
        self.unless_stalled(polled, cx)
    }

    /// No: h2 sends every message of 256 bytes and more in a write of its own to a stream that gathers, and joins those up
    /// to 1 KiB with the frames around them for one that does not. HTTP/1.1 is told to gather all the same.
    fn is_write_vectored(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::timeout;

    const LIMIT: Duration = Duration::from_secs(30);

    /// What the server reads of a client that sends this and then nothing, and how long it reads.
    async fn read_after(sent: &[u8]) -> Result<usize, io::ErrorKind> {
        let (mut client, server) = duplex(64);
        client.write_all(sent).await.unwrap();
        let mut server = Impatient::new(server, Progress::default(), LIMIT, LIMIT);
        let (mut buffer, mut total) = ([0; 64], 0);
        loop {
            match timeout(LIMIT * 2, server.read(&mut buffer)).await {
                // Still open after twice the limit: the limit no longer applies.
                Err(_) => return Ok(total),
                Ok(Ok(count)) => total += count,
                Ok(Err(error)) => return Err(error.kind()),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_decide_is_given_up() {
        assert_eq!(read_after(b"").await, Err(io::ErrorKind::TimedOut));
        assert_eq!(read_after(b"P").await, Err(io::ErrorKind::TimedOut));
        assert_eq!(read_after(&PREFACE[..23]).await, Err(io::ErrorKind::TimedOut));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_decided_may_take_its_time() {
        assert_eq!(read_after(b"G").await, Ok(1));
        assert_eq!(read_after(b"POST").await, Ok(4));
        assert_eq!(read_after(PREFACE).await, Ok(24));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_to_its_end_is_given_up_and_the_wait_for_one_is_not() {
        let (mut client, server) = duplex(64);
        let progress = Progress::default();
        let impatient = Impatient::new(server, progress.clone(), LIMIT, LIMIT);
        let mut server = super::super::lingering::Lingering::new(impatient, progress.clone());
        let mut buffer = [0; 64];
        for _ in 0..2 {
            client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
            assert_eq!(server.read(&mut buffer).await.unwrap(), 16);
            assert!(timeout(LIMIT / 2, server.read(&mut buffer)).await.is_err(), "there is time left");
            client.write_all(b"\r\n").await.unwrap();
            assert_eq!(server.read(&mut buffer).await.unwrap(), 2);
            progress.ended();
            assert!(timeout(LIMIT * 10, server.read(&mut buffer)).await.is_err(), "nothing has begun");
        }
        client.write_all(b"G").await.unwrap();
        assert_eq!(server.read(&mut buffer).await.unwrap(), 1);
        let late = timeout(LIMIT * 2, server.read(&mut buffer)).await.unwrap();
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up_and_a_slow_one_is_not() {
        let (mut client, server) = duplex(64);
        let mut server = Impatient::new(server, Progress::default(), LIMIT, LIMIT);
        let writing = tokio::spawn(async move { (server.write_all(&[0; 256]).await, server) });
        let mut taken = [0; 64];
        for _ in 0..2 {
            tokio::time::sleep(LIMIT - Duration::from_secs(1)).await;
            client.read_exact(&mut taken).await.unwrap();
        }
        let (result, _server) = writing.await.unwrap();
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut, "after two parts it took no more");
    }

    #[tokio::test]
    async fn parts_arrive_in_order_whether_they_are_joined_or_not() {
        for size in [1, JOIN_UP_TO_BYTES / 2, JOIN_UP_TO_BYTES, 3 * JOIN_UP_TO_BYTES] {
            let (mut client, server) = duplex(1000);
            let (head, body) = (vec![b'h'; size], vec![b'b'; size]);
            let expected = [head.clone(), body.clone()].concat();
            let mut server = Impatient::new(server, Progress::default(), LIMIT, LIMIT);
            let writing = tokio::spawn(async move {
                let mut parts = [io::IoSlice::new(&head), io::IoSlice::new(&body)];
                let mut rest = &mut parts[..];
                while !rest.is_empty() {
                    let written = server.write_vectored(rest).await.unwrap();
                    io::IoSlice::advance_slices(&mut rest, written);
                }
            });
            let mut received = Vec::new();
            client.read_to_end(&mut received).await.unwrap();
            writing.await.unwrap();
            assert_eq!(received, expected, "{size}");
        }
    }
}
