//! What other applications may know of accounts, and how they get to (OAuth 2.0: RFC 6749 as RFC 9700 has it; OpenID Connect Core
//! 1.0). Knows no wire format and no database.

pub mod client;
pub mod grant;
pub mod pkce;
pub mod refusal;
pub mod request;
pub mod scope;
pub mod secrets;
pub mod uris;
