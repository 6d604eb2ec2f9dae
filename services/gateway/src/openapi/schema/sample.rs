//! Texts that match a pattern.

use regex_syntax::hir::{Class, Hir, HirKind};
use regex_syntax::parse;

/// A short text of at least so many characters, if it can be so long, that matches an RE2 expression; nothing where none is found.
pub fn matching(pattern: &str, least: usize) -> Option<String> {
    let hir = parse(pattern).ok()?;
    let shortest = written(&hir, 0)?;
    let missing = least.saturating_sub(shortest.chars().count());
    let longer = if missing > 0 { written(&hir, missing)? } else { shortest };
    Some(longer)
}

/// Writes what an expression matches, with so many characters more than needed where something repeats.
fn written(hir: &Hir, more: usize) -> Option<String> {
    let mut left = more;
    let mut text = String::new();
    put(hir, &mut left, &mut text)?;
    Some(text)
}

fn put(hir: &Hir, more: &mut usize, text: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => text.push(member(class)?),
        HirKind::Repetition(repetition) => {
            let least = repetition.min.max(u32::from(repetition.max != Some(0) && repetition.min == 0 && *more > 0));
            let room = repetition.max.map_or(u32::MAX, |most| most.saturating_sub(least));
            let wanted = u32::try_from(*more).unwrap_or(u32::MAX).min(room);
            *more -= usize::try_from(wanted).unwrap_or_default().min(*more);
            for _ in 0..least.saturating_add(wanted) {
                put(&repetition.sub, &mut 0, text)?;
            }
        }
        HirKind::Capture(capture) => put(&capture.sub, more, text)?,
        HirKind::Concat(parts) => {
            for part in parts {
                put(part, more, text)?;
            }
        }
        HirKind::Alternation(choices) => put(choices.first()?, more, text)?,
    }
    Some(())
}

/// A character of a class: a letter or a digit where it has one.
fn member(class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else { return None };
    let within = |wanted: char| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&wanted));
    let usual = ('a'..='z').chain('A'..='Z').chain('0'..='9').find(|usual| within(*usual));
    usual.or_else(|| class.ranges().first().map(|range| range.start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_for_usual_patterns() {
        for (pattern, least, text) in [
            ("^[A-Z0-9-]{3,32}$", 0, "AAA"),
            ("^[A-Z0-9-]{3,32}$", 6, "AAAAAA"),
            ("^(draft|final)-[0-9]+$", 0, "draft-0"),
            ("^[a-z]*$", 0, ""),
            ("^[a-z]*$", 4, "aaaaa"),
            ("x?", 0, ""),
        ] {
            assert_eq!(matching(pattern, least).as_deref(), Some(text), "{pattern}");
        }
        assert_eq!(matching("(", 0), None);
    }
}
