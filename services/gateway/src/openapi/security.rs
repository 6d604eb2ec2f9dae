//! How callers say who they are.

use mainstay_layers::{ACCESS_COOKIE, Access};

use super::json::Object;
use crate::snapshot::Method;

const TOKEN: &str = "accessToken";
const KEY: &str = "serviceAccountKey";
const SESSION: &str = "session";

/// What a method wants of its callers: any one of these. An empty one wants nothing.
pub fn of(method: &Method, is_open: bool) -> Vec<Object> {
    let anybody = is_open || (!method.ruled && method.access == Some(Access::Anyone));
    let named = [TOKEN, KEY, SESSION].map(|name| Object::new().with(name, Vec::<&str>::new()));
    let nobody = anybody.then(Object::new);
    nobody.into_iter().chain(named).collect()
}

/// The ways, by name.
pub fn schemes() -> Object {
    let bearer = |about: &'static str, format: &'static str| {
        Object::new()
            .with("type", "http")
            .with("description", about)
            .with("scheme", "bearer")
            .with("bearerFormat", format)
    };
    Object::new()
        .with(
            TOKEN,
            bearer("An access token, as every sign-in gives one: `authorization: Bearer …`. It lives for minutes.", "JWT"),
        )
        .with(KEY, bearer("The key of a service account: `authorization: Bearer mak_…`.", "mak_…"))
        .with(
            SESSION,
            Object::new()
                .with("type", "apiKey")
                .with(
                    "description",
                    "The session that a browser keeps, begun by a sign-in with the header `session-mode: cookie` or on the page \
                     `/auth/sign-in`. What changes something is taken from pages of this host (told by `Sec-Fetch-Site` and \
                     `Origin`) with a body of `application/json`; no token stands in a form or a header.",
                )
                .with("in", "cookie")
                .with("name", ACCESS_COOKIE),
        )
}
