//! What a page answers.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderValue, LOCATION, VARY};
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
}

enum What {
    Page { template: &'static str, values: Value },
    Elsewhere(String),
}

impl Shown {
    pub fn page(template: &'static str, values: Value) -> Shown {
        Shown { what: What::Page { template, values }, status: StatusCode::OK, cookies: Cookies::default() }
    }

    /// Leads to another page, which is looked at.
    pub fn see(address: String) -> Shown {
        Shown { what: What::Elsewhere(address), status: StatusCode::SEE_OTHER, cookies: Cookies::default() }
    }

    /// Has the browser send the same again, with these cookies.
    pub fn again(address: String, cookies: Cookies) -> Shown {
        Shown { what: What::Elsewhere(address), status: StatusCode::TEMPORARY_REDIRECT, cookies }
    }

    #[must_use]
    pub fn status(self, status: StatusCode) -> Shown {
        Shown { status, ..self }
    }

    #[must_use]
    pub fn cookies(self, cookies: Cookies) -> Shown {
        Shown { cookies, ..self }
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
