//! Where a browser is brought with an answer: exactly what was registered, and nowhere else (RFC 9700, section 4.1.3).

/// Longest address.
pub const MAX_BYTES: usize = 1_000;

/// Most addresses of one kind.
pub const MAX_URIS: usize = 16;

/// Hosts of loopback addresses, as they stand in an address.
const LOOPBACK: [&str; 2] = ["127.0.0.1", "[::1]"];

/// Says what is wrong with an address that is to be registered; nothing where it is good. `keeps_secret`: the client's; programs
/// on somebody's machine, which keep none, may have addresses of a scheme of their own (RFC 8252, section 7.1).
pub fn problem(uri: &str, keeps_secret: bool) -> Option<&'static str> {
    if uri.is_empty() || uri.len() > MAX_BYTES {
        return Some("has 1 to 1,000 bytes");
    }
    // What a browser or a library could read otherwise than we do.
    let is_odd = |byte: u8| {
        !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'`' | b'^' | b'{' | b'}' | b'|' | b'*')
    };
    if uri.bytes().any(is_odd) {
        return Some("has a sign that addresses have percent-encoded, or `*`");
    }
    if uri.contains('#') {
        return Some("has a fragment (RFC 6749, section 3.1.2)");
    }
    let Some((scheme, rest)) = uri.split_once(':') else {
        return Some("is no whole address; write https://app.example.com/signed-in");
    };
    match scheme {
        "https" => authority(rest).and_then(|(host, _)| host_problem(host)),
        "http" => authority(rest).and_then(|(host, _)| this_machine(host)),
        _ => own_scheme(scheme, rest, keeps_secret),
    }
    .err()
}

fn this_machine(host: &str) -> Result<(), &'static str> {
    let is_it = host == "localhost" || LOOPBACK.contains(&host);
    if is_it { Ok(()) } else { Err("is not `https`, and of another machine") }
}

fn own_scheme(scheme: &str, rest: &str, keeps_secret: bool) -> Result<(), &'static str> {
    let signs = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+');
    if !scheme.contains('.')
        || !scheme.bytes().all(signs)
        || !scheme.starts_with(|sign: char| sign.is_ascii_lowercase())
    {
        return Err("is neither `https` nor of a scheme such as `com.example.app`, a host name of yours turned round");
    }
    if keeps_secret {
        return Err("is of a scheme of its own, which is for clients without a secret");
    }
    if rest.starts_with('/') { Ok(()) } else { Err("has no path; write com.example.app:/signed-in") }
}

/// Takes `//host:port/path` apart.
fn authority(rest: &str) -> Result<(&str, &str), &'static str> {
    let rest = rest.strip_prefix("//").ok_or("is no whole address; write https://app.example.com/signed-in")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err("names a user");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(inside) => {
            let end = inside.find(']').ok_or("has a host that is none")? + 2;
            authority.split_at(end)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port =
        |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0) && port.bytes().all(|b| b.is_ascii_digit());
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return Err("has a port that is none");
    }
    Ok((host, path))
}

fn host_problem(host: &str) -> Result<(), &'static str> {
    let signs = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let is_address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_good = match is_address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(signs) && !host.starts_with(['.', '-']) && !host.contains(".."),
    };
    if is_good {
        Ok(())
    } else {
        Err("has a host that is none; write it in lower case, and other letters as `xn--…`")
    }
}

/// Whether an address of a request is one of the registered: letter for letter, but for the port of a loopback address, which a
/// program on the machine does not know before (RFC 8252, section 7.3).
pub fn is_registered(uri: &str, registered: &[String]) -> bool {
    registered.iter().any(|one| one == uri || (portless(one).is_some() && portless(one) == portless(uri)))
}

/// An address of `http` and a loopback host as its host and what stands behind the port; nothing of any other.
fn portless(uri: &str) -> Option<(&str, &str)> {
    let (host, path) = authority(uri.strip_prefix("http:")?).ok()?;
    LOOPBACK.contains(&host).then_some((host, path))
}

/// Whether only whoever has the host gets what is brought there.
pub fn is_proof(uri: &str) -> bool {
    uri.starts_with("https://")
}

/// What an address begins with, as people are shown where they are led: `https://app.example.com`.
pub fn origin(uri: &str) -> &str {
    match uri.split_once("://") {
        Some((scheme, rest)) if matches!(scheme, "https" | "http") => {
            &uri[..scheme.len() + 3 + rest.find(['/', '?']).unwrap_or(rest.len())]
        }
        _ => &uri[..uri.find(':').map_or(uri.len(), |end| end + 1)],
    }
}

/// Adds parameters to an address: those with a value.
pub fn with(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut whole = uri.to_owned();
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        whole.push(if whole.contains('?') { '&' } else { '?' });
        whole.push_str(name);
        whole.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => whole.push(char::from(byte)),
                other => whole.push_str(&format!("%{other:02X}")),
            }
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::{is_registered, origin, problem, with};

    #[test]
    fn an_address_that_could_lead_elsewhere_is_not_registered() {
        for good in [
            "https://app.example.com/in",
            "https://app.example.com",
            "https://app.example.com:8443/in?a=b",
            "https://xn--bcher-kva.example/in",
            "https://[2001:db8::1]/in",
            "http://localhost:5173/in",
            "http://127.0.0.1/in",
            "http://[::1]:9/in",
        ] {
            assert_eq!(problem(good, true), None, "{good}");
        }
        for own in ["com.example.app:/in", "com.example.app://in"] {
            assert_eq!(problem(own, false), None);
            assert!(problem(own, true).is_some());
        }
        for bad in [
            "",
            "/in",
            "//evil.example/in",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "https:evil.example",
            "https://good.example@evil.example/",
            "https://app.example.com/in#x",
            "https://*.example.com/in",
            "https://bücher.example/in",
            "https://APP.example.com/in",
            "https://app.example.com\\@evil.example/",
            "https://app.example.com/ in",
            "https://app.example.com/\nin",
            "https:///in",
            "https://:443/in",
            "https://a:0/in",
            "https://a:99999/in",
            "https://a:+1/in",
            "https://..example/in",
            "http://app.example.com/in",
            "http://127.0.0.1.evil.example/in",
            "http://localhost.evil.example/in",
            "http://127.0.0.1@evil.example/in",
            "com.example.app:in",
            "example:/in",
        ] {
            assert!(problem(bad, false).is_some(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_compared_letter_for_letter_but_for_the_port_of_this_machine() {
        let registered =
            ["https://app.example.com/in", "http://127.0.0.1/in", "http://[::1]:9/in", "http://localhost:80/in"]
                .map(str::to_owned);
        for good in ["https://app.example.com/in", "http://127.0.0.1:41234/in", "http://[::1]/in", "http://[::1]:8/in"]
        {
            assert!(is_registered(good, &registered), "{good}");
        }
        for bad in [
            "https://app.example.com/in/",
            "https://app.example.com/in?x=1",
            "https://app.example.com/in/../evil",
            "https://app.example.com:443/in",
            "https://app.example.com:444/in",
            "HTTPS://app.example.com/in",
            "https://app.example.com/IN",
            "https://app.example.com/in#x",
            "https://app.example.com@evil.example/in",
            "http://127.0.0.1:41234/in2",
            "http://127.0.0.1:41234/in?x",
            "http://127.0.0.1:x/in",
            "http://127.0.0.1:1@evil.example/in",
            "https://127.0.0.1:41234/in",
            "http://127.0.0.2/in",
            "http://localhost:81/in",
            "",
        ] {
            assert!(!is_registered(bad, &registered), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_added_to_what_an_address_has() {
        assert_eq!(with("https://a/in", &[("code", "a b&c"), ("state", "")]), "https://a/in?code=a%20b%26c");
        assert_eq!(with("https://a/in?x=1", &[("code", "ü"), ("state", "s")]), "https://a/in?x=1&code=%C3%BC&state=s");
        assert_eq!(origin("https://a:1/in?x"), "https://a:1");
        assert_eq!(origin("https://a?x=/y"), "https://a");
        assert_eq!(origin("com.example.app:/in"), "com.example.app:");
    }
}
