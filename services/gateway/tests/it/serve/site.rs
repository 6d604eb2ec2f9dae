//! A site beside the API.

use std::fs;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE,
};
use http::{HeaderName, Method, Request, StatusCode};
use mainstay_gateway::{Config, SiteConfig};
use tempfile::TempDir;

use crate::support::{Answered, Harness, full, library};

struct Site {
    harness: Harness,
    folder: TempDir,
}

impl Site {
    async fn start(fallback: Option<&str>) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("index.html", "<title>Shop</title>"),
            ("about/index.html", "<title>About</title>"),
            ("assets/app.3f9a1c2b.js", "let a = 1"),
            ("assets/app.3f9a1c2b.js.gz", "packed"),
            ("assets/app.3f9a1c2b.js.br", "PACKED"),
            ("plain.txt", "0123456789"),
            (".env", "secret"),
            ("assets/.env", "secret"),
            ("library/v1/books", "never"),
            ("auth/account", "never"),
            ("healthz", "never"),
            ("outside", "x"),
        ];
        for (path, text) in files {
            let path = folder.path().join("site").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let site = SiteConfig {
            dir: Some(folder.path().join("site")),
            fallback: fallback.map(str::to_owned),
            ..SiteConfig::default()
        };
        let harness = Harness::with(Config { site, ..Config::default() }, Some(library()), None).await;
        Site { harness, folder }
    }

    async fn get(&self, path: &str, headers: &[(HeaderName, &str)]) -> Answered {
        self.ask(Method::GET, path, headers).await
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(HeaderName, &str)]) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        self.harness.send(request.body(full("")).unwrap()).await
    }

    async fn text(&self, path: &str) -> (StatusCode, String) {
        let answered = self.get(path, &[]).await;
        (answered.status, String::from_utf8_lossy(&answered.body).into_owned())
    }
}

fn header(answered: &Answered, name: HeaderName) -> &str {
    answered.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

const PAGE: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

#[tokio::test]
async fn files_are_served_where_no_route_is() {
    let site = Site::start(None).await;
    assert_eq!(site.text("/").await, (StatusCode::OK, "<title>Shop</title>".into()));
    assert_eq!(site.text("/plain.txt").await, (StatusCode::OK, "0123456789".into()));
    assert_eq!(site.text("/about/").await, (StatusCode::OK, "<title>About</title>".into()));
    let folder = site.get("/about", &[]).await;
    assert_eq!((folder.status, header(&folder, LOCATION)), (StatusCode::TEMPORARY_REDIRECT, "/about/"));
    let page = site.get("/", &[]).await;
    assert_eq!(header(&page, CONTENT_TYPE), "text/html");
    assert!(header(&page, CONTENT_SECURITY_POLICY).starts_with("default-src 'self'"));
    assert_eq!(header(&page, HeaderName::from_static("x-content-type-options")), "nosniff");
    let head = site.ask(Method::HEAD, "/plain.txt", &[]).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let refused = site.ask(method, "/plain.txt", &[]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn no_file_shadows_a_route_and_none_outside_is_seen() {
    let site = Site::start(Some("index.html")).await;
    for path in ["/library/v1/books", "/library/v1/nothing", "/auth/account", "/auth/nothing", "/healthz", "/data/x"] {
        let answered = site.get(path, &[(ACCEPT, PAGE)]).await;
        let text = String::from_utf8_lossy(&answered.body).into_owned();
        assert!(!text.contains("never") && !text.contains("<title>Shop"), "{path}: {text}");
    }
    for path in [
        "/.env",
        "/assets%2F.env",
        "/assets/%2e%2e/.env",
        "//auth/account",
        "/%61uth/account",
        "/library%2Fv1/books",
        "/%2eenv",
        "/../secret",
        "/%2e%2e/secret",
        "/a/../../secret",
        "/..%2fsecret",
        "/..%5csecret",
        "//secret",
        "/site/../secret",
        "/plain.txt/x",
        "/%00",
        "/plain.txt%00.html",
        "/assets",
        "/C:/windows",
    ] {
        let answered = site.get(path, &[]).await;
        assert!(!answered.body.starts_with(b"secret") && !answered.body.starts_with(b"never"), "{path}");
        assert!(!answered.status.is_server_error(), "{path}: {}", answered.status);
    }
}

#[tokio::test]
async fn a_single_page_application_answers_where_a_page_is_wanted() {
    let site = Site::start(Some("index.html")).await;
    for path in ["/cart", "/orders/17/lines", "/about.us"] {
        let page = site.get(path, &[(ACCEPT, PAGE)]).await;
        assert_eq!((page.status, &*page.body), (StatusCode::OK, &b"<title>Shop</title>"[..]), "{path}");
        assert_eq!(header(&page, CACHE_CONTROL), "public, no-cache");
    }
    for accept in ["*/*", "application/json", "text/css,*/*;q=0.1"] {
        assert_eq!(site.get("/cart", &[(ACCEPT, accept)]).await.status, StatusCode::NOT_FOUND, "{accept}");
    }
    let without = Site::start(None).await;
    assert_eq!(without.get("/cart", &[(ACCEPT, PAGE)]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_may_be_kept_is_said_and_asked_for_again() {
    let site = Site::start(None).await;
    let script = site.get("/assets/app.3f9a1c2b.js", &[]).await;
    assert_eq!(header(&script, CACHE_CONTROL), "public, max-age=31536000, immutable");
    assert_eq!(header(&site.get("/plain.txt", &[]).await, CACHE_CONTROL), "public, no-cache");
    let first = site.get("/plain.txt", &[]).await;
    let tag = header(&first, ETAG);
    for known in [tag, "*", &format!("\"x\", {tag}"), tag.trim_start_matches("W/")] {
        let again = site.get("/plain.txt", &[(IF_NONE_MATCH, known)]).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        assert_eq!(header(&again, ETAG), tag);
    }
    assert_eq!(site.get("/plain.txt", &[(IF_NONE_MATCH, "\"x\"")]).await.status, StatusCode::OK);
    fs::write(site.folder.path().join("site/plain.txt"), "changed!").unwrap();
    let later = [(IF_NONE_MATCH, tag), (IF_MODIFIED_SINCE, "Thu, 01 Jan 2099 00:00:00 GMT")];
    assert_eq!(site.get("/plain.txt", &later).await.status, StatusCode::OK, "who knows a tag is answered by it");
    // As what is built anew may be: as long, and by its own word as old.
    let (path, before) = (site.folder.path().join("site/plain.txt"), site.get("/plain.txt", &[]).await);
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "CHANGED!").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
    let again = site.get("/plain.txt", &[(IF_NONE_MATCH, header(&before, ETAG))]).await;
    assert_eq!(again.status, StatusCode::OK);
}

#[tokio::test]
async fn as_long_as_no_contract_is_known_no_path_is_the_sites() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.html"), "<title>Shop</title>").unwrap();
    let site = SiteConfig {
        dir: Some(folder.path().to_owned()),
        fallback: Some("index.html".to_owned()),
        ..SiteConfig::default()
    };
    let harness = Harness::with(Config { site, ..Config::default() }, None, None).await;
    let request = Request::builder().uri("/shop/v1/products").header(ACCEPT, PAGE);
    let answered = harness.send(request.body(full("")).unwrap()).await;
    assert_eq!(answered.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_packed_file_is_sent_to_who_takes_it() {
    let site = Site::start(None).await;
    for (takes, coding, body) in
        [("gzip", "gzip", "packed"), ("br, gzip", "br", "PACKED"), ("identity", "", "let a = 1")]
    {
        let script = site.get("/assets/app.3f9a1c2b.js", &[(ACCEPT_ENCODING, takes)]).await;
        assert_eq!(header(&script, CONTENT_ENCODING), coding, "{takes}");
        assert_eq!(&*script.body, body.as_bytes(), "{takes}");
        assert_eq!(header(&script, HeaderName::from_static("vary")), "accept-encoding");
    }
}

#[tokio::test]
async fn a_part_of_a_file_is_sent_of_the_file_that_the_client_has() {
    let site = Site::start(None).await;
    let part = site.get("/plain.txt", &[(RANGE, "bytes=2-4")]).await;
    assert_eq!((part.status, &*part.body), (StatusCode::PARTIAL_CONTENT, &b"234"[..]));
    assert_eq!(header(&part, CONTENT_RANGE), "bytes 2-4/10");
    let beyond = site.get("/plain.txt", &[(RANGE, "bytes=20-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let changed = site.get("/plain.txt", &[]).await;
    let changed = header(&changed, LAST_MODIFIED);
    let same = site.get("/plain.txt", &[(RANGE, "bytes=2-4"), (IF_RANGE, changed)]).await;
    assert_eq!(same.status, StatusCode::PARTIAL_CONTENT);
    for other in ["Thu, 01 Jan 1970 00:00:00 GMT", "\"tag\"", "nonsense"] {
        let whole = site.get("/plain.txt", &[(RANGE, "bytes=2-4"), (IF_RANGE, other)]).await;
        assert_eq!((whole.status, whole.body.len()), (StatusCode::OK, 10), "{other}");
    }
}

#[test]
fn what_cannot_work_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.html"), "x").unwrap();
    let told = |site: SiteConfig| {
        let problems = Config { site, ..Config::default() }.problems();
        problems.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
    };
    let dir = || Some(folder.path().to_owned());
    let site = |dir, fallback: Option<&str>| SiteConfig {
        dir,
        fallback: fallback.map(str::to_owned),
        ..SiteConfig::default()
    };
    assert_eq!(told(site(dir(), Some("index.html"))), [] as [&str; 0]);
    assert_eq!(told(site(None, None)), [] as [&str; 0]);
    assert_eq!(told(site(Some("/nowhere".into()), None)), ["static.dir"]);
    assert_eq!(told(site(None, Some("index.html"))), ["static.dir"]);
    assert_eq!(told(site(dir(), Some("nothing.html"))), ["static.fallback"]);
    assert_eq!(told(site(dir(), Some("../index.html"))), ["static.fallback"]);
    let policy = SiteConfig { content_security_policy: "a\nb".to_owned(), ..SiteConfig::default() };
    assert_eq!(told(policy), ["static.content_security_policy"]);
}
