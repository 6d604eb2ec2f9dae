//! Which lane a read runs in: of a list decided once per shape from the condition, the order and the indexes.

use mainstay_contract::{Index, IndexRows, Resource};
use mainstay_db::Lane;
use mainstay_expr::{CompareOp, Expr};
use mainstay_sql::OrderColumn;

/// The longest page that runs inline, in rows: beyond it the page itself takes too long.
pub const MAX_INLINE_ROWS: usize = 100;

/// The lane for reading so many rows, each of which is found at once.
pub fn lane_for(rows: usize) -> Lane {
    if rows <= MAX_INLINE_ROWS { Lane::Inline } else { Lane::Heavy }
}

/// Says whether an index gives the rows of this list one after the other: every condition is an equality on its leading
/// columns, or a bound on the first column after those, and the order follows it. Then a page costs its rows and no more; and
/// rows that are deleted, where it steps over such: a list that meets many proves slow, and leaves the lane by itself.
pub fn is_index_ordered(
    resource: &Resource,
    rows: IndexRows,
    (conditions, fixed): (&[&Expr], &[usize]),
    order: &[OrderColumn],
) -> bool {
    // What is compared by its beginning alone stands in no index like that.
    if order.iter().any(|column| column.prefix.is_some()) {
        return false;
    }
    let mut equal = fixed.to_vec();
    let mut bounded = Vec::new();
    for condition in conditions {
        if !collect(condition, &mut equal, &mut bounded) {
            return false;
        }
    }
    let wanted: Vec<OrderColumn> = order.iter().filter(|column| !equal.contains(&column.index)).copied().collect();
    if bounded.iter().any(|index| wanted.first().is_none_or(|first| first.index != *index)) {
        return false;
    }
    let keys: Vec<(usize, bool)> = (0..resource.layout.keys()).map(|index| (index, false)).collect();
    let has_them = |index: &&Index| index.rows == IndexRows::All || index.rows == rows;
    let mut indexes = resource.indexes.iter().filter(|index| !index.unique && index.is_plain()).filter(has_them);
    serves(&keys, &keys, &equal, &wanted) || indexes.any(|index| serves(&index.columns, &keys, &equal, &wanted))
}

/// Collects the columns that a conjunction fixes or bounds; false where it says anything else.
fn collect(condition: &Expr, equal: &mut Vec<usize>, bounded: &mut Vec<usize>) -> bool {
    match condition {
        Expr::And(parts) => parts.iter().all(|part| collect(part, equal, bounded)),
        Expr::Compare { op, left, right } => {
            let (column, other) = match (&**left, &**right) {
                (Expr::Column { index, .. }, other) | (other, Expr::Column { index, .. }) => (*index, other),
                _ => return false,
            };
            if !other.columns().is_empty() {
                return false;
            }
            match op {
                CompareOp::Eq => equal.push(column),
                CompareOp::Ne => return false,
                CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => bounded.push(column),
            }
            true
        }
        other => other.constant() == Some(Some(true)),
    }
}

/// Says whether an index over `columns`, which ends in the key, begins with the fixed columns and goes on in the wanted
/// order, forwards or backwards.
fn serves(columns: &[(usize, bool)], keys: &[(usize, bool)], equal: &[usize], wanted: &[OrderColumn]) -> bool {
    let direction = columns.last().is_some_and(|(_, descending)| *descending);
    let tail = keys.iter().filter(|(key, _)| columns.iter().all(|(column, _)| column != key));
    let whole: Vec<(usize, bool)> = columns.iter().copied().chain(tail.map(|(key, _)| (*key, direction))).collect();
    let fixed = whole.iter().take_while(|(index, _)| equal.contains(index)).count();
    if equal.iter().any(|index| whole[..fixed].iter().all(|(column, _)| column != index)) {
        return false;
    }
    let rest = &whole[fixed..];
    let follows = |flip: bool| {
        rest.iter()
            .zip(wanted)
            .all(|((index, descending), want)| *index == want.index && (*descending != flip) == want.descending)
    };
    rest.len() >= wanted.len() && (follows(false) || follows(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rows_are_read_away_from_what_is_quick() {
        for (rows, lane) in
            [(0, Lane::Inline), (1, Lane::Inline), (100, Lane::Inline), (101, Lane::Heavy), (1000, Lane::Heavy)]
        {
            assert_eq!(lane_for(rows), lane, "{rows}");
        }
    }
}
