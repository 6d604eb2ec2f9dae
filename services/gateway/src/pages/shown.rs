//! What a page answers.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, VARY,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use mainstay_fault::Fault;
use mainstay_layers::Body;
use minijinja::Value;

use super::headers::protect;
use super::view::{Pages, Viewer};
use crate::browser::Cookies;

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

    /// With these cookies, too.
    #[must_use]
    pub fn and_cookies(self, cookies: Cookies) -> Shown {
        Shown { cookies: self.cookies.and(cookies), ..self }
    }

    /// Lets the page's form lead to where an address begins: what its answer leads to counts as where it leads.
    #[must_use]
    pub fn leading_to(self, address: &str) -> Shown {
        Shown { leads_to: source(address), ..self }
    }

    /// Writes the answer for whoever looks at it.
    pub fn answer(self, pages: &Pages, viewer: &Viewer<'_>) -> Result<Response<Body>, Fault> {
        let body = match &self.what {
            What::Page { template, values } => Bytes::from(pages.write(template, values, viewer)?),
            What::Elsewhere(_) => Bytes::new(),
        };
        let mut response = Response::new(Body::new(Full::new(body)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        protect(headers, &pages.policy);
        if let Some(policy) = self.policy(pages) {
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
                headers.extend(HeaderValue::from_str(&viewer.language.tag).ok().map(|tag| (CONTENT_LANGUAGE, tag)));
            }
        }
        self.cookies.put(headers);
        Ok(response)
    }
}

impl Shown {
    /// The content security policy of a page that may do more than others.
    fn policy(&self, pages: &Pages) -> Option<String> {
        let usual = pages.policy.to_str().unwrap_or_default();
        let wider = self
            .leads_to
            .as_ref()
            .map(|leads_to| usual.replacen("form-action 'self'", &format!("form-action 'self' {leads_to}"), 1));
        match (&self.what, &pages.config.captcha) {
            (What::Page { template, .. }, Some(captcha)) if WITH_CAPTCHA.contains(template) => {
                Some(captcha.provider.widget().admitted_by(wider.as_deref().unwrap_or(usual)))
            }
            _ => wider,
        }
    }
}

/// The pages that show a CAPTCHA, where there is one.
const WITH_CAPTCHA: [&str; 3] = ["sign-up.html", "forgot-password.html", "mail-sign-in.html"];

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
