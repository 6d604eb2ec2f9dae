//! What all requests of one socket have from the one that opened it.

use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Again, Body, Peer};
use tonic::{Code, Status};

use crate::protocol::{Inside, SOCKET_KIND};

/// Sends what comes over a socket through the layers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Origin {
    pub again: Again,
    pub peer: Option<Peer>,
    pub agent: Option<HeaderValue>,
}

impl Origin {
    /// Sends a request as whoever has shown `token`.
    pub async fn send(
        &self,
        path: &str,
        token: Option<&HeaderValue>,
        mut headers: HeaderMap,
        body: Body,
    ) -> Result<Response<Body>, Fault> {
        let uri = Uri::try_from(path).map_err(|_| Fault::new(Reason::MethodNotFound))?;
        headers.insert(CONTENT_TYPE, SOCKET_KIND);
        headers.extend(token.map(|token| (AUTHORIZATION, token.clone())));
        headers.extend(self.agent.clone().map(|agent| (USER_AGENT, agent)));
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request.extensions_mut().insert(Inside);
        self.peer.clone().map(|peer| request.extensions_mut().insert(peer));
        self.again.send(request).await
    }
}

/// What went wrong, as the head or the trailers of an answer say it.
pub fn refused(headers: &HeaderMap) -> Option<Fault> {
    Status::from_header_map(headers).filter(|status| status.code() != Code::Ok).map(Fault::from_status)
}
