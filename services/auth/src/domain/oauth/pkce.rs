//! Proof Key for Code Exchange (RFC 7636), by which a code is worth something only to whoever has asked for it. Of its methods
//! there is `S256` alone: `plain` protects from nobody who reads the request.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

/// The one method.
pub const METHOD: &str = "S256";

/// Whether a text is a SHA-256 as base64url without padding, as `S256` makes it (section 4.2).
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Whether a challenge was made of a verifier: 43 to 128 unreserved characters (section 4.1). Takes the same time for every one.
pub fn proves(verifier: &str, challenge: &str) -> bool {
    let signs = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(signs) {
        return false;
    }
    let made = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    made.as_bytes().ct_eq(challenge.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{is_challenge, proves};

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_verifier_of_the_standard_proves_its_challenge_and_nothing_else_does() {
        assert!(is_challenge(CHALLENGE) && proves(VERIFIER, CHALLENGE));
        let long = "a".repeat(129);
        for wrong in ["", CHALLENGE, &VERIFIER[..42], &VERIFIER.replace('d', "e"), &format!("{VERIFIER}!"), &long] {
            assert!(!proves(wrong, CHALLENGE), "{wrong}");
        }
        for wrong in ["", "plain", &CHALLENGE[..42], &format!("{CHALLENGE}="), VERIFIER.trim_end_matches('k')] {
            assert!(!is_challenge(wrong), "{wrong}");
        }
    }
}
