//! What a client's filter asks of every row.
//!
//! Its nodes count, each for about what it takes: a comparison for one, what looks through a text or for other rows for many.
//! How many rows there are is not counted: a list of a few is short whatever is asked of them, and leaves its place at once.

use mainstay_expr::{Expr, Over};

/// From this on a list is costly: it asks as much as a dozen wildcards do. Costly lists leave places to others.
pub const COSTLY: usize = 100;

/// Says whether a filter asks much of every row.
pub fn is_costly(filter: &Expr) -> bool {
    let mut cost = 0;
    filter.any_node(&mut |node| {
        cost += weight(node);
        cost >= COSTLY
    })
}

fn weight(node: &Expr) -> usize {
    match node {
        Expr::Exists { over: Over::Rows(_) | Over::Climb(_), .. } | Expr::Look { .. } => 16,
        Expr::TextMatch { .. } | Expr::Matches { .. } | Expr::Exists { .. } | Expr::Sum { .. } => 6,
        Expr::Json { .. } | Expr::AsciiCase { .. } | Expr::Concat(_) | Expr::Size { .. } => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use mainstay_expr::{CompareOp, Root, TextOp};
    use mainstay_record::Kind;

    use super::*;

    fn column() -> Expr {
        Expr::column(Root::Resource, 0, Kind::Text)
    }

    #[test]
    fn a_dozen_wildcards_cost_much_and_a_dozen_comparisons_do_not() {
        let equal = || Expr::compare(CompareOp::Eq, column(), Expr::text("a"));
        let like = || Expr::TextMatch { op: TextOp::Contains, text: column().into(), pattern: Expr::text("a").into() };
        let all = |one: &dyn Fn() -> Expr, count: usize| Expr::And((0..count).map(|_| one()).collect());
        assert!(!is_costly(&Expr::TRUE));
        assert!(!is_costly(&all(&equal, 12)));
        assert!(!is_costly(&all(&like, 4)));
        assert!(is_costly(&all(&like, 13)));
        assert!(is_costly(&all(&equal, 190)));
    }
}
