//! The page that shows the document to people, and lets them try what it says. It is one file of each kind and loads nothing from
//! elsewhere: what it shows it asks for as its visitor.

use std::hash::BuildHasher as _;

use bytes::Bytes;
use foldhash::quality::FixedState;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY};
use mainstay_fault::Fault;
use mainstay_layers::Body;

use super::Doc;
use crate::pages::protect;
use crate::protocol::{Coding, Conditions, Content, Verdict, tag};
use crate::transcode::Text;

const PAGE: &str = include_str!("assets/page.html");
const SCRIPT: &str = include_str!("assets/script.js");
const STYLE: &str = include_str!("assets/style.css");

/// Nothing comes from elsewhere, nothing that stands in the page itself runs, and nobody frames it (CSP level 3).
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);

/// Answers where no document is asked for, but the page or what it loads.
pub fn find(
    doc: Doc,
    page: &Bytes,
    asked: &HeaderMap,
) -> Option<impl Future<Output = Result<Response<Body>, Fault>> + use<>> {
    let (kind, bytes) = match doc {
        Doc::Page => ("text/html; charset=utf-8", page.clone()),
        Doc::Script => ("text/javascript; charset=utf-8", Bytes::from_static(SCRIPT.as_bytes())),
        Doc::Style => ("text/css; charset=utf-8", Bytes::from_static(STYLE.as_bytes())),
        Doc::OpenApi | Doc::Descriptors | Doc::Sources => return None,
    };
    let (coding, conditions) = (Coding::of(asked), Conditions::of(asked));
    Some(async move {
        let etag = format!("{:016x}", FixedState::default().hash_one(&bytes));
        let (mut response, weak) = match conditions?.of_read(Some(&etag)) {
            Verdict::Unchanged { weak } => (unchanged(), weak),
            Verdict::Kept | Verdict::Failed => {
                let content = Content::of(coding, Text::Whole(bytes)).await?;
                let coding = content.coding;
                let mut response = content.into_response();
                response.headers_mut().extend(coding.map(|coding| (CONTENT_ENCODING, coding.name())));
                (response, coding.is_some())
            }
        };
        let headers = response.headers_mut();
        protect(headers, &POLICY);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.extend(tag(&etag, weak).map(|tag| (ETAG, tag)));
        Ok(response)
    })
}

/// The page, with what the application is called, and whether there is a page to sign in on.
pub fn written(title: &str, signs_in: bool) -> Bytes {
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    // The title last: what is in it is no word of ours.
    PAGE.replace("{{sign_in}}", if signs_in { "true" } else { "false" }).replace("{{title}}", &title).into()
}

fn unchanged() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = http::StatusCode::NOT_MODIFIED;
    response
}
