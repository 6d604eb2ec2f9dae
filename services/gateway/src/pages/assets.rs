//! What pages load beside their HTML.

use std::hash::BuildHasher as _;
use std::path::Path;
use std::{fs, io};

use bytes::Bytes;
use foldhash::quality::FixedState;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;

use super::Page;
use super::error::PagesError;
use super::headers::protect;

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/script.js");

/// The application's mark.
#[derive(Debug)]
pub struct Logo {
    kind: HeaderValue,
    bytes: Bytes,
}

/// The files that a mark may be in.
const LOGOS: [(&str, HeaderValue); 2] =
    [("logo.svg", HeaderValue::from_static("image/svg+xml")), ("logo.png", HeaderValue::from_static("image/png"))];

/// Finds the mark of a folder.
pub fn logo(folder: &Path) -> Result<Option<Logo>, PagesError> {
    for (name, kind) in LOGOS {
        let path = folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => return Ok(Some(Logo { kind, bytes: bytes.into() })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(PagesError::File { path, source }),
        }
    }
    Ok(None)
}

/// The built-in looks, and an installation's own behind them.
pub fn style(own: Option<String>) -> Bytes {
    match own {
        Some(own) => format!("{STYLE}\n{own}").into(),
        None => Bytes::from_static(STYLE.as_bytes()),
    }
}

/// A word that changes with what pages load, so that browsers may keep it.
pub fn version(style: &[u8], logo: Option<&Logo>) -> String {
    let hash = FixedState::default().hash_one((style, SCRIPT, logo.map(|logo| &logo.bytes)));
    format!("{hash:x}")
}

/// Answers where no page is asked for, but what it loads.
pub fn find(
    page: Page,
    (style, logo): (&Bytes, Option<&Logo>),
    policy: &HeaderValue,
) -> Option<Result<Response<Body>, Fault>> {
    let (kind, bytes) = match (page, logo) {
        (Page::Style, _) => (HeaderValue::from_static("text/css; charset=utf-8"), style.clone()),
        (Page::Script, _) => {
            (HeaderValue::from_static("text/javascript; charset=utf-8"), Bytes::from_static(SCRIPT.as_bytes()))
        }
        (Page::Logo, Some(logo)) => (logo.kind.clone(), logo.bytes.clone()),
        (Page::Logo, None) => return Some(Err(Fault::new(Reason::RouteNotFound))),
        _ => return None,
    };
    let mut response = Response::new(Body::new(Full::new(bytes)));
    let headers = response.headers_mut();
    protect(headers, policy);
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Some(Ok(response))
}
