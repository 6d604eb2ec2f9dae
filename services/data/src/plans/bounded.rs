//! What of a text decides its place in a list: so much that a page token can carry the place behind any row.

use mainstay_contract::Resource;
use mainstay_record::Kind;
use mainstay_sql::OrderColumn;

/// How many characters all texts of an order together are compared by, where no index bounds them.
pub const ORDERED_CHARS: usize = 1_024;

/// What is left of these for the other texts of an order, some of which an index bounds (see
/// [`mainstay_sql::MAX_INDEXED_BYTES`]).
const BESIDE_AN_INDEX: usize = ORDERED_CHARS / 2;

/// Lets texts that have no bound be compared by their beginnings. A text of an index is compared whole, because it is
/// short, and so that the index serves the order; so is the key.
pub fn bound(resource: &Resource, order: &mut [OrderColumn]) {
    let is_text = |index: usize| {
        let column = resource.layout.columns.get(index);
        index >= resource.layout.keys() && column.is_some_and(|column| matches!(column.kind, Kind::Text | Kind::Bytes))
    };
    let texts: Vec<usize> = order.iter().map(|column| column.index).filter(|index| is_text(*index)).collect();
    let Some(first) = texts.first() else { return };
    let holds = |columns: &[(usize, bool)], text: &usize| columns.iter().any(|(column, _)| column == text);
    let covered = |columns: &[(usize, bool)]| texts.iter().filter(|text| holds(columns, text)).count();
    let plain = resource.indexes.iter().filter(|index| index.is_plain());
    let indexes = plain.map(|index| index.columns.as_slice()).filter(|columns| holds(columns, first));
    let whole = indexes.max_by_key(|columns| covered(columns)).unwrap_or_default();
    let chars = if whole.is_empty() { ORDERED_CHARS } else { BESIDE_AN_INDEX };
    let share = chars / (texts.len() - covered(whole)).max(1);
    for column in order.iter_mut().filter(|column| is_text(column.index) && !holds(whole, &column.index)) {
        column.prefix = u32::try_from(share).ok();
    }
}
