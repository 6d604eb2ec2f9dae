//! Where people come back to from a provider: pages and applications that the settings name, each as it is (RFC 9700 section 2.1).

use mainstay_runtime::process::is_loopback;
use url::Url;

/// Longest address.
pub(crate) const MAX_BYTES: usize = 2048;

/// The addresses that the settings name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Redirects(Vec<String>);

/// Says why nobody comes back to an address, as a clause after the setting's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "has an address that nobody comes back to: {0}; write https://app.example.org/signed-in, or com.example.app:/signed-in for an application on a telephone"
)]
pub(crate) struct NotARedirect(&'static str);

impl Redirects {
    /// Takes the addresses of the settings.
    pub(crate) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Redirects, NotARedirect> {
        let checked = texts.into_iter().map(|text| check(text).map(|()| text.to_owned()));
        checked.collect::<Result<_, _>>().map(Redirects)
    }

    /// Finds the address that is asked for, the same in every character; the only one where none is.
    pub(crate) fn find(&self, wanted: &str) -> Option<&str> {
        match (wanted, self.0.as_slice()) {
            ("", [only]) => Some(only),
            (wanted, all) => all.iter().find(|known| *known == wanted).map(String::as_str),
        }
    }
}

/// Checks one of the settings. What a request asks for is compared, and not judged.
fn check(text: &str) -> Result<(), NotARedirect> {
    let refuse = |why| Err(NotARedirect(why));
    if text.len() > MAX_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse(
            "it is too long, or has characters that are not of ASCII (a host of another script is written as xn--…)",
        );
    }
    if text.contains(['\\', '<', '>', '"', '*']) {
        return refuse("it has a character that addresses do not have");
    }
    let Ok(url) = Url::parse(text) else { return refuse("it is no absolute address") };
    if url.fragment().is_some() {
        return refuse("it has a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it has a user before its host");
    }
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" if !host.is_empty() => Ok(()),
        "http" if is_loopback(host) => Ok(()),
        "http" => refuse("http is for this machine alone"),
        // A private-use scheme is a domain of its owner's, backwards (RFC 8252 section 7.1): no `javascript:` is one.
        scheme if scheme.contains('.') && text.len() > scheme.len() + 1 => Ok(()),
        _ => refuse("its scheme is not https"),
    }
}
