//! Expressions over rows that are found: where the looks at them stand.

use std::collections::BTreeSet;

use crate::ir::{Expr, Over};
use crate::row::{Root, Row};

impl Expr {
    /// A look at a row. Within one no other look at the same row is needed.
    pub fn look(row: Row, then: Expr) -> Expr {
        Expr::Look { then: Box::new(then.seeing(&row)), row }
    }

    /// Looks at every row that the expression reads without one: it is NULL as a whole where one of them is not there, as
    /// what is computed from a key that a map lacks. To be done around what is strict, and within `&&`, `||`, `!` and `?:`.
    #[must_use]
    pub fn bound(self) -> Expr {
        let mut free = BTreeSet::new();
        collect_free(&self, &mut Vec::new(), &mut free);
        // What is found from a row comes after it, and its look stands within that at the row.
        free.into_iter().rev().fold(self, |expr, row| Expr::look(row, expr))
    }

    /// The same of the rows that are found from what the quantifier of a level goes over, for what is said within it.
    #[must_use]
    pub(crate) fn bound_within(self, level: u8) -> Expr {
        let mut free = BTreeSet::new();
        collect_free(&self, &mut Vec::new(), &mut free);
        let own = free.into_iter().rev().filter(|row| row.root == Root::Bound(level));
        own.fold(self, |expr, row| Expr::look(row, expr))
    }

    /// A constant that is said of what another expression reads: where that lies in a row that is found, it is NULL where
    /// the row is not there.
    pub(crate) fn said_of(read: &Expr, constant: bool) -> Expr {
        let mut free = BTreeSet::new();
        collect_free(read, &mut Vec::new(), &mut free);
        let constant = if constant { Expr::TRUE } else { Expr::FALSE };
        free.into_iter().rev().fold(constant, |expr, row| Expr::look(row, expr))
    }

    /// The rows that the expression looks at from the records in hand, each after those on the way to it.
    pub fn looks(&self) -> BTreeSet<Row> {
        self.looks_from(Root::is_in_hand)
    }

    /// The same from the element that is `this`.
    pub fn looks_from_element(&self) -> BTreeSet<Row> {
        self.looks_from(|root| root == Root::Bound(0))
    }

    fn looks_from(&self, is_meant: impl Fn(Root) -> bool) -> BTreeSet<Row> {
        let mut rows = BTreeSet::new();
        self.any_node(&mut |node| {
            match node {
                Expr::Look { row, .. } if is_meant(row.root) => {
                    rows.insert(row.clone());
                }
                _ => {}
            }
            false
        });
        rows
    }

    /// The same expression where what was the record `from` is the row `to`, of the same layout. It stands by itself: nothing
    /// in it belongs to a quantifier around it.
    #[must_use]
    pub fn moved(self, from: Root, to: &Row) -> Expr {
        match self {
            Expr::Column { row, index, kind } => Expr::Column { row: row.moved(from, to), index, kind },
            Expr::Look { row, then } => Expr::Look { row: row.moved(from, to), then: Box::new(then.moved(from, to)) },
            Expr::Element { level, kind } => Expr::Element { level: level.saturating_add(to.levels()), kind },
            Expr::Exists { level, over, holds } => {
                let inner = Expr::Exists { level: level.saturating_add(to.levels()), over, holds };
                inner.map_children(&mut |child| child.moved(from, to))
            }
            Expr::Sum { level, list, keep, value, within } => {
                let inner = Expr::Sum { level: level.saturating_add(to.levels()), list, keep, value, within };
                inner.map_children(&mut |child| child.moved(from, to))
            }
            other => other.map_children(&mut |child| child.moved(from, to)),
        }
    }

    /// The same expression where every row that it looks at, or quantifies over, must also pass the rule of its table, if
    /// that has one. A rule is over `Root::Resource`, and looks further as it likes.
    #[must_use]
    pub fn under(self, rule: &impl Fn(usize) -> Option<Expr>) -> Expr {
        match self {
            Expr::Look { row, then } => {
                let own = row.table().and_then(rule).map(|rule| rule.moved(Root::Resource, &row));
                let then = then.under(rule);
                let whole = match own {
                    Some(own) => Expr::And(vec![own, then]),
                    None => then,
                };
                Expr::look(row, whole)
            }
            Expr::Exists { level, over: Over::Rows(table), holds } => {
                let holds = holds.under(rule);
                let bound = Row::of(Root::Bound(level));
                let holds = match rule(table).map(|rule| rule.moved(Root::Resource, &bound)) {
                    // What is not known to pass is not there, and nothing is known of it.
                    Some(own) => Expr::And(vec![Expr::Coalesce(Box::new(own), Box::new(Expr::FALSE)), holds]),
                    None => holds,
                };
                Expr::Exists { level, over: Over::Rows(table), holds: Box::new(holds) }
            }
            other => other.map_children(&mut |child| child.under(rule)),
        }
    }

    /// The same expression within a look at the row.
    pub(crate) fn seeing(self, row: &Row) -> Expr {
        match self {
            Expr::Look { row: known, then } if known == *row => then.seeing(row),
            other => other.map_children(&mut |child| child.seeing(row)),
        }
    }
}

fn collect_free(expr: &Expr, seen: &mut Vec<Row>, free: &mut BTreeSet<Row>) {
    if let Some((level, outside, within)) = expr.quantified() {
        outside.into_iter().for_each(|child| collect_free(child, seen, free));
        let mut inside = BTreeSet::new();
        within.into_iter().for_each(|child| collect_free(child, seen, &mut inside));
        return free.extend(inside.into_iter().filter(|row| row.root != Root::Bound(level)));
    }
    let (Expr::Column { row, .. } | Expr::Look { row, .. }) = expr else {
        return expr.children().into_iter().for_each(|child| collect_free(child, seen, free));
    };
    let is_look = matches!(expr, Expr::Look { .. });
    let is_seen = |on_the_way: &Row| seen.contains(on_the_way) || (is_look && on_the_way == row);
    free.extend(row.way().filter(|on_the_way| !is_seen(on_the_way)));
    seen.push(row.clone());
    expr.children().into_iter().for_each(|child| collect_free(child, seen, free));
    seen.pop();
}
