//! Walks through an expression.

use std::collections::BTreeSet;

use crate::ir::{Climb, Expr, Over};
use crate::row::{Root, Row};

impl Over {
    fn children(&self) -> Vec<&Expr> {
        match self {
            Over::List(of) => vec![of],
            Over::Rows(_) => Vec::new(),
            Over::Climb(climb) => climb.start.iter().collect(),
        }
    }

    /// Rebuilds it with `f` applied to each expression in it.
    pub fn map(self, f: &mut impl FnMut(Expr) -> Expr) -> Over {
        match self {
            Over::List(of) => Over::List(Box::new(f(*of))),
            Over::Climb(climb) => Over::Climb(Climb { start: climb.start.into_iter().map(f).collect(), ..climb }),
            Over::Rows(table) => Over::Rows(table),
        }
    }

    /// The table whose rows it goes over.
    pub fn table(&self) -> Option<usize> {
        match self {
            Over::List(_) => None,
            Over::Rows(table) | Over::Climb(Climb { table, .. }) => Some(*table),
        }
    }
}

impl Expr {
    /// The direct sub-expressions.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Literal(_)
            | Expr::Column { .. }
            | Expr::Auth(_)
            | Expr::Now { .. }
            | Expr::Atom(_)
            | Expr::Element { .. } => Vec::new(),
            Expr::Json { of, key, .. } => vec![of, key],
            Expr::Exists { over, holds, .. } => over.children().into_iter().chain([&**holds]).collect(),
            Expr::Not(of)
            | Expr::IsNull(of)
            | Expr::AsciiCase { of, .. }
            | Expr::Size { of, .. }
            | Expr::Look { then: of, .. } => vec![of],
            Expr::And(list) | Expr::Or(list) | Expr::Concat(list) => list.iter().collect(),
            Expr::If { condition, then, otherwise } => vec![condition, then, otherwise],
            Expr::Coalesce(first, second) => vec![first, second],
            Expr::Compare { left, right, .. } => vec![left, right],
            Expr::TextMatch { text, pattern, .. } => vec![text, pattern],
            Expr::Matches { text, .. } => vec![text],
            Expr::Arithmetic { left, right, .. } => vec![left, right],
            Expr::Micros(of) | Expr::DateOf(of) => vec![of],
            Expr::Sum { list, keep, value, .. } => vec![list, keep, value],
        }
    }

    /// Rebuilds the expression with `f` applied to each direct sub-expression.
    pub fn map_children(self, f: &mut impl FnMut(Expr) -> Expr) -> Expr {
        let mut boxed = |e: Box<Expr>| Box::new(f(*e));
        match self {
            Expr::Json { of, key, kind } => Expr::Json { of: boxed(of), key: boxed(key), kind },
            Expr::Exists { level, over, holds } => {
                Expr::Exists { level, over: over.map(f), holds: Box::new(f(*holds)) }
            }
            Expr::Look { row, then } => Expr::Look { row, then: boxed(then) },
            Expr::Not(of) => Expr::Not(boxed(of)),
            Expr::IsNull(of) => Expr::IsNull(boxed(of)),
            Expr::AsciiCase { upper, of } => Expr::AsciiCase { upper, of: boxed(of) },
            Expr::Size { of, measure } => Expr::Size { of: boxed(of), measure },
            Expr::And(list) => Expr::And(list.into_iter().map(f).collect()),
            Expr::Or(list) => Expr::Or(list.into_iter().map(f).collect()),
            Expr::Concat(list) => Expr::Concat(list.into_iter().map(f).collect()),
            Expr::If { condition, then, otherwise } => {
                Expr::If { condition: boxed(condition), then: boxed(then), otherwise: boxed(otherwise) }
            }
            Expr::Coalesce(first, second) => Expr::Coalesce(boxed(first), boxed(second)),
            Expr::Compare { op, left, right } => Expr::Compare { op, left: boxed(left), right: boxed(right) },
            Expr::TextMatch { op, text, pattern } => Expr::TextMatch { op, text: boxed(text), pattern: boxed(pattern) },
            Expr::Matches { text, pattern } => Expr::Matches { text: boxed(text), pattern },
            Expr::Arithmetic { op, left, right, within } => {
                Expr::Arithmetic { op, left: boxed(left), right: boxed(right), within }
            }
            Expr::Micros(of) => Expr::Micros(boxed(of)),
            Expr::DateOf(of) => Expr::DateOf(boxed(of)),
            Expr::Sum { level, list, keep, value, within } => {
                Expr::Sum { level, list: boxed(list), keep: boxed(keep), value: boxed(value), within }
            }
            leaf @ (Expr::Literal(_)
            | Expr::Column { .. }
            | Expr::Auth(_)
            | Expr::Now { .. }
            | Expr::Atom(_)
            | Expr::Element { .. }) => leaf,
        }
    }

    /// Whether the test holds for the expression or one below it.
    pub fn any_node(&self, test: &mut impl FnMut(&Expr) -> bool) -> bool {
        test(self) || self.children().into_iter().any(|child| child.any_node(test))
    }

    /// How many nodes it has.
    pub(crate) fn nodes(&self) -> usize {
        1 + self.children().into_iter().map(Expr::nodes).sum::<usize>()
    }

    /// How many quantifiers and sums stand in one another.
    pub(crate) fn nested_quantifiers(&self) -> usize {
        let own = usize::from(matches!(self, Expr::Exists { .. } | Expr::Sum { .. }));
        own + self.children().into_iter().map(Expr::nested_quantifiers).max().unwrap_or(0)
    }

    /// How deep its nodes lie in one another.
    pub(crate) fn depth(&self) -> usize {
        1 + self.children().into_iter().map(Expr::depth).max().unwrap_or(0)
    }

    /// The columns of the records in hand that the expression reads, be it to find other rows.
    pub fn columns(&self) -> BTreeSet<(Root, usize)> {
        let mut columns = BTreeSet::new();
        self.any_node(&mut |node| {
            match node {
                Expr::Column { row, index, .. } if row.is_in_hand() => {
                    columns.insert((row.root, *index));
                }
                Expr::Look { row, .. } if row.root.is_in_hand() => {
                    let first = row.hops.iter().take(1).flat_map(|relation| &relation.columns);
                    columns.extend(first.map(|index| (row.root, *index)));
                }
                _ => {}
            }
            false
        });
        columns
    }

    /// Whether the expression needs nothing but the caller: no row, no time.
    pub fn uses_only_auth(&self) -> bool {
        !self.any_node(&mut |node| match node {
            Expr::Column { .. } | Expr::Look { .. } | Expr::Now { .. } | Expr::Atom(_) => true,
            Expr::Exists { over, .. } => over.table().is_some(),
            _ => false,
        })
    }

    /// Whether the expression says the same wherever it stands: it names nothing that a quantifier around it goes over.
    pub(crate) fn is_closed(&self) -> bool {
        is_closed(self, &mut Vec::new())
    }

    /// Of a quantifier or sum its level, what says over which elements or rows it goes, and what it says of each: only in
    /// the latter does its level name them.
    pub(crate) fn quantified(&self) -> Option<(u8, Vec<&Expr>, Vec<&Expr>)> {
        match self {
            Expr::Exists { level, over, holds } => Some((*level, over.children(), vec![holds])),
            Expr::Sum { level, list, keep, value, .. } => Some((*level, vec![list], vec![keep, value])),
            _ => None,
        }
    }

    /// Whether the expression names what the quantifier of this level around it goes over.
    pub(crate) fn names_level(&self, level: u8) -> bool {
        let names = |of: Vec<&Expr>| of.into_iter().any(|child| child.names_level(level));
        if let Some((own, over, said)) = self.quantified() {
            return names(over) || (own != level && names(said));
        }
        match self {
            Expr::Element { level: own, .. } => *own == level,
            Expr::Column { row, .. } => row.root == Root::Bound(level),
            Expr::Look { row, then } => row.root == Root::Bound(level) || then.names_level(level),
            other => names(other.children()),
        }
    }

    /// The quantifiers and sums over other rows, or over elements that are followed there: whoever evaluates in memory asks the store
    /// for their values. Each stands beneath no other quantifier.
    pub fn asks(&self) -> Vec<&Expr> {
        let mut asks = Vec::new();
        collect_asks(self, &mut asks);
        asks
    }

    /// The tables that the expression goes over or looks into.
    pub fn tables(&self) -> BTreeSet<usize> {
        let mut tables = BTreeSet::new();
        self.any_node(&mut |node| {
            match node {
                Expr::Exists { over, .. } => tables.extend(over.table()),
                Expr::Look { row, .. } => tables.extend(row.table()),
                _ => {}
            }
            false
        });
        tables
    }
}

fn is_closed(expr: &Expr, levels: &mut Vec<u8>) -> bool {
    let is_bound = |row: &Row, levels: &[u8]| match row.root {
        Root::Bound(level) => levels.contains(&level),
        _ => true,
    };
    if let Some((level, over, said)) = expr.quantified() {
        let outer = over.into_iter().all(|child| is_closed(child, levels));
        levels.push(level);
        let inner = said.into_iter().all(|child| is_closed(child, levels));
        levels.pop();
        return outer && inner;
    }
    match expr {
        Expr::Element { level, .. } => levels.contains(level),
        Expr::Column { row, .. } => is_bound(row, levels),
        Expr::Look { row, then } => is_bound(row, levels) && is_closed(then, levels),
        other => other.children().into_iter().all(|child| is_closed(child, levels)),
    }
}

fn collect_asks<'e>(expr: &'e Expr, asks: &mut Vec<&'e Expr>) {
    let is_elsewhere = |node: &Expr| match node {
        Expr::Exists { over, .. } => over.table().is_some(),
        Expr::Look { row, .. } => !row.root.is_in_hand(),
        _ => false,
    };
    match expr {
        Expr::Exists { .. } | Expr::Sum { .. } if expr.any_node(&mut |node| is_elsewhere(node)) => {
            if !asks.contains(&expr) {
                asks.push(expr);
            }
        }
        other => other.children().into_iter().for_each(|child| collect_asks(child, asks)),
    }
}
