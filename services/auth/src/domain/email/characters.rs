//! What the characters of an address may be.

use icu_properties::props::{BinaryProperty, DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization;

/// Characters that are no letters and stand in domain names all the same (RFC 5892 appendix A.3 to A.7).
const IN_CONTEXT: [char; 5] = ['\u{b7}', '\u{375}', '\u{5f3}', '\u{5f4}', '\u{30fb}'];

/// Characters that are not shown: joiners, fillers, selectors, controls of direction (UAX #44).
pub(super) fn is_default_ignorable(c: char) -> bool {
    !c.is_ascii() && holds::<DefaultIgnorableCodePoint>(c)
}

fn holds<P: BinaryProperty>(c: char) -> bool {
    CodePointSetData::new::<P>().contains(c)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Marks that go with the character before them.
pub(super) fn is_mark(c: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark, SpacingMark};
    matches!(category(c), NonspacingMark | SpacingMark | EnclosingMark)
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

/// What the parts of a dot-atom are made of. What Unicode has not assigned yet is refused: nobody knows how it folds.
pub(super) fn is_of_an_atom(c: char) -> bool {
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, SpaceSeparator, Surrogate, Unassigned,
    };
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    }
    !matches!(
        category(c),
        Control | Format | LineSeparator | ParagraphSeparator | PrivateUse | SpaceSeparator | Surrogate | Unassigned
    )
}

/// What domain names are made of: letters and digits of any script with their marks, and what stands between them.
pub(super) fn is_of_a_domain(c: char) -> bool {
    c == '-' || c.is_alphanumeric() || is_mark(c) || IN_CONTEXT.contains(&c)
}
