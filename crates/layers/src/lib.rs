#![doc = include_str!("../README.md")]

mod access;
mod again;
mod browser;
mod caller;
mod caught;
mod client;
mod context;
mod cors;
mod deadline;
mod defects;
mod effect;
mod end;
mod endpoint;
mod forwarded;
mod framing;
mod identity_headers;
mod observe;
mod protocol;
mod rare;
mod request_id;
mod routes;
mod shed;
mod slow_body;
pub mod stack;
mod texts;
mod trace;
mod unsent;

pub use access::{Access, second_factor_wanted};
pub use again::Again;
pub use browser::{ACCESS_COOKIE, Browser, Cookies, MAX_ACCESS_COOKIES, REFRESH_COOKIE, SESSION_MODE};
pub use caller::{caller, context};
pub use client::{NotANetwork, PEER_ADDRESS, PEER_AGENT, PEER_VOUCHER, PeerAgent, ProxyHeader, TrustedProxies};
pub use context::{Context, Exchange, Peer};
pub use cors::{Cors, DEFAULT_PREFLIGHT_SECONDS, NotAnOrigin, Origins};
pub use deadline::{DEFAULT_TIMEOUT, MAX_TIMEOUT, Timeouts};
pub use defects::{DEFECTS, defects, is_defect, put_defects};
pub use effect::Effect;
pub use end::{End, Ending, ended};
pub use endpoint::{Endpoint, Resolved};
pub use framing::{
    ACCEPT_ENCODING, ENCODING, Messages, arriving, explain, framed, refuse_grpc, too_large, unknown_compression,
    with_reason,
};
pub use observe::EndCode;
pub use protocol::{GRPC_TYPES, Native, Protocol, essence, is_grpc, trailers};
pub use rare::{has_any, rarely};
pub use request_id::{MAX_REQUEST_ID_BYTES, REQUEST_ID};
pub use routes::{Policies, RoutesEndpoint};
pub use shed::{Place, Requests, Shed};
pub use slow_body::{BODY_TIMEOUT, MIN_BODY_BYTES_PER_SECOND};
pub use stack::{Guards, Stack};
pub use unsent::{
    Answers, Counted, DEFAULT_MAX_UNSENT_BYTES, Held, Open, SMALL_ANSWER_BYTES, Source, UNSENT_GRACE, Unsent,
    answer_size, source_size,
};

/// The body of every request and answer inside the process.
pub type Body = tonic::body::Body;
