//! Places in a text, as the three who speak of them count: bytes, characters, and the UTF-16 units of editors.

use std::ops::Range;

use mainstay_contract::Place;
use tower_lsp_server::ls_types;

/// A text, with where its lines begin.
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub fn of(text: &'t str) -> Lines<'t> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { text, starts }
    }

    /// Line `index`, counted from 0, without what ends it; the empty one behind the text for whatever is beyond.
    fn line(&self, index: usize) -> (usize, &'t str) {
        let start = self.starts.get(index).copied().unwrap_or(self.text.len());
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        (start, self.text[start..end].trim_end_matches(['\n', '\r']))
    }

    /// The byte at a place; the end of the line where the line has no such place.
    pub fn offset(&self, position: ls_types::Position) -> usize {
        let (start, line) = self.line(position.line as usize);
        let mut units = 0;
        let within = line.char_indices().find(|(_, c)| {
            let here = units;
            units += c.len_utf16();
            here >= position.character as usize
        });
        start + within.map_or(line.len(), |(at, _)| at)
    }

    fn position(&self, offset: usize) -> ls_types::Position {
        let index = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let (start, line) = self.line(index);
        let within = line.get(..offset.saturating_sub(start)).unwrap_or(line);
        at(index, within.encode_utf16().count())
    }

    pub fn range(&self, range: &Range<usize>) -> ls_types::Range {
        ls_types::Range { start: self.position(range.start), end: self.position(range.end) }
    }

    /// Columns of a line, both counted from 1 and in characters.
    pub fn columns(&self, line: u32, columns: Range<u32>) -> ls_types::Range {
        let index = (line as usize).saturating_sub(1);
        let (_, text) = self.line(index);
        let units = |column: u32| text.chars().take((column as usize).saturating_sub(1)).map(char::len_utf16).sum();
        ls_types::Range { start: at(index, units(columns.start)), end: at(index, units(columns.end)) }
    }

    /// The place of a byte, as the contract tells places.
    pub fn place(&self, file: &str, offset: usize) -> Place {
        let index = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.starts.get(index).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default().chars().count();
        Place { file: file.to_owned(), line: number(index + 1), column: number(before + 1) }
    }
}

fn at(line: usize, character: usize) -> ls_types::Position {
    ls_types::Position { line: number(line), character: number(character) }
}

/// Texts have less than 4 GiB.
fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_count_twice_is_one_character_to_the_contract() {
        let text = "a\r\n\u{1f600}é x\n";
        let lines = Lines::of(text);
        // The face is two units, one character, four bytes.
        assert_eq!(lines.offset(at(1, 2)), 3 + 4);
        assert_eq!(lines.position(3 + 4), at(1, 2));
        assert_eq!(lines.columns(2, 2..3), ls_types::Range { start: at(1, 2), end: at(1, 3) });
        assert_eq!(lines.place("f", 3 + 4), Place { file: "f".to_owned(), line: 2, column: 2 });
    }

    #[test]
    fn places_beyond_the_text_are_its_end() {
        let lines = Lines::of("ab\ncd");
        assert_eq!(lines.offset(at(0, 9)), 2);
        assert_eq!(lines.offset(at(7, 1)), 5);
        assert_eq!(lines.position(99), at(1, 2));
        assert_eq!(lines.columns(9, 1..2).start, at(8, 0));
    }
}
