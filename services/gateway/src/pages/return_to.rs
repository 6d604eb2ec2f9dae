//! Where a sign-in may lead (S3): to a path of this host, or to an address that is named in the configuration, letter for letter.

use http::Uri;

/// How long such an address may be.
const MAX_BYTES: usize = 2_000;

/// Gives back an address that a sign-in may lead to; nothing where it may not.
pub fn allowed<'a>(text: &'a str, named: &[String]) -> Option<&'a str> {
    let is_allowed = is_path(text) || named.iter().any(|address| address == text);
    (is_allowed && text.len() <= MAX_BYTES).then_some(text)
}

/// Whether browsers take a text for a path of the host that they are at. They take `//host`, `/\host` and a path with tabs and line
/// ends in it for others.
fn is_path(text: &str) -> bool {
    let signs = |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'`' | b'^' | b'{' | b'}' | b'|')
    };
    text.starts_with('/') && !text.starts_with("//") && text.bytes().all(signs) && text.parse::<Uri>().is_ok()
}

/// Whether a text is a whole address, as the configuration has them.
pub fn is_address(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let is_web = matches!(uri.scheme_str(), Some("https" | "http"));
    let host = uri.authority().filter(|authority| !authority.as_str().contains('@') && !authority.host().is_empty());
    is_web && host.is_some() && !text.contains('#') && !text.contains('*')
}

#[cfg(test)]
mod tests {
    use super::{allowed, is_address};

    #[test]
    fn a_sign_in_leads_to_paths_of_this_host_and_to_what_is_named() {
        let named = ["https://app.example.com/in".to_owned()];
        for good in ["/", "/shop", "/auth/account", "/a?b=c&d=%2F%2Fevil", "/a//b", "https://app.example.com/in"] {
            assert_eq!(allowed(good, &named), Some(good));
        }
        let long = format!("/{}", "a".repeat(2_000));
        for bad in [
            "",
            "shop",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /shop",
            "https:/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://app.example.com/in/",
            "https://app.example.com/in?x=1",
            "https://app.example.com",
            "HTTPS://APP.example.com/in",
            "/ü",
            "/a b",
            "/<script>",
            long.as_str(),
        ] {
            assert_eq!(allowed(bad, &named), None, "{bad}");
        }
    }

    #[test]
    fn an_address_of_the_configuration_is_whole() {
        for good in ["https://app.example.com/in", "http://localhost:5173/", "https://app.example.com"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "/in",
            "app.example.com",
            "https://*.example.com/",
            "https://u@app.example.com/",
            "https://a/#x",
            "app:in",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
