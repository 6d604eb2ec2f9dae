//! How a revision is written as an etag: 16 lower-case hexadecimal digits.

const DIGITS: usize = 16;

/// Writes a revision as an etag.
pub fn etag_text(revision: i64) -> String {
    format!("{revision:0DIGITS$x}")
}

/// The revision that an etag stands for; nothing where it is none that was ever written.
pub fn etag_revision(etag: &str) -> Option<i64> {
    let digits = etag.len() == DIGITS && etag.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if digits { u64::from_str_radix(etag, 16).ok().map(u64::cast_signed) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_reads_back_and_has_one_spelling() {
        for revision in [0, 1, 255, 1_700_000_000_000_000, i64::MAX, -1, i64::MIN] {
            let etag = etag_text(revision);
            assert_eq!((etag.len(), etag_revision(&etag)), (DIGITS, Some(revision)));
        }
        for other in ["", "1", "000000000000000g", "00000000000000FF", "+0000000000000ff", "00000000000000ff0"] {
            assert_eq!(etag_revision(other), None, "{other}");
        }
    }
}
