//! The `forwarded` header (RFC 7239), read from its end.
//!
//! What stands last was written by the nearest proxy, and what stands before it may be anything that a client made up: a quote
//! without its other half, for one, behind which a reader from the left would lose all that proxies have added.

/// The addresses that the elements of one line have after `for=`, the last first; nothing for an element that has none, or several.
pub(crate) fn hops(line: &[u8]) -> impl Iterator<Item = Option<&str>> {
    parts(line, b',').map(|element| {
        let mut all = parts(element, b';').filter_map(|pair| {
            let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
            name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
        });
        all.next().filter(|_| all.next().is_none())
    })
}

/// Splits a text where a sign stands outside quotes, the last part first.
fn parts(text: &[u8], sign: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut is_quoted = false;
        let at = (0..text.len()).rev().find(|at| {
            is_quoted ^= text[*at] == b'"' && !is_escaped(text, *at);
            text[*at] == sign && !is_quoted
        });
        rest = at.map(|at| &text[..at]);
        Some(at.map_or(text, |at| &text[at + 1..]))
    })
}

/// Whether a backslash takes its meaning from the byte at a place: a host that a proxy repeats may have such a quote in it.
fn is_escaped(text: &[u8], at: usize) -> bool {
    text[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::hops;
    use proptest::prelude::*;

    fn all(line: &str) -> Vec<Option<&str>> {
        hops(line.as_bytes()).collect()
    }

    #[test]
    fn elements_are_read_from_the_end() {
        assert_eq!(all("for=192.0.2.60;proto=http;by=203.0.113.43"), [Some("192.0.2.60")]);
        assert_eq!(all("for=192.0.2.43, FOR=198.51.100.17"), [Some("198.51.100.17"), Some("192.0.2.43")]);
        assert_eq!(all(r#"by=x;For="[2001:db8:cafe::17]:4711""#), [Some(r#""[2001:db8:cafe::17]:4711""#)]);
        assert_eq!(all(r#"for="a,b;c", for=1.2.3.4"#), [Some("1.2.3.4"), Some(r#""a,b;c""#)]);
        assert_eq!(all("proto=https, for=_hidden"), [Some("_hidden"), None]);
        assert_eq!(all("for=1.2.3.4;for=5.6.7.8"), [None]);
        assert_eq!(all(""), [None]);
    }

    #[test]
    fn what_a_proxy_repeats_of_a_client_in_quotes_stays_in_them() {
        let repeated = r#"for=203.0.113.9;host="a\", for=10.0.0.5;x=\"""#;
        assert_eq!(all(repeated), [Some("203.0.113.9")]);
        assert_eq!(all(r#"host="a\\", for=1.2.3.4"#), [Some("1.2.3.4"), None], "a backslash may be escaped itself");
        let line = b"for=\xff, for=198.51.100.1;x=\xff";
        assert_eq!(hops(line).collect::<Vec<_>>(), [Some("198.51.100.1"), None], "what is no text hides nothing");
    }

    proptest! {
        /// Whatever a client wrote first, the element of the proxy behind it is read as it is.
        #[test]
        fn what_stands_before_an_element_does_not_change_it(before in ".{0,40}") {
            for (element, address) in [("for=192.0.2.1", "192.0.2.1"), (r#"for="[::1]:9";by=x"#, r#""[::1]:9""#)] {
                let line = format!("{before}, {element}");
                prop_assert_eq!(all(&line)[0], Some(address));
            }
        }
    }
}
