//! What a WebSocket is asked for with (RFC 6455, section 4.2.1; over HTTP/2 RFC 8441, section 5).

use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Response, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use mainstay_runtime::server::Tunnel;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::protocol::Rest;

const WEBSOCKET: &str = "websocket";
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// The sub-protocol that is spoken.
pub const SUBPROTOCOL: HeaderValue = HeaderValue::from_static("mainstay.v1.json");

/// Looks at what a request asks for. Gives what the answer has beside its status, or another answer.
pub fn agreed(headers: &HeaderMap, tunnel: Option<&Tunnel>) -> Result<HeaderMap, Box<Response<Body>>> {
    let Some(tunnel) = tunnel.filter(|tunnel| tunnel.protocol().eq_ignore_ascii_case(WEBSOCKET)) else {
        return Err(no_websocket());
    };
    // Over HTTP/2 it is no hop's business.
    let asks = tunnel.is_of_a_stream() || listed(headers, &CONNECTION, "upgrade");
    if !asks {
        return Err(no_websocket());
    }
    if headers.get(SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        let fault = malformed("the version of the WebSocket protocol that is spoken here is 13");
        return Err(with(fault.http(StatusCode::UPGRADE_REQUIRED), [(SEC_WEBSOCKET_VERSION, VERSION)]));
    }
    if !listed(headers, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL.to_str().unwrap_or_default()) {
        let fault =
            malformed("name the sub-protocol that is spoken here in `sec-websocket-protocol`: mainstay.v1.json");
        return Err(with(fault, [(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)]));
    }
    let mut answer = HeaderMap::from_iter([(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)]);
    if !tunnel.is_of_a_stream() {
        let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).filter(|key| key.len() == 24);
        let Some(key) = key else {
            return Err(with(malformed("`sec-websocket-key` must be 16 bytes in base64"), []));
        };
        answer.extend(HeaderValue::try_from(derive_accept_key(key)).ok().map(|key| (SEC_WEBSOCKET_ACCEPT, key)));
    }
    Ok(answer)
}

/// Whether a list in a header has a word.
fn listed(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|named| named.trim().eq_ignore_ascii_case(word))
}

fn no_websocket() -> Box<Response<Body>> {
    let message = "a WebSocket is opened here, and nothing else is answered: ask for one with `upgrade: websocket`";
    let fault = malformed(message).http(StatusCode::UPGRADE_REQUIRED);
    with(fault, [(UPGRADE, HeaderValue::from_static(WEBSOCKET)), (CONNECTION, HeaderValue::from_static("upgrade"))])
}

fn malformed(message: &'static str) -> Fault {
    Fault::new(Reason::MalformedRequest).message(message)
}

fn with<const N: usize>(fault: Fault, headers: [(HeaderName, HeaderValue); N]) -> Box<Response<Body>> {
    let mut response = Rest::fault(fault, None);
    response.headers_mut().extend(headers);
    Box::new(response)
}
