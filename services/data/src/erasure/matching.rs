//! Texts that match a pattern.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::noise::Noise;

/// How often something is repeated of which there may be any number.
const ROOM: u32 = 8;

/// The longest text that is made.
const MAX_BYTES: usize = 512;

/// Makes a text that matches a pattern, in most cases: whoever wants to know tries it. `roomy` repeats what may be repeated, so that
/// texts of different noise differ; else they are as short as they can be.
pub fn matching(pattern: &str, noise: &mut Noise, roomy: bool) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut out = Vec::new();
    put(&hir, noise, roomy, &mut out)?;
    String::from_utf8(out).ok()
}

fn put(hir: &Hir, noise: &mut Noise, roomy: bool, out: &mut Vec<u8>) -> Option<()> {
    if out.len() > MAX_BYTES {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
        HirKind::Class(class) => {
            let sign = one_of(class, noise)?;
            out.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
        }
        HirKind::Repetition(Repetition { min, max, sub, .. }) => {
            let room = max.unwrap_or(u32::MAX).min(ROOM).max(*min);
            for _ in 0..if roomy { room } else { *min } {
                put(sub, noise, roomy, out)?;
            }
        }
        HirKind::Capture(capture) => put(&capture.sub, noise, roomy, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                put(part, noise, roomy, out)?;
            }
        }
        HirKind::Alternation(parts) => put(parts.first()?, noise, roomy, out)?,
    }
    Some(())
}

/// A letter or digit of a class where it has some, else its first sign.
fn one_of(class: &Class, noise: &mut Noise) -> Option<char> {
    let is_in = |sign: char| match class {
        Class::Unicode(class) => class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&sign)),
        Class::Bytes(class) => u8::try_from(sign)
            .is_ok_and(|sign| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&sign))),
    };
    let plain: Vec<char> = ('0'..='9').chain('a'..='z').chain('A'..='Z').filter(|sign| is_in(*sign)).collect();
    if !plain.is_empty() {
        return Some(plain[noise.below(plain.len())]);
    }
    match class {
        Class::Unicode(class) => class.ranges().first().map(regex_syntax::hir::ClassUnicodeRange::start),
        Class::Bytes(class) => class.ranges().first().map(|range| char::from(range.start())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_matches() {
        let patterns = [
            "^[A-Z0-9-]{3,32}$",
            r"^\+[1-9]\d{1,14}$",
            r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
            "^(DE|FR)[0-9]{9}$",
            r"^\p{Lu}\p{Ll}+$",
            "^$",
        ];
        for pattern in patterns {
            for roomy in [true, false] {
                let made = matching(pattern, &mut Noise::of(&[b"a"]), roomy).unwrap();
                assert!(regex::Regex::new(pattern).unwrap().is_match(&made), "{pattern}: {made}");
            }
        }
    }

    #[test]
    fn it_differs_where_there_is_room() {
        let [one, other] =
            [b"a", b"b"].map(|seed| matching("^[A-Z0-9]{3,32}$", &mut Noise::of(&[seed]), true).unwrap());
        assert_ne!(one, other);
    }
}
