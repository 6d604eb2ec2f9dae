//! What of a row has to lie in one page of PostgreSQL, whichever engine it is stored by: what is stored by one can be moved
//! to the other.
//!
//! Long values are moved out of the row and leave a pointer of 18 bytes; short ones stay. A table of hundreds of texts so has
//! rows that no page holds, however short each text is.

use crate::{Kind, Layout, Value};

/// The most bytes that a row takes in its page of 8 KiB, beside what the page itself needs.
pub const MAX_ROW_BYTES: usize = 8_160;

/// What stands before the values: the fixed part, without the bits that say which values are NULL.
const HEADER_BYTES: usize = 23;
/// Numbers begin at a multiple of this.
const ALIGNMENT: usize = 8;
/// A text up to this long stays in its row.
const SHORT_BYTES: usize = 20;
/// What is left in the row of a longer one.
const POINTER_BYTES: usize = 18;
/// The most that a text leaves in its row: a length of one byte, and a short text.
const TEXT_BYTES: usize = 1 + SHORT_BYTES;

/// The least that a row takes in its page.
pub fn row_bytes(row: &[Value]) -> usize {
    row.iter().fold(header(row.len()), |at, value| match value {
        Value::Null => at,
        Value::Bool(_) => at + 1,
        Value::Int(_) | Value::Double(_) | Value::Timestamp(_) => at.next_multiple_of(ALIGNMENT) + ALIGNMENT,
        Value::Text(text) => at + long(text.len()),
        Value::Bytes(bytes) => at + long(bytes.len()),
        // As it is stored it is another length than its text.
        Value::Json(_) => at + TEXT_BYTES,
    })
}

/// The least that the largest row of a table takes in its page.
pub fn largest_row_bytes(layout: &Layout) -> usize {
    layout.columns.iter().fold(header(layout.columns.len()), |at, column| match column.kind {
        Kind::Bool => at + 1,
        Kind::Int | Kind::Double | Kind::Timestamp => at.next_multiple_of(ALIGNMENT) + ALIGNMENT,
        Kind::Text | Kind::Bytes | Kind::Json => at + TEXT_BYTES,
    })
}

fn header(columns: usize) -> usize {
    (HEADER_BYTES + columns.div_ceil(8)).next_multiple_of(ALIGNMENT)
}

fn long(bytes: usize) -> usize {
    if bytes <= SHORT_BYTES { 1 + bytes } else { POINTER_BYTES }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, NumberPath, Role};

    fn layout(kinds: &[Kind]) -> Layout {
        let column = |kind: &Kind| Column {
            name: String::new(),
            field: String::new(),
            path: NumberPath::default(),
            role: Role::Field,
            kind: *kind,
            nullable: false,
        };
        Layout { columns: kinds.iter().map(column).collect() }
    }

    #[test]
    fn no_row_is_larger_than_the_largest() {
        let kinds = [Kind::Bool, Kind::Int, Kind::Text, Kind::Bool, Kind::Double, Kind::Json, Kind::Timestamp];
        let text = |length| Value::Text("x".repeat(length));
        for length in [0, 1, 19, 20, 21, 22, 31, 32, 1_000_000] {
            let row = [
                Value::Bool(true),
                Value::Int(1),
                text(length),
                Value::Bool(false),
                Value::Double(0.5),
                Value::Json("[]".to_owned()),
                Value::Timestamp(1),
            ];
            assert!(row_bytes(&row) <= largest_row_bytes(&layout(&kinds)), "{length}");
        }
        assert_eq!(row_bytes(&[Value::Null, Value::Null]), 24);
    }

    #[test]
    fn hundreds_of_short_texts_are_more_than_a_page() {
        let row = |count: usize, length: usize| row_bytes(&vec![Value::Text("x".repeat(length)); count]);
        assert!(row(385, 20) <= MAX_ROW_BYTES && row(386, 20) > MAX_ROW_BYTES);
        assert!(row(448, 1_000) <= MAX_ROW_BYTES && row(449, 1_000) > MAX_ROW_BYTES);
        assert!(row(500, 15) <= MAX_ROW_BYTES);
        assert!(largest_row_bytes(&layout(&[Kind::Int; 500])) <= MAX_ROW_BYTES);
    }
}
