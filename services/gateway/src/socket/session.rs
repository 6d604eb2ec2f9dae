//! One socket, from opened to closed.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderName, HeaderValue};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Answers, DEFAULT_TIMEOUT};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use super::arriving::Arriving;
use super::call::{Call, Intake, Piece, Taken};
use super::frame::{self, Begin, Frame, More};
use super::identity::{Identity, ended, is_of_the_credential};
use super::limits::{
    CLOSE_WAIT, FIRST_FRAME_WAIT, FRAME_BYTES, IDLE_AFTER, LEAVING_GRACE, MAX_CALLS, MAX_CREDIT, PING_INTERVAL, QUEUE,
    UNANSWERED_PINGS, UNREAD_MESSAGES, UNREAD_WAIT, WINDOW,
};
use super::origin::Origin;
use super::sent::{Close, Out, Sent, write};
use crate::protocol::shown;
use crate::snapshot::Snapshot;

/// By which a timeout in seconds is said.
const TIMEOUT: HeaderName = HeaderName::from_static("x-server-timeout");

/// What is read and written of a socket at a time: most of them say little.
const BUFFER_BYTES: usize = 4 << 10;

/// A socket.
pub struct Session {
    origin: Origin,
    /// Where what waits to be sent is counted.
    answers: Answers,
    live: Arc<ArcSwap<Snapshot>>,
    max_message: usize,
    identity: Option<Identity>,
    /// What is to be told of who calls before anything else; what follows credentials.
    greeting: Option<String>,
    tasks: JoinSet<()>,
}

impl Session {
    pub fn new(
        (origin, answers): (Origin, Answers),
        (live, max_message): (Arc<ArcSwap<Snapshot>>, usize),
        (known, tasks): (Option<(Identity, Option<Duration>)>, JoinSet<()>),
    ) -> Session {
        let greeting = known.as_ref().map(|(_, expires_in)| frame::known(*expires_in));
        let identity = known.map(|(identity, _)| identity);
        Session { origin, answers, live, max_message, identity, greeting, tasks }
    }

    /// Serves the socket until either side closes it.
    pub async fn serve(self, wire: impl AsyncRead + AsyncWrite + Send + Unpin, draining: CancellationToken) {
        let largest = Some(self.max_message.saturating_add(FRAME_BYTES));
        let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
        let config = config.max_message_size(largest).max_frame_size(largest);
        let arriving = Arriving::default();
        let socket = WebSocketStream::from_raw_socket(arriving.of(wire), Role::Server, Some(config)).await;
        let (mut sink, mut stream) = socket.split();
        let (queue, queued) = mpsc::channel(QUEUE);
        let asked = Arc::new(AtomicU32::new(0));
        let out = Out { queue, answers: self.answers.clone() };
        let mut writing = Box::pin(write(&mut sink, queued, asked.clone()));
        let mut talk = Talk::new(self, out.clone(), (asked, arriving));
        let close = tokio::select! {
            biased;
            close = talk.run(&mut stream, &draining) => close,
            _ = &mut writing => return,
        };
        drop(talk);
        let said = async {
            if let Some(close) = close {
                let queue = out.queue.clone();
                let _ = tokio::join!(queue.send(Sent::Close(close)), &mut writing);
            }
        };
        let _ = timeout(CLOSE_WAIT, said).await;
        drop(writing);
        let goodbye = async {
            // The other side's goodbye: a connection that is closed before it came may lose ours.
            while let Some(Ok(_)) = stream.next().await {}
            if let Ok(mut socket) = sink.reunite(stream) {
                let _ = socket.get_mut().shutdown().await;
            }
        };
        let _ = timeout(CLOSE_WAIT, goodbye).await;
    }
}

/// A call that is open.
struct Open {
    task: AbortHandle,
    /// Where its client's messages go; nothing once it has ended them.
    input: Option<mpsc::Sender<Piece>>,
    takes_many: bool,
    credit: Option<Arc<Semaphore>>,
    stop: Option<oneshot::Sender<Fault>>,
}

impl Open {
    fn stop(&mut self, fault: Fault) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(fault);
        }
    }
}

/// What is said over a socket.
struct Talk {
    session: Session,
    out: Out,
    open: HashMap<u64, Open>,
    calls: JoinSet<()>,
    last_id: u64,
    /// Room for what was sent and is not read.
    room: Arc<Semaphore>,
    /// Whether anything was said at all.
    has_spoken: bool,
    spoke_at: Instant,
    arriving: Arriving,
    /// Questions so far, and how many of them have left.
    pings: (u32, Arc<AtomicU32>),
    /// Questions without any answer.
    unanswered: u32,
    /// Until when calls may go on, once the port closes.
    leaving: Option<Pin<Box<Sleep>>>,
}

impl Talk {
    fn new(session: Session, out: Out, (asked, arriving): (Arc<AtomicU32>, Arriving)) -> Talk {
        let room = Arc::new(Semaphore::new(session.max_message.saturating_mul(UNREAD_MESSAGES)));
        let (open, calls) = (HashMap::new(), JoinSet::new());
        let has_spoken = session.identity.is_some();
        let spoke_at = Instant::now();
        let (last_id, pings, unanswered, leaving) = (0, (0, asked), 0, None);
        Talk { session, out, open, calls, last_id, room, has_spoken, spoke_at, arriving, pings, unanswered, leaving }
    }

    /// Listens until the socket is to be closed; nothing where the other side does that, or is gone.
    async fn run(
        &mut self,
        stream: &mut (impl Stream<Item = Result<Message, Error>> + Unpin),
        draining: &CancellationToken,
    ) -> Option<Close> {
        if let Some(greeting) = self.session.greeting.take() {
            self.out.send(greeting).await;
        }
        let mut pulse = pulse();
        let mut first = pin!(sleep(FIRST_FRAME_WAIT));
        loop {
            let (is_leaving, waits) = (self.leaving.is_some(), !self.has_spoken);
            let over = self.session.identity.as_mut().map(|identity| &mut identity.over);
            let said = tokio::select! {
                biased;
                fault = ended(over) => self.nobody(fault.again()).await,
                () = draining.cancelled(), if !is_leaving => self.leave(),
                () = grace(&mut self.leaving) => self.give_up().await,
                _ = self.calls.join_next(), if !self.calls.is_empty() => self.tidy(),
                () = &mut first, if waits => Err(Some(policy("nothing was said"))),
                _ = pulse.tick() => self.look(),
                message = stream.next() => self.hear(message).await,
            };
            if let Err(close) = said {
                return close;
            }
        }
    }

    /// Whoever called is nobody any more. The calls see to themselves.
    async fn nobody(&mut self, fault: Fault) -> Said {
        self.session.identity = None;
        self.out.send(frame::unknown(fault)).await;
        Ok(())
    }

    fn leave(&mut self) -> Said {
        self.leaving = Some(Box::pin(sleep(LEAVING_GRACE)));
        self.tidy()
    }

    /// Ends what is left of the calls.
    async fn give_up(&mut self) -> Said {
        for call in self.open.values_mut() {
            call.stop(Fault::new(Reason::ShuttingDown));
        }
        while self.calls.join_next().await.is_some() {}
        Err(Some(away()))
    }

    /// Forgets calls that are over.
    fn tidy(&mut self) -> Said {
        let before = self.open.len();
        self.open.retain(|_, call| !call.task.is_finished());
        if self.open.len() < before {
            self.spoke_at = Instant::now();
        }
        if self.leaving.is_some() && self.open.is_empty() { Err(Some(away())) } else { Ok(()) }
    }

    /// Looks whether anybody is there.
    fn look(&mut self) -> Said {
        if self.unanswered >= UNANSWERED_PINGS {
            return Err(None);
        }
        if self.arriving.is_too_slow() {
            return Err(Some(policy("the rest of a message did not come")));
        }
        if self.open.is_empty() && self.spoke_at.elapsed() >= IDLE_AFTER {
            return Err(Some(Close { code: CloseCode::Normal, why: "nothing was said for long" }));
        }
        let (asked, left) = &mut self.pings;
        // Behind answers that are on their way a question may take its time; a client that takes none of them is cut off elsewhere.
        if *asked == left.load(Ordering::Relaxed) && self.out.queue.try_send(Sent::Ping).is_ok() {
            *asked += 1;
            self.unanswered += 1;
        }
        Ok(())
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> Said {
        self.unanswered = 0;
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(said) | Message::Pong(said))) => {
                self.arriving.control(said.len());
                return Ok(());
            }
            Some(Ok(Message::Frame(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => {
                return Err(Some(Close { code: CloseCode::Unsupported, why: "frames are JSON, which is text" }));
            }
            Some(Ok(Message::Close(_))) | None => return Err(None),
            Some(Err(error)) => return Err(unreadable(&error)),
        };
        self.arriving.whole();
        (self.has_spoken, self.spoke_at) = (true, Instant::now());
        match Frame::read(&text) {
            Ok(Frame::Auth(token)) => self.identify(token).await,
            Ok(Frame::Begin { id, begin, more }) => self.begin(id, &begin, &more).await,
            Ok(Frame::More { id, more }) => self.go_on(id, &more).await,
            Err(fault) => self.broken(fault).await,
        }
    }

    /// Says what is wrong with all of it, and closes.
    async fn broken(&mut self, fault: Fault) -> Said {
        let close = policy(fault.reason().map_or("refused", Reason::name));
        self.out.send(frame::broken(fault)).await;
        Err(Some(close))
    }

    /// Whoever has a token calls from here on. What was begun is still his who began it.
    async fn identify(&mut self, token: Option<SecretString>) -> Said {
        let Some(token) = token else {
            self.session.identity = None;
            self.out.send(frame::known(None)).await;
            return Ok(());
        };
        let Ok(mut shown) = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())) else {
            return self.broken(Fault::new(Reason::TokenInvalid)).await;
        };
        shown.set_sensitive(true);
        match Identity::of(&self.session.origin, shown, &mut self.session.tasks).await {
            Ok((identity, expires_in)) => {
                self.session.identity = Some(identity);
                self.out.send(frame::known(expires_in)).await;
                Ok(())
            }
            // Who calls is still who called.
            Err(fault) if !is_of_the_credential(&fault) => {
                self.out.send(frame::unknown(fault)).await;
                Ok(())
            }
            // Nobody tries credentials one after the other over one socket.
            Err(fault) => {
                let close = policy(fault.reason().map_or("refused", Reason::name));
                self.out.send(frame::unknown(fault)).await;
                Err(Some(close))
            }
        }
    }

    async fn begin(&mut self, id: u64, begin: &Begin<'_>, more: &More<'_>) -> Said {
        if id <= self.last_id {
            let what = format!("the call {id} begins behind the call {}: their ids go up", self.last_id);
            return self.broken(Fault::new(Reason::MalformedRequest).message(what)).await;
        }
        self.last_id = id;
        if self.open.len() >= MAX_CALLS {
            self.tidy()?;
        }
        match self.made(id, begin, more) {
            Ok(open) => self.open.insert(id, open),
            Err(fault) => {
                self.out.send(frame::failed(id, fault)).await;
                return Ok(());
            }
        };
        self.go_on(id, &More { credit: None, ..*more }).await
    }

    fn made(&mut self, id: u64, begin: &Begin<'_>, more: &More<'_>) -> Result<Open, Fault> {
        if self.leaving.is_some() {
            return Err(Fault::new(Reason::ShuttingDown));
        }
        if self.open.len() >= MAX_CALLS {
            let what = format!("{MAX_CALLS} calls are open on this socket, which is all that there may be");
            return Err(Fault::new(Reason::RateLimited).message(what));
        }
        let missing =
            || Fault::new(Reason::MethodNotFound).message(format!("there is no method `{}`", shown(&begin.method)));
        let path = begin.path().ok_or_else(missing)?;
        let mut headers = begin.headers()?;
        let timeout = begin.timeout()?;
        let snapshot = self.session.live.load();
        let method = snapshot.method(&path);
        let takes_many = method.is_some_and(|method| method.client_streaming);
        let streams = takes_many || method.is_some_and(|method| method.server_streaming);
        // Also where its client does not take the one message that it is answered with.
        let usual = if streams { None } else { Some(DEFAULT_TIMEOUT) };
        let within = timeout.as_ref().map(|(timeout, _)| *timeout).or(usual);
        let deadline = within.and_then(|within| std::time::Instant::now().checked_add(within));
        headers.extend(timeout.map(|(_, header)| (TIMEOUT, header)));
        let (input, pieces) = mpsc::channel(WINDOW as usize);
        let (stop, stopped) = oneshot::channel();
        let credit = more.credit.map(|credit| Arc::new(Semaphore::new((credit as usize).min(MAX_CREDIT))));
        let identity = self.session.identity.as_ref();
        let call = Call {
            id,
            origin: self.session.origin.clone(),
            path,
            token: identity.map(|identity| identity.token.clone()),
            over: identity.map(|identity| identity.over.clone()),
            headers,
            intake: Intake { pieces, taken: Arc::new(Taken::default()) },
            deadline,
            credit: credit.clone(),
            stop: stopped,
            out: self.out.clone(),
        };
        let task = self.calls.spawn(Box::pin(call.run()));
        Ok(Open { task, input: Some(input), takes_many, credit, stop: Some(stop) })
    }

    async fn go_on(&mut self, id: u64, more: &More<'_>) -> Said {
        if id > self.last_id {
            let what =
                format!("the frame is of the call {id}, which has not begun: the frame that begins it has `method`");
            return self.broken(Fault::new(Reason::MalformedRequest).message(what)).await;
        }
        // It may have ended when the frame was on its way.
        let Some(call) = self.open.get_mut(&id) else { return Ok(()) };
        if more.cancel {
            call.stop(Fault::new(Reason::Cancelled));
            return Ok(());
        }
        if let (Some(credit), Some(more)) = (&call.credit, more.credit) {
            let most = MAX_CREDIT.saturating_sub(credit.available_permits());
            credit.add_permits((more as usize).min(most));
        }
        if let Some(message) = more.message {
            match &call.input {
                Some(input) => {
                    let input = input.clone();
                    self.pass_in(id, &input, message).await?;
                }
                None => call.stop(unwanted(call.takes_many)),
            }
        }
        if let Some(call) = self.open.get_mut(&id)
            && (more.end || more.message.is_some() && !call.takes_many)
        {
            call.input = None;
        }
        Ok(())
    }

    /// Passes a message on to its call, once there is room for it.
    async fn pass_in(&mut self, id: u64, input: &mpsc::Sender<Piece>, message: &str) -> Said {
        if message.len() > self.session.max_message {
            self.stop(id, mainstay_layers::too_large(Some(self.session.max_message)));
            return Ok(());
        }
        let size = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let Ok(Ok(room)) = timeout(UNREAD_WAIT, self.room.clone().acquire_many_owned(size)).await else {
            let what = "more is sent than the calls of this socket read";
            self.stop(id, Fault::new(Reason::RateLimited).message(what));
            return Ok(());
        };
        let piece = Piece { text: Bytes::copy_from_slice(message.as_bytes()), _room: room };
        if let Err(mpsc::error::TrySendError::Full(_)) = input.try_send(piece) {
            let what = format!("more messages came than there was credit for: {WINDOW}, and what was granted since");
            self.stop(id, Fault::new(Reason::RateLimited).message(what));
        }
        Ok(())
    }

    fn stop(&mut self, id: u64, fault: Fault) {
        if let Some(call) = self.open.get_mut(&id) {
            call.stop(fault);
        }
    }
}

/// Whether the talk goes on; else how it ends.
type Said = Result<(), Option<Close>>;

fn pulse() -> Interval {
    let mut pulse = interval(PING_INTERVAL);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pulse.reset();
    pulse
}

async fn grace(leaving: &mut Option<Pin<Box<Sleep>>>) {
    match leaving {
        Some(until) => until.as_mut().await,
        None => std::future::pending().await,
    }
}

fn unwanted(takes_many: bool) -> Fault {
    match takes_many {
        true => Fault::new(Reason::MalformedRequest).message("a message came after the end of the call's messages"),
        false => Fault::new(Reason::Unimplemented).message("this method takes one message, and more came"),
    }
}

fn policy(why: &'static str) -> Close {
    Close { code: CloseCode::Policy, why }
}

fn away() -> Close {
    Close { code: CloseCode::Away, why: "the server is shutting down" }
}

/// What is said of what cannot be read; nothing where nobody is there any more.
fn unreadable(error: &Error) -> Option<Close> {
    match error {
        Error::Capacity(_) => Some(Close { code: CloseCode::Size, why: "the message is too large" }),
        Error::Utf8(_) => Some(Close { code: CloseCode::Invalid, why: "a text is not UTF-8" }),
        Error::Protocol(_) | Error::AttackAttempt => {
            Some(Close { code: CloseCode::Protocol, why: "no WebSocket frame" })
        }
        _ => None,
    }
}
