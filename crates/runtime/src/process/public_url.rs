//! Where people reach the application: what every link that leaves the system begins with.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A URL without a query and a fragment, and without the slash at its end: `https://shop.example.org`. Links are built from it
/// alone: no header of a request says where one leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl {
    text: String,
    host: String,
    is_https: bool,
}

/// Says that a text is no public URL. It does not repeat it: whoever put a password there is not to read it in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no URL that links can begin with; write https://shop.example.org, without a query or a user")]
pub struct NotAPublicUrl;

impl PublicUrl {
    /// Gives the URL of a page: `path` begins with a slash.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Gives the host, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Says whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Gives the URL without its path: `https://shop.example.org:8443`.
    pub fn origin(&self) -> &str {
        let authority = self.text.find("://").map_or(0, |scheme| scheme + 3);
        let end = self.text[authority..].find('/').map_or(self.text.len(), |slash| authority + slash);
        &self.text[..end]
    }

    /// Says whether what is sent there is read on its way by nobody else: over TLS, or inside this machine.
    pub fn is_private(&self) -> bool {
        self.is_https || is_loopback(&self.host)
    }
}

/// Says whether a host is this machine by its very name.
pub fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

impl FromStr for PublicUrl {
    type Err = NotAPublicUrl;

    fn from_str(text: &str) -> Result<PublicUrl, NotAPublicUrl> {
        let uri: http::Uri = text.parse().map_err(|_| NotAPublicUrl)?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(NotAPublicUrl),
        };
        let authority = uri.authority().ok_or(NotAPublicUrl)?;
        let has_more = authority.as_str().contains('@') || text.contains(['?', '#']);
        if has_more || authority.host().is_empty() {
            return Err(NotAPublicUrl);
        }
        let host = authority.host().to_ascii_lowercase();
        Ok(PublicUrl { text: text.trim_end_matches('/').to_owned(), host, is_https })
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = NotAPublicUrl;

    fn try_from(text: String) -> Result<PublicUrl, NotAPublicUrl> {
        text.parse()
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> String {
        url.text
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::PublicUrl;

    fn url(text: &str) -> Option<PublicUrl> {
        text.parse().ok()
    }

    #[test]
    fn a_page_is_the_url_and_its_path() {
        for written in ["https://shop.example.org", "https://shop.example.org/"] {
            let page = url(written).map(|url| url.page("/verify-email"));
            assert_eq!(page.as_deref(), Some("https://shop.example.org/verify-email"));
        }
        let below = url("https://Example.org:8443/shop/").map(|url| (url.page("/a"), url.host().to_owned()));
        assert_eq!(below, Some(("https://Example.org:8443/shop/a".to_owned(), "example.org".to_owned())));
    }

    #[test]
    fn an_origin_is_what_stands_before_the_path() {
        for (text, origin) in [
            ("https://shop.example.org", "https://shop.example.org"),
            ("https://shop.example.org:8443/a/b", "https://shop.example.org:8443"),
            ("http://[::1]:80/", "http://[::1]:80"),
        ] {
            assert_eq!(url(text).as_ref().map(PublicUrl::origin), Some(origin));
        }
    }

    #[test]
    fn what_is_no_place_of_ones_own_is_refused() {
        for text in [
            "",
            "shop.example.org",
            "ftp://a",
            "https://",
            "https:///x",
            "https://user@a",
            "https://a?b",
            "https://a#b",
            "javascript:alert(1)",
            "//a",
            "https://a b",
            "https://a\nb",
        ] {
            assert_eq!(url(text), None, "{text:?}");
        }
    }

    #[test]
    fn http_is_private_inside_the_machine_alone() {
        let is_private = |text: &str| url(text).map(|url| url.is_private());
        for text in ["https://a.example", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:80"] {
            assert_eq!(is_private(text), Some(true), "{text}");
        }
        for text in ["http://a.example", "http://localhost.evil.example", "http://10.0.0.1"] {
            assert_eq!(is_private(text), Some(false), "{text}");
        }
    }
}
