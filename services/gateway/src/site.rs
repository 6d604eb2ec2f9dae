//! A site beside the API: the files of a folder, or a single-page application.
//!
//! A file is served where no route is, and never under a root of the API's: `/shop/v1/…` is the contract's alone, whatever lies in the
//! folder. Which file a path is, ranges and dates are `tower-http`'s business; here is what browsers may keep, and what they may do.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, ETAG, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, Method as HttpMethod, Request, Response, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tower_http::services::fs::ServeFileSystemResponseBody;
use tower_http::services::{ServeDir, ServeFile};

use crate::route::{Keep, decode_path};

/// What pages of a site may load, unless told otherwise: what comes from the site itself.
const POLICY: &str =
    "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// A name with a hash of what is in the file: another content has another name.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Every other one is asked for again, and not sent where it is the same.
const ASKED_AGAIN: HeaderValue = HeaderValue::from_static("public, no-cache");

/// Fewest characters of a name that count as a hash.
const SHORTEST_HASH: usize = 8;

/// A folder that is served to browsers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SiteConfig {
    /// The folder; nothing serves none. `name.br`, `name.zst` and `name.gz` beside a file are sent to who takes them. What begins with
    /// a dot is not served.
    pub dir: Option<PathBuf>,
    /// The file in it that answers where a browser wants a page and there is none: `index.html` of a single-page application.
    pub fallback: Option<String>,
    /// What pages of it may load and do (`content-security-policy`); empty: no such header.
    pub content_security_policy: String,
}

impl Default for SiteConfig {
    fn default() -> SiteConfig {
        SiteConfig { dir: None, fallback: None, content_security_policy: POLICY.to_owned() }
    }
}

impl SiteConfig {
    /// Finds everything that is wrong, each as its path below `static` and what it has to be.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if HeaderValue::try_from(&self.content_security_policy).is_err() {
            problems.push(("content_security_policy", "has characters that no header can have".to_owned()));
        }
        match (&self.dir, &self.fallback) {
            (None, Some(_)) => problems.push(("dir", "must be given where `fallback` is".to_owned())),
            (Some(dir), _) if !dir.is_dir() => {
                problems.push(("dir", format!("must be a folder, and {} is none", dir.display())));
            }
            (Some(dir), Some(fallback)) if !dir.join(fallback).is_file() || !is_inside(fallback) => {
                problems.push(("fallback", format!("must be a file in {}, such as index.html", dir.display())));
            }
            _ => {}
        }
        problems
    }
}

/// A folder that is served.
#[derive(Debug)]
pub struct Site {
    dir: PathBuf,
    files: ServeDir,
    /// The page that stands for all others, and where it is.
    fallback: Option<(ServeFile, PathBuf)>,
    policy: Option<HeaderValue>,
}

impl Site {
    /// Takes the folder, where one is configured.
    pub fn of(config: &SiteConfig) -> Option<Site> {
        let dir = config.dir.as_ref()?;
        let files = ServeDir::new(dir).precompressed_br().precompressed_zstd().precompressed_gzip();
        let fallback = config.fallback.as_ref().map(|name| {
            let path = dir.join(name);
            (ServeFile::new(&path).precompressed_br().precompressed_zstd().precompressed_gzip(), path)
        });
        let policy = HeaderValue::try_from(&config.content_security_policy).ok().filter(|policy| !policy.is_empty());
        Some(Site { dir: dir.clone(), files, fallback, policy })
    }

    /// The first part of the path of a request that could be for one of its files, or for a page of it; nothing where it could not.
    pub fn root(parts: &Parts) -> Option<String> {
        let path = parts.uri.path().strip_prefix('/').filter(|path| is_inside(path))?;
        let reads = matches!(parts.method, HttpMethod::GET | HttpMethod::HEAD);
        let decoded = decode_path(path, Keep::Nothing).ok().filter(|_| reads)?;
        decoded.split('/').next().map(str::to_owned)
    }

    /// Answers with a file, or with the page that stands for all others.
    pub async fn serve(&self, request: Request<Body>) -> Result<Response<Body>, Fault> {
        let (parts, _) = request.into_parts();
        let mut asked = Request::from_parts(parts, ());
        // Whoever knows a tag is answered by that alone (RFC 9110 section 13.1.3).
        if asked.headers().contains_key(IF_NONE_MATCH) {
            asked.headers_mut().remove(IF_MODIFIED_SINCE);
        }
        self.keep_range(&mut asked).await?;
        let wants_page = wants_page(asked.headers());
        let found = self.file(&asked).await?;
        match (found, &self.fallback) {
            (Some(found), _) => {
                let keep = if has_hash(asked.uri().path()) { FOR_EVER } else { ASKED_AGAIN };
                let changed = changed(&self.path(asked.uri().path())).await;
                Ok(self.dressed(found, asked.headers(), (keep, changed)))
            }
            (None, Some(page)) if wants_page => {
                let (page, path) = page;
                let found = page.clone().try_call(asked.clone()).await.map_err(Fault::internal)?;
                Ok(self.dressed(found, asked.headers(), (ASKED_AGAIN, changed(path).await)))
            }
            (None, _) => Err(Fault::new(Reason::RouteNotFound).message("there is no such file")),
        }
    }

    /// The file at a path; nothing where there is none.
    async fn file(&self, asked: &Request<()>) -> Result<Option<Response<ServeFileSystemResponseBody>>, Fault> {
        let answered = match self.files.clone().try_call(asked.clone()).await {
            Ok(answered) => answered,
            // A name that no file can have, or a path through a file.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) if error.kind() == ErrorKind::InvalidFilename => return Ok(None),
            Err(error) => return Err(Fault::internal(error)),
        };
        Ok((answered.status() != StatusCode::NOT_FOUND).then_some(answered))
    }

    /// Where the file at a path is, which was found to be inside.
    fn path(&self, path: &str) -> PathBuf {
        let decoded = decode_path(path.trim_start_matches('/'), Keep::Nothing).unwrap_or_default();
        let file = self.dir.join(&*decoded);
        if decoded.is_empty() || decoded.ends_with('/') { file.join("index.html") } else { file }
    }

    /// A part is wanted of what the client has a part of; of anything else all is (RFC 9110 section 13.1.5).
    async fn keep_range(&self, asked: &mut Request<()>) -> Result<(), Fault> {
        let Some(wanted) = asked.headers_mut().remove(IF_RANGE) else { return Ok(()) };
        let mut head = asked.clone();
        *head.method_mut() = HttpMethod::HEAD;
        head.headers_mut().remove(RANGE);
        let found = self.file(&head).await?;
        // A tag that says "about the same" is none for parts.
        let is_same = found.is_some_and(|found| found.headers().get(LAST_MODIFIED) == Some(&wanted));
        if !is_same {
            asked.headers_mut().remove(RANGE);
        }
        Ok(())
    }

    /// Says what may be kept, and what the page may do.
    fn dressed(
        &self,
        found: Response<ServeFileSystemResponseBody>,
        asked: &HeaderMap,
        (keep, changed): (HeaderValue, Option<Changed>),
    ) -> Response<Body> {
        let (mut parts, body) = found.into_parts();
        let mut body = Body::new(body);
        if parts.status.is_success() || parts.status == StatusCode::NOT_MODIFIED {
            parts.headers.insert(CACHE_CONTROL, keep);
            parts.headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if let Some(tag) =
            changed.and_then(|changed| changed.tag(&parts.headers)).filter(|_| parts.status == StatusCode::OK)
        {
            if is_known(asked, &tag) {
                parts.status = StatusCode::NOT_MODIFIED;
                parts.headers.remove(CONTENT_LENGTH);
                body = Body::empty();
            }
            parts.headers.insert(ETAG, tag);
        }
        parts.headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        parts.headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
        parts.headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
        parts.headers.extend(self.policy.clone().map(|policy| (CONTENT_SECURITY_POLICY, policy)));
        Response::from_parts(parts, body)
    }
}

/// Whether a path leads to a file that is to be seen: as it is read in the end, no part of it but the last is empty, and none begins
/// with a dot. What is no separator until it is decoded is in no name.
fn is_inside(path: &str) -> bool {
    let Ok(decoded) = decode_path(path, Keep::Nothing) else { return false };
    let is_odd = decoded.contains(['\\', '\0']) || decoded.matches('/').count() != path.matches('/').count();
    let parts: Vec<&str> = decoded.split('/').collect();
    let is_seen =
        |(place, part): (usize, &&str)| !part.starts_with('.') && (!part.is_empty() || place + 1 == parts.len());
    !is_odd && parts.iter().enumerate().all(is_seen)
}

/// Whether whoever asks would show a page to somebody.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// Whether a name has a hash in it, as bundlers write them: `app.3f9a1c2b.js`, `index-BwZ7x2Qk.css`.
fn has_hash(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((stem, kind)) = name.rsplit_once('.') else { return false };
    // A page is at the same address whatever is on it, and a date is no hash.
    if matches!(kind, "html" | "htm") {
        return false;
    }
    let Some((before, last)) = stem.rsplit_once(['.', '-']) else { return false };
    let is_hash = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !before.is_empty()
        && last.len() >= SHORTEST_HASH
        && last.bytes().all(is_hash)
        && last.bytes().any(|byte| byte.is_ascii_digit())
        && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// When a file came to be what it is. That it says of itself when it was written proves nothing: what is unpacked or built anew may
/// say the same each time.
#[derive(Clone, Copy)]
struct Changed {
    seconds: i64,
    nanoseconds: i64,
    length: u64,
}

async fn changed(path: &Path) -> Option<Changed> {
    let known = tokio::fs::metadata(path).await.ok()?;
    Some(Changed { seconds: known.ctime(), nanoseconds: known.ctime_nsec(), length: known.len() })
}

impl Changed {
    /// What the file is known by, packed as an answer has it.
    fn tag(self, headers: &HeaderMap) -> Option<HeaderValue> {
        let Changed { seconds, nanoseconds, length } = self;
        let packed = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        HeaderValue::try_from(format!("W/\"{seconds:x}.{nanoseconds:x}-{length:x}{packed}\"")).ok()
    }
}

/// Whether the client has what the tag is of.
fn is_known(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else { return false };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let values = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|known| known.trim() == "*" || bare(known) == bare(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_hash_are_told_from_others() {
        for path in ["/app.3f9a1c2b.js", "/assets/index-BwZ7x2Qk.css", "/a/b/logo.0123456789abcdef.svg"] {
            assert!(has_hash(path), "{path}");
        }
        for path in [
            "/",
            "/index.html",
            "/app.js",
            "/jquery-3.7.1.js",
            "/background-photograph.png",
            "/3f9a1c2b.js",
            "/a.3f9a1c2b",
        ] {
            assert!(!has_hash(path), "{path}");
        }
    }

    #[test]
    fn what_is_not_to_be_seen_is_not_looked_for() {
        for path in ["", "index.html", "a/b/c.js", "docs/", "a%20b.txt", "%41.txt", "a..b"] {
            assert!(is_inside(path), "{path}");
        }
        for path in [
            "..",
            "../x",
            "a/../b",
            "a//b",
            "/x",
            ".env",
            ".git/config",
            "a/.b",
            "%2e%2e/x",
            "%2E/x",
            "a\\b",
            "a%2F.env",
            "a%2fb",
            "a%5cb",
            "%00",
            "a/%2e%2E/b",
            "%zz",
        ] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
