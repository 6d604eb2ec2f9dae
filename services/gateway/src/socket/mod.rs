#![doc = include_str!("../../WEBSOCKET.md")]
//!
//! Everything that comes over a socket is a request through the layers like every other ([`Again`](mainstay_layers::Again)): who
//! calls, what he may, how often, and until when is decided there, call by call. Here are only the frames.

mod arriving;
mod call;
mod counted;
pub mod frame;
mod handshake;
mod identity;
mod limits;
mod origin;
mod sent;
mod session;

use std::time::Instant;

use futures_util::StreamExt as _;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{Method as HttpMethod, Request, Response};
use http_body::Frame;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, Context, Peer, Place};
use mainstay_runtime::server::Tunnel;
use tokio::task::JoinSet;

pub use self::counted::Sockets;
use self::identity::{Identity, is_of_the_credential};
use self::origin::Origin;
use self::session::Session;
use crate::protocol::with_status;
use crate::serve::{Edge, until};

/// Where sockets are opened.
pub const PATH: &str = "/ws";

/// With what they are asked for: over HTTP/1.1, and over HTTP/2.
pub const METHODS: [HttpMethod; 2] = [HttpMethod::GET, HttpMethod::CONNECT];

/// When what stands for a caller is over, in the extensions of the answer that says who he is.
#[derive(Debug, Clone, Copy)]
struct Known {
    expires: Option<Instant>,
}

/// Says that a caller is known: the answer ends when he is not any more.
pub fn known((context, place): (Context, Option<Place>)) -> Response<Body> {
    place.into_iter().for_each(Place::leave);
    let until_then = until(context.end(), futures_util::stream::pending().boxed());
    let mut response = Response::new(with_status(until_then, |message| Ok(Frame::data(message))));
    response.extensions_mut().insert(Known { expires: context.expires });
    response
}

/// Opens a socket.
pub async fn open(edge: &Edge, mut request: Request<Body>, context: Context) -> Result<Response<Body>, Fault> {
    let (Some(again), Some(sockets)) = (edge.again.clone(), edge.sockets.clone()) else {
        return Err(Fault::new(Reason::RouteNotFound));
    };
    let tunnel = request.extensions_mut().remove::<Tunnel>();
    let headers = match handshake::agreed(request.headers(), tunnel.as_ref()) {
        Ok(headers) => headers,
        Err(answer) => return Ok(*answer),
    };
    let peer = request.extensions().get::<Peer>().cloned();
    let origin = Origin { again, peer, agent: request.headers().get(USER_AGENT).cloned() };
    let mut tasks = JoinSet::new();
    let mut identity = None;
    let is_kept = context.browser.as_ref().is_some_and(|browser| browser.has_session);
    if let Some(token) = request.headers_mut().remove(AUTHORIZATION) {
        identity = match Identity::of(&origin, token, &mut tasks).await {
            Ok(known) => Some(known),
            // A browser shows what it keeps whether that is still good or not, and its page can say more.
            Err(fault) if is_of_the_credential(&fault) && is_kept => None,
            Err(fault) => return Err(fault),
        };
    }
    let Some(tunnel) = tunnel else { return Err(Fault::new(Reason::RouteNotFound)) };
    let answers = tunnel.answers().clone();
    let session =
        Session::new((origin, answers), (edge.live.clone(), edge.config.max_request_bytes), (identity, tasks));
    let mut response = tunnel.open(move |wire, draining| async move {
        let _counted = sockets.enter();
        session.serve(wire, draining).await;
    })?;
    response.headers_mut().extend(headers);
    Ok(response)
}
