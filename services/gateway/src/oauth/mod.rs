//! What other applications ask that sign people in with their accounts here (OAuth 2.0, OpenID Connect): forms in, JSON out, as the
//! standards have it. Auth decides everything; here is how it is said in HTTP. The pages that people see with it are among the
//! others ([`crate::pages`]).

mod answer;
mod asked;
mod discovery;
mod exchanges;
pub mod paths;
mod user_info;

use http::{Method, Request, Response};
use mainstay_fault::Fault;
use mainstay_layers::{Body, Context};

use self::asked::Asked;
use crate::serve::Edge;

/// What clients ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// What this installation is (OpenID Connect Discovery 1.0, section 4; RFC 8414, section 3).
    Discovery,
    /// Tokens (RFC 6749, section 3.2).
    Token,
    /// What is told of an account (OpenID Connect Core 1.0, section 5.3).
    UserInfo,
    /// What a token is worth (RFC 7662).
    Introspect,
    /// The end of a token (RFC 7009).
    Revoke,
    /// A code for a device (RFC 8628, section 3.1).
    Device,
}

impl Endpoint {
    /// Finds one by its path.
    pub fn of(path: &str) -> Option<Endpoint> {
        match path {
            paths::CONFIGURATION | paths::METADATA => Some(Endpoint::Discovery),
            paths::TOKEN => Some(Endpoint::Token),
            paths::USER_INFO => Some(Endpoint::UserInfo),
            paths::INTROSPECT => Some(Endpoint::Introspect),
            paths::REVOKE => Some(Endpoint::Revoke),
            paths::DEVICE => Some(Endpoint::Device),
            _ => None,
        }
    }

    /// Gives the methods that it takes.
    pub fn methods(self) -> &'static [Method] {
        match self {
            Endpoint::Discovery => &[Method::GET, Method::HEAD],
            Endpoint::UserInfo => &[Method::GET, Method::HEAD, Method::POST],
            Endpoint::Token | Endpoint::Introspect | Endpoint::Revoke | Endpoint::Device => &[Method::POST],
        }
    }
}

/// Answers a client.
pub async fn serve(
    edge: &Edge,
    endpoint: Endpoint,
    (request, context): (Request<Body>, Context),
) -> Result<Response<Body>, Fault> {
    let (parts, body) = request.into_parts();
    let asked = Asked::new(edge, parts.headers, context);
    match endpoint {
        Endpoint::Discovery => discovery::answer(edge, &asked).await,
        Endpoint::UserInfo => user_info::answer(&asked).await,
        Endpoint::Token => exchanges::token(&asked, body).await,
        Endpoint::Introspect => exchanges::introspect(&asked, body).await,
        Endpoint::Revoke => exchanges::revoke(&asked, body).await,
        Endpoint::Device => exchanges::device(&asked, body).await,
    }
}
