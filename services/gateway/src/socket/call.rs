//! One call of a socket: its messages go in, its answer comes out, and it ends once.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue};
use http_body::Frame as BodyFrame;
use http_body_util::BodyExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::sleep_until;
use tonic::Status;

use super::frame;
use super::identity::{Over, ended};
use super::limits::WINDOW;
use super::origin::{Origin, refused};
use super::sent::Out;

/// How much later than the call itself its deadline is seen to here: where its client takes nothing, the call is not asked.
const AFTER_DEADLINE: Duration = Duration::from_millis(200);

/// After how many messages that were taken a client is told that it may send as many more.
const WORTH_TELLING: u32 = WINDOW / 2;

/// A message of a client's, and the room that it takes until it is read.
pub struct Piece {
    pub text: Bytes,
    pub _room: OwnedSemaphorePermit,
}

/// What a client sends, as the body of a request.
pub struct Intake {
    pub pieces: mpsc::Receiver<Piece>,
    pub taken: Arc<Taken>,
}

/// How many of a client's messages were taken that it was not told of.
#[derive(Debug, Default)]
pub struct Taken {
    count: AtomicU32,
    more: Notify,
}

impl http_body::Body for Intake {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<BodyFrame<Bytes>, Status>>> {
        self.pieces.poll_recv(cx).map(|piece| {
            let piece = piece?;
            if self.taken.count.fetch_add(1, Ordering::Relaxed) + 1 >= WORTH_TELLING {
                self.taken.more.notify_one();
            }
            Some(Ok(BodyFrame::data(piece.text)))
        })
    }
}

impl Taken {
    /// Waits until it is worth it to tell, and gives how many.
    async fn worth_telling(&self) -> u32 {
        loop {
            self.more.notified().await;
            if self.count.load(Ordering::Relaxed) >= WORTH_TELLING {
                return self.count.swap(0, Ordering::Relaxed);
            }
        }
    }
}

/// A call that was asked for.
pub struct Call {
    pub id: u64,
    pub origin: Origin,
    pub path: String,
    pub token: Option<HeaderValue>,
    pub over: Option<Over>,
    pub headers: HeaderMap,
    pub intake: Intake,
    pub deadline: Option<Instant>,
    /// How many messages of the answer are taken; nothing where as many as the connection takes.
    pub credit: Option<Arc<Semaphore>>,
    /// Ends the call with a fault.
    pub stop: oneshot::Receiver<Fault>,
    pub out: Out,
}

impl Call {
    /// Makes the call, and says its end.
    pub async fn run(self) {
        let Call { id, origin, path, token, mut over, headers, intake, deadline, credit, stop, out } = self;
        let taken = intake.taken.clone();
        let answer = async {
            let response = origin.send(&path, token.as_ref(), headers, Body::new(intake)).await?;
            match refused(response.headers()) {
                Some(fault) => Err(fault),
                None => Answer { id, out: &out, credit }.pass_on(response.into_body()).await,
            }
        };
        let end = tokio::select! {
            biased;
            fault = stopped(stop) => Err(fault),
            fault = ended(over.as_mut()) => Err(fault.again()),
            end = answer => end,
            () = passed(deadline) => Err(Fault::new(Reason::DeadlineExceeded)),
            never = grant(id, &taken, &out) => match never {},
        };
        match end {
            Ok(last) => out.send(last).await,
            Err(fault) => out.send(frame::failed(id, fault)).await,
        }
    }
}

/// Lets the client send as many more messages as were taken, for as long as the call lasts.
async fn grant(id: u64, taken: &Taken, out: &Out) -> std::convert::Infallible {
    loop {
        let messages = taken.worth_telling().await;
        out.send(frame::credit(id, messages)).await;
    }
}

async fn stopped(stop: oneshot::Receiver<Fault>) -> Fault {
    match stop.await {
        Ok(fault) => fault,
        // Whoever could stop it is gone, and takes the call along.
        Err(_) => std::future::pending().await,
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until((at + AFTER_DEADLINE).into()).await,
        None => std::future::pending().await,
    }
}

/// The answer of a call.
struct Answer<'c> {
    id: u64,
    out: &'c Out,
    credit: Option<Arc<Semaphore>>,
}

impl Answer<'_> {
    /// Passes the messages of an answer on. Gives the last frame.
    async fn pass_on(self, mut body: Body) -> Result<String, Fault> {
        let mut next = body.frame().await;
        loop {
            let message = match read(next) {
                Ok(Some(message)) => message,
                Ok(None) => return Ok(frame::end(self.id)),
                Err(fault) => return Err(fault),
            };
            // From here on it is held, however long its client takes none.
            let counted = self.out.answers.count(message.len());
            self.let_through().await;
            // A call that is one message for one ends with it.
            let behind = body.frame().now_or_never();
            if behind.as_ref().is_some_and(well_ended) {
                return Ok(frame::message(self.id, &message, true));
            }
            self.out.send_counted(frame::message(self.id, &message, false), counted).await;
            next = match behind {
                Some(behind) => behind,
                None => body.frame().await,
            };
        }
    }

    /// Waits until the client takes another message.
    async fn let_through(&self) {
        if let Some(credit) = &self.credit
            && let Ok(taken) = credit.acquire().await
        {
            taken.forget();
        }
    }
}

type Next = Option<Result<BodyFrame<Bytes>, Status>>;

fn well_ended(next: &Next) -> bool {
    matches!(next, Some(Ok(frame)) if frame.trailers_ref().is_some_and(|trailers| refused(trailers).is_none()))
}

/// The next message; nothing where the answer ended well.
fn read(next: Next) -> Result<Option<Bytes>, Fault> {
    let frame = match next {
        Some(frame) => frame.map_err(Fault::from_status)?,
        // Every answer ends with its status.
        None => return Err(Fault::internal("the answer to a call ended without its status")),
    };
    match frame.into_data() {
        Ok(message) => Ok(Some(message)),
        Err(frame) => match frame.trailers_ref().and_then(refused) {
            Some(fault) => Err(fault),
            None => Ok(None),
        },
    }
}
