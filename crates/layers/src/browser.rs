//! The session that a browser keeps in cookies which no script can read, and whether a request may use it.
//!
//! ```text
//! a request that carries the cookies                      they stand for its caller
//!   and `authorization`                                   no: it says itself who calls
//!   and changes nothing (GET, HEAD of what only reads)    yes, unless it opens a connection that stays (a WebSocket)
//!   sent by a page of the server                          yes (`sec-fetch-site`; where that is missing, `origin`)
//!   sent by a page that is let in with its cookies        yes (`cors.origins` with `cors.credentials`)
//!   sent by any other page, or not said by which          it is refused; where forms of all pages are taken, they count for nothing
//! ```
//!
//! That is more than `SameSite=Lax`, which lets the pages of every host below one domain pass.

use crate::cors::Page;
use crate::cors::simple::{SEC_FETCH_SITE, is_own};
use crate::rare::{has_any, rarely};
use crate::{Cors, Effect};
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use mainstay_fault::{Fault, Reason};
use std::fmt;

/// By which a page asks that the credentials of an answer are kept in cookies: `cookie`.
pub const SESSION_MODE: HeaderName = HeaderName::from_static("session-mode");

/// The cookie of an access token. Browsers take it only over TLS, for the whole host and for no other (RFC 6265bis, section
/// 4.1.3.2). One token may be longer than browsers take a cookie: its value is how many cookies it is in, a dot, and its beginning;
/// the rest is in cookies of the same name with `-1` and so on behind it.
pub const ACCESS_COOKIE: &str = "__Host-mainstay-access";

/// The cookie of a refresh token.
pub const REFRESH_COOKIE: &str = "__Host-mainstay-refresh";

/// In how many cookies an access token is at most.
pub const MAX_ACCESS_COOKIES: usize = 5;

/// What makes a request one of a browser that keeps a session: its cookies, or that it asks for them.
static TOLD: [HeaderName; 2] = [COOKIE, SESSION_MODE];

/// A browser that keeps a session, or wants to.
#[derive(Clone, Default)]
pub struct Browser {
    /// The refresh token that it has.
    pub refresh: Option<Box<str>>,
    /// Whether it has sent any cookie of a session.
    pub has_session: bool,
    /// Whether the caller is nobody where the access token that stands for him is not good.
    pub(crate) is_let_off: bool,
}

/// What a session in cookies is to a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookies {
    /// Nothing: whoever begins or renews a session is not kept from it by the last one.
    Ignored,
    /// It stands for the caller, and is refused where it is not good, as every credential is.
    Count,
    /// It stands for the caller where it is good: what answers can renew it.
    CountIfGood,
    /// The same for everything that comes on a connection which stays open. It changes something whatever its method says, and no
    /// browser keeps a page from reading it, so that a page needs leave for it, with cookies or without.
    Held,
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").field("has_session", &self.has_session).finish_non_exhaustive()
    }
}

/// Finds the session of a request's browser, and has its access token stand for the caller where it does so for the method. Nothing where the request is not of a browser that keeps one. Fails where a page had it sent that may not.
pub(crate) fn settle(
    parts: &mut Parts,
    (cookies, effect): (Cookies, Effect),
    (page, cors): (&Page, &Cors),
) -> Result<Option<Box<Browser>>, Fault> {
    if cookies == Cookies::Held && matches!(page, Page::Foreign | Page::Any) && !is_own(parts) {
        return Err(Fault::new(Reason::OriginNotAllowed));
    }
    if !has_any(&parts.headers, &TOLD) {
        return Ok(None);
    }
    let asks = asks(&parts.headers)?;
    let kept = if parts.headers.contains_key(AUTHORIZATION) { Kept::default() } else { Kept::of(&parts.headers) };
    if !kept.is_any() {
        return Ok(asks.then(Box::default));
    }
    // A contract may have given what changes something a GET, which each page can have a browser send.
    let is_safe = parts.method.is_safe() && effect.is_read() && cookies != Cookies::Held;
    if !is_safe && !may_use(parts, page, cors.credentials) {
        return if cors.takes_form(parts) { Ok(None) } else { Err(refused(page)) };
    }
    let token = if cookies == Cookies::Ignored { None } else { kept.access().transpose()? };
    let refresh = kept.refresh.map(Box::from);
    let is_let_off = token.is_some() && matches!(cookies, Cookies::CountIfGood | Cookies::Held);
    if let Some(token) = token {
        parts.headers.insert(AUTHORIZATION, token);
    }
    Ok(Some(Box::new(Browser { refresh, has_session: true, is_let_off })))
}

/// Whether a page asks for cookies.
fn asks(headers: &HeaderMap) -> Result<bool, Fault> {
    match headers.get(&SESSION_MODE).map(HeaderValue::as_bytes) {
        None => Ok(false),
        Some(b"cookie") => Ok(true),
        Some(_) => Err(Fault::new(Reason::MalformedRequest)
            .message("session-mode must be `cookie`, or be left out")
            .meta("header", SESSION_MODE.as_str())),
    }
}

/// Whether a page may have a request that may change something sent with the cookies of its browser.
fn may_use(parts: &Parts, page: &Page, credentials: bool) -> bool {
    match rarely(&parts.headers, &SEC_FETCH_SITE).map_or(&b""[..], HeaderValue::as_bytes) {
        b"same-origin" | b"none" => true,
        b"cross-site" | b"same-site" => credentials && matches!(page, Page::Allowed(_)),
        _ => match page {
            Page::Allowed(_) => credentials || is_own(parts),
            Page::Foreign | Page::Any => is_own(parts),
            Page::None => false,
        },
    }
}

fn refused(page: &Page) -> Fault {
    Fault::new(Reason::OriginNotAllowed).message(match page {
        Page::None => {
            "a request that changes something and carries the cookies of a session has to say which page sends it (`origin` or \
             `sec-fetch-site`, as browsers do); a program sends `authorization` instead"
        }
        Page::Foreign | Page::Any | Page::Allowed(_) => {
            "this page may not use the session of its browser; whoever runs the server can name the page's origin in \
             `cors.origins` and set `cors.credentials`"
        }
    })
}

/// The values of a session's cookies.
#[derive(Default)]
struct Kept<'h> {
    access: [Option<&'h str>; MAX_ACCESS_COOKIES],
    refresh: Option<&'h str>,
}

impl<'h> Kept<'h> {
    /// Finds them among the cookies of a request; of several of one name, the first.
    fn of(headers: &'h HeaderMap) -> Kept<'h> {
        let mut kept = Kept::default();
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        for (name, value) in lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('=')) {
            let place = match name.strip_prefix(ACCESS_COOKIE) {
                Some(behind) => part(behind).map(|part| &mut kept.access[part]),
                None => (name == REFRESH_COOKIE).then_some(&mut kept.refresh),
            };
            if let Some(place) = place.filter(|place| place.is_none()) {
                *place = Some(value);
            }
        }
        kept
    }

    fn is_any(&self) -> bool {
        self.refresh.is_some() || self.access.iter().any(Option::is_some)
    }

    /// Gives the `authorization` that stands for the access token; nothing where it is not whole.
    fn access(&self) -> Option<Result<HeaderValue, Fault>> {
        let (parts, first) = self.access[0]?.split_once('.')?;
        let rest = self.access.get(1..parts.parse().ok()?)?;
        let mut text = format!("Bearer {first}");
        for part in rest {
            text.push_str((*part)?);
        }
        Some(HeaderValue::from_maybe_shared(text).map_err(|_| Fault::new(Reason::MalformedRequest)).map(|mut value| {
            value.set_sensitive(true);
            value
        }))
    }
}

/// Which part of a token a cookie is whose name has this behind that of the first.
fn part(behind: &str) -> Option<usize> {
    match behind {
        "" => Some(0),
        _ => behind.strip_prefix('-')?.parse().ok().filter(|part| (1..MAX_ACCESS_COOKIES).contains(part)),
    }
}
