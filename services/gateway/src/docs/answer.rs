//! How what was made is answered: conditional, compressed, and kept by nobody but its caller.

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;

use super::Doc;
use super::kept::Made;
use crate::protocol::{Coding, Conditions, Content, Verdict, tag};
use crate::transcode::Text;

/// It is another one for another caller.
const KEEPING: HeaderValue = HeaderValue::from_static("private, no-cache");
const BY: HeaderValue = HeaderValue::from_static("authorization, cookie, accept-encoding");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

pub async fn answer(doc: Doc, made: &Made, headers: &HeaderMap) -> Result<Response<Body>, Fault> {
    let mut response = match Conditions::of(headers)?.of_read(Some(&made.etag)) {
        Verdict::Failed => return Err(Fault::new(Reason::EtagMismatch).http(StatusCode::PRECONDITION_FAILED)),
        Verdict::Unchanged { weak } => unchanged(made, weak),
        Verdict::Kept => whole(doc, made, headers).await?,
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, KEEPING);
    headers.insert(VARY, BY);
    Ok(response)
}

fn unchanged(made: &Made, weak: bool) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().extend(tag(&made.etag, weak).map(|tag| (ETAG, tag)));
    response
}

async fn whole(doc: Doc, made: &Made, asked: &HeaderMap) -> Result<Response<Body>, Fault> {
    let (kind, name) = match doc {
        Doc::Descriptors => ("application/x-protobuf", Some("attachment; filename=\"contract.binpb\"")),
        Doc::Sources => ("application/zip", Some("attachment; filename=\"contract.zip\"")),
        _ => ("application/json", None),
    };
    // An archive is small already.
    let coding = Coding::of(asked).filter(|_| doc != Doc::Sources);
    let content = Content::of(coding, Text::Whole(made.bytes.clone())).await?;
    let coding = content.coding;
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.extend(name.map(|name| (CONTENT_DISPOSITION, HeaderValue::from_static(name))));
    headers.extend(coding.map(|coding| (CONTENT_ENCODING, coding.name())));
    headers.extend(tag(&made.etag, coding.is_some()).map(|tag| (ETAG, tag)));
    Ok(response)
}
