//! Values in addresses.

/// Writes a value into a query: everything that is not unreserved is percent-encoded (RFC 3986, section 2.3), but the slash, which a
/// query may have.
pub fn query(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
        text
    })
}
