//! Keeps sessions in cookies, for pages that ask for it (`session-mode: cookie`): tokens go from the answer into cookies that no
//! script can read, and from those into the request that wants one.
//!
//! What stands for the caller, and which page may use it, is decided by the layers
//! ([`Browser`](mainstay_layers::Browser)); here is what the methods are to a session.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use mainstay_fault::Fault;
use mainstay_layers::{ACCESS_COOKIE, Browser, MAX_ACCESS_COOKIES, REFRESH_COOKIE};
use mainstay_proto::auth::v1 as pb;
use mainstay_wire::WireError;
use mainstay_wire::frame::{self, Fields};
use prost_reflect::{MessageDescriptor, MethodDescriptor};

/// What a method's messages are to a session, by the numbers of their fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct SessionFields {
    /// The request's refresh token.
    takes: Option<u32>,
    /// The answer's tokens.
    gives: Option<Tokens>,
    /// Whether the session is over after it.
    ends: bool,
}

#[derive(Debug, Clone, Copy)]
struct Tokens {
    /// The field of the answer that has them; nothing where it is the answer itself.
    inside: Option<u32>,
    access: u32,
    /// Nothing where the session keeps the one that it has.
    refresh: Option<u32>,
    /// For how many seconds the session lives.
    seconds: u32,
}

impl SessionFields {
    /// Finds them in a method of the platform. They are told by their names: an answer that begins or continues a session says how
    /// long it lives, which a token for anything else does not.
    pub fn of(method: &MethodDescriptor) -> SessionFields {
        let (input, output) = (method.input(), method.output());
        let gives = Tokens::of(&output, None).or_else(|| {
            let mut messages = output.fields().filter(|field| !field.is_list() && !field.is_map());
            messages.find_map(|field| Tokens::of(field.kind().as_message()?, Some(field.number())))
        });
        let takes = input.get_field_by_name("refresh_token").map(|field| field.number());
        SessionFields { takes, gives, ends: takes.is_some() && gives.is_none() }
    }

    /// Has a request that brings no refresh token take the browser's.
    pub fn fill(&self, browser: &Browser, request: Bytes) -> Bytes {
        let (Some(number), Some(token)) = (self.takes, &browser.refresh) else { return request };
        // What is no message is refused where it is read.
        if !matches!(frame::string(&request, number), Ok(None | Some(""))) {
            return request;
        }
        let mut filled = request.to_vec();
        frame::put_bytes(number, token.as_bytes(), &mut filled);
        filled.into()
    }

    /// Takes the tokens out of an answer, and gives the cookies that they go into.
    pub fn keep(&self, browser: &Browser, answer: Bytes) -> Result<(Bytes, Cookies), Fault> {
        if self.ends {
            return Ok((answer, if browser.has_session { Cookies::gone() } else { Cookies::default() }));
        }
        let Some(tokens) = self.gives else { return Ok((answer, Cookies::default())) };
        tokens.parted(&answer).map_err(|error| Fault::internal(error.to_string()))
    }
}

impl Tokens {
    fn of(message: &MessageDescriptor, inside: Option<u32>) -> Option<Tokens> {
        let number = |name| message.get_field_by_name(name).map(|field| field.number());
        let (access, seconds) = number("access_token").zip(number("session_expires_in"))?;
        Some(Tokens { inside, access, refresh: number("refresh_token"), seconds })
    }

    fn parted(&self, answer: &[u8]) -> Result<(Bytes, Cookies), WireError> {
        let Some(field) = self.inside else { return self.taken(answer) };
        let Some(holder) = frame::message(answer, field)? else {
            return Ok((answer.to_vec().into(), Cookies::default()));
        };
        let (holder, cookies) = self.taken(&holder)?;
        let mut rest = without(answer, &|number| number == field)?;
        frame::put_bytes(field, &holder, &mut rest);
        Ok((rest.into(), cookies))
    }

    fn taken(&self, answer: &[u8]) -> Result<(Bytes, Cookies), WireError> {
        let seconds = frame::varint(answer, self.seconds)?.unwrap_or_default();
        let mut cookies = Cookies::default();
        if let Some(token) = frame::bytes(answer, self.access)?.filter(|token| !token.is_empty()) {
            cookies.access(token, seconds);
        }
        let refresh = self.refresh.map(|number| frame::bytes(answer, number)).transpose()?.flatten();
        if let Some(token) = refresh.filter(|token| !token.is_empty()) {
            cookies.set(REFRESH_COOKIE, token, seconds);
        }
        let rest = without(answer, &|number| number == self.access || Some(number) == self.refresh)?;
        Ok((rest.into(), cookies))
    }
}

/// A message without some of its fields.
fn without(message: &[u8], gone: &dyn Fn(u32) -> bool) -> Result<Vec<u8>, WireError> {
    let mut rest = Vec::with_capacity(message.len());
    let (mut fields, mut from) = (Fields::of(message), 0);
    while let Some((number, _)) = fields.next()? {
        if !gone(number) {
            rest.extend_from_slice(&message[from..fields.position()]);
        }
        from = fields.position();
    }
    Ok(rest)
}

/// The cookies of an answer.
#[derive(Default)]
pub struct Cookies(Vec<HeaderValue>);

/// How much of a token is in one cookie: browsers take 4,096 bytes, its name among them.
const PART: usize = 3_900;

/// For one host and all its paths, over TLS alone, for no script, and not sent for what another site has a browser send, except to
/// follow a link (RFC 6265bis, section 4.1.2).
const HELD: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

impl Cookies {
    /// Those of a session that a page has begun or continued.
    pub fn of(credentials: &pb::Credentials) -> Cookies {
        let mut cookies = Cookies::default();
        let seconds = u64::try_from(credentials.session_expires_in).unwrap_or_default();
        if !credentials.access_token.is_empty() {
            cookies.access(credentials.access_token.as_bytes(), seconds);
        }
        if !credentials.refresh_token.is_empty() {
            cookies.set(REFRESH_COOKIE, credentials.refresh_token.as_bytes(), seconds);
        }
        cookies
    }

    /// One of another kind; over at once where it is to be forgotten.
    pub fn one(name: &str, value: &str, seconds: u64) -> Cookies {
        let mut cookies = Cookies::default();
        cookies.set(name, value.as_bytes(), seconds);
        cookies
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Cookies) -> Cookies {
        self.0.extend(others.0);
        self
    }

    /// The browser has no session any more.
    pub fn gone() -> Cookies {
        let mut cookies = Cookies::default();
        cookies.set(REFRESH_COOKIE, b"", 0);
        cookies.set(ACCESS_COOKIE, b"", 0);
        for part in 1..MAX_ACCESS_COOKIES {
            cookies.set(&format!("{ACCESS_COOKIE}-{part}"), b"", 0);
        }
        cookies
    }

    fn access(&mut self, token: &[u8], seconds: u64) {
        let parts = token.chunks(PART);
        let first = format!("{}.", parts.len());
        for (part, text) in parts.enumerate() {
            match part {
                0 => self.set(ACCESS_COOKIE, &[first.as_bytes(), text].concat(), seconds),
                part => self.set(&format!("{ACCESS_COOKIE}-{part}"), text, seconds),
            }
        }
    }

    fn set(&mut self, name: &str, value: &[u8], seconds: u64) {
        let cookie = [name.as_bytes(), b"=", value, format!("; {HELD}; Max-Age={seconds}").as_bytes()].concat();
        // Tokens are made of letters that a header may have.
        self.0.extend(HeaderValue::from_bytes(&cookie).ok().map(|mut cookie| {
            cookie.set_sensitive(true);
            cookie
        }));
    }

    /// Puts them into an answer.
    pub fn put(self, headers: &mut HeaderMap) {
        for cookie in self.0 {
            headers.append(SET_COOKIE, cookie);
        }
    }
}
