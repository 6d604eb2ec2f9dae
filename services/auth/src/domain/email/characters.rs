//! What the characters of an address may be.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization;

/// Characters that are no letters and stand between them all the same (RFC 5892 appendix A.3 to A.7).
const IN_CONTEXT: [char; 5] = ['\u{b7}', '\u{375}', '\u{5f3}', '\u{5f4}', '\u{30fb}'];

/// Letters, marks and signs that are shown as nothing and are not ignorable by name: blanks and fillers of scripts.
const BLANKS: [char; 5] = ['\u{2800}', '\u{13441}', '\u{13442}', '\u{16fe4}', '\u{1d159}'];

/// Characters that nobody sees: joiners, fillers, selectors, controls of direction (UAX #44), and blanks.
pub(in crate::domain) fn is_invisible(c: char) -> bool {
    !c.is_ascii() && (CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) || BLANKS.contains(&c))
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Marks that go with the character before them, and are part of a script.
pub(in crate::domain) fn is_mark(c: char) -> bool {
    matches!(category(c), GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark)
}

/// Maps the wide and the narrow forms of East Asian keyboards to the usual ones.
pub(super) fn widths_mapped(text: &str) -> String {
    let mut mapped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{ff61}' => mapped.push(c),
            '\u{ff01}'..='\u{ffee}' => mapped.extend(std::iter::once(c).nfkc()),
            _ => mapped.push(c),
        }
    }
    mapped
}

/// Whether a character means ASCII characters and is none, after case and width are folded.
pub(super) fn stands_for_ascii(c: char) -> bool {
    !c.is_ascii() && std::iter::once(c).nfkc().any(|meant| meant.is_ascii())
}

/// What the parts of a dot-atom are made of: the signs of RFC 5322 §3.2.3, and what names of any script are made of.
pub(super) fn is_of_an_atom(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) } else { is_of_a_name(c) }
}

/// What domain names are made of.
pub(super) fn is_of_a_domain(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '-' } else { is_of_a_name(c) }
}

/// Letters and digits with their marks, and what stands between them (RFC 8264 §4.2). What Unicode has not assigned yet is
/// refused: nobody knows how it folds.
fn is_of_a_name(c: char) -> bool {
    let is_letter = c.is_alphanumeric() && category(c) != GeneralCategory::Unassigned;
    is_letter || is_mark(c) || IN_CONTEXT.contains(&c)
}
