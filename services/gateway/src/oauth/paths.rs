//! Where clients find what they ask.

use crate::pages::Page;

pub const CONFIGURATION: &str = "/.well-known/openid-configuration";
pub const METADATA: &str = "/.well-known/oauth-authorization-server";
pub const TOKEN: &str = "/auth/oauth2/token";
pub const USER_INFO: &str = "/auth/oauth2/userinfo";
pub const INTROSPECT: &str = "/auth/oauth2/introspect";
pub const REVOKE: &str = "/auth/oauth2/revoke";
pub const DEVICE: &str = "/auth/oauth2/device_authorization";
pub const JWKS: &str = "/.well-known/jwks.json";

/// What pages of all origins may ask, without cookies: a client may be a page, and shows there what it has (RFC 9700, section 2.6;
/// OpenID Connect Core 1.0, section 5.3). Not where a browser is led, and not what is for clients that keep a secret.
pub const OPEN: &[&str] = &[CONFIGURATION, METADATA, TOKEN, USER_INFO, REVOKE, JWKS];

/// Where a browser is led, which a client may do by a form as well (OpenID Connect Core 1.0, section 3.1.2.1; RP-Initiated Logout
/// 1.0, section 2). What comes so from another page does nothing but lead to the same address without a form.
pub const FORMS: &[&str] = &[Page::Authorize.path(), Page::EndSession.path()];
