//! What a page answers.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::Full;
use mainstay_fault::Fault;
use mainstay_layers::Body;
use minijinja::Value;

use super::visit::Visit;
use crate::browser::Cookies;

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// A page, or where to go instead.
pub struct Shown {
    what: What,
    status: StatusCode,
    cookies: Cookies,
    /// Where its form may lead beside this host.
    leads_to: Option<String>,
}

enum What {
    Page { template: &'static str, values: Value },
    Elsewhere(String),
}

impl Shown {
    pub fn page(template: &'static str, values: Value) -> Shown {
        Shown {
            what: What::Page { template, values },
            status: StatusCode::OK,
            cookies: Cookies::default(),
            leads_to: None,
        }
    }

    /// Leads to another page, which is looked at.
    pub fn see(address: String) -> Shown {
        let (status, cookies) = (StatusCode::SEE_OTHER, Cookies::default());
        Shown { what: What::Elsewhere(address), status, cookies, leads_to: None }
    }

    /// Has the browser send the same again, with these cookies.
    pub fn again(address: String, cookies: Cookies) -> Shown {
        Shown { what: What::Elsewhere(address), status: StatusCode::TEMPORARY_REDIRECT, cookies, leads_to: None }
    }

    #[must_use]
    pub fn status(self, status: StatusCode) -> Shown {
        Shown { status, ..self }
    }

    #[must_use]
    pub fn cookies(self, cookies: Cookies) -> Shown {
        Shown { cookies, ..self }
    }

    /// Lets the page's form lead to where an address begins: what its answer leads to counts as where it leads.
    #[must_use]
    pub fn leading_to(self, address: &str) -> Shown {
        Shown { leads_to: source(address), ..self }
    }

    /// Writes the answer.
    pub fn answer(self, visit: &Visit<'_>) -> Result<Response<Body>, Fault> {
        let body = match &self.what {
            What::Page { template, values } => Bytes::from(visit.pages.write(template, visit, values)?),
            What::Elsewhere(_) => Bytes::new(),
        };
        let mut response = Response::new(Body::new(Full::new(body)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        protect(headers, &visit.pages.policy);
        if let Some(leads_to) = &self.leads_to {
            let policy = visit.pages.policy.to_str().unwrap_or_default();
            let policy = policy.replacen("form-action 'self'", &format!("form-action 'self' {leads_to}"), 1);
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).map_err(Fault::internal)?);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.what {
            What::Elsewhere(address) => {
                headers.insert(LOCATION, HeaderValue::try_from(address).map_err(Fault::internal)?);
            }
            What::Page { .. } => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                headers.insert(VARY, HeaderValue::from_static("accept-language, cookie"));
                headers.extend(HeaderValue::from_str(&visit.language.tag).ok().map(|tag| (CONTENT_LANGUAGE, tag)));
            }
        }
        self.cookies.put(headers);
        Ok(response)
    }
}

/// What a policy calls where an address leads: its scheme, and the host of those that have one; nothing where that has a sign that
/// policies give a meaning.
fn source(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once(':')?;
    let source = match rest.strip_prefix("//").filter(|_| matches!(scheme, "https" | "http")) {
        Some(rest) => format!("{scheme}://{}", rest.split(['/', '?']).next().unwrap_or_default()),
        None => format!("{scheme}:"),
    };
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'.' | b'-' | b'+' | b'[' | b']');
    source.bytes().all(is_plain).then_some(source)
}

/// Lets a page load nothing from elsewhere, be shown in nobody's frame, and tell nobody where a visitor comes from. Not even by
/// leaving out the origin of its own forms: that the server wants to know.
pub fn protect(headers: &mut HeaderMap, policy: &HeaderValue) {
    headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
}
