//! What holds of a row or of one above it, from the other end: the rows of which it holds, and down from there.
//!
//! Where few of many rows are seen, a climb from each row takes as long as there are rows; this takes as long as there are
//! such as are seen. Where most are seen it is the other way round: [`found_from_above`] counts first.

use mainstay_expr::{Climb, CompareOp, Expr, Over, Root, Row, ways, whole_climb};
use mainstay_record::{Kind, Layout};

use crate::apart::names_rows;
use crate::expression::Writer;
use crate::open::Open;
use crate::{Dialect, Sql, SqlBuilder, Table, Tables};

/// The same condition of rows of a table, as far as it is true, where a store begins with the rows of which something holds: with
/// those above, or with the rows themselves. Nothing where there is no such part, or where no index finds those rows, and
/// the ones below them. The columns `fixed` have the same value in all rows that are asked: what is found from those is found
/// once.
///
/// Rows themselves are left to SQLite, which begins with them where it is an IN. PostgreSQL takes the plan that is best for
/// somebody who has few, and keeps it for whoever has many.
pub fn from_above(dialect: Dialect, expr: &Expr, own: Table<'_>, tables: &Tables, fixed: &[usize]) -> Option<Expr> {
    let looks_around = |node: &Expr| matches!(node, Expr::Exists { over: Over::Climb(_) | Over::Rows(_), .. });
    if !expr.any_node(&mut |node| looks_around(node)) {
        return None;
    }
    let mut out = SqlBuilder::new(dialect);
    let turn = Turn { writer: Writer::new(own.layout, tables, &mut out), fixed };
    let turned = turn.turned(expr);
    if turned.any_node(&mut |node| is_turned(node)) {
        return Some(turned);
    }
    let number = tables.number(own.name).filter(|_| dialect == Dialect::Postgres)?;
    turn.own(expr, number, own.layout)
}

/// Writes a select of one number: how many rows lie at or below those where conditions that are [`from_above`] begin, as far
/// as they are no more than so many.
pub fn found_from_above(dialect: Dialect, conditions: &[&Expr], layout: &Layout, tables: &Tables, most: usize) -> Sql {
    let mut out = SqlBuilder::new(dialect);
    out.text("SELECT ");
    let mut climbs = Vec::new();
    for condition in conditions {
        collect(condition, &mut climbs);
    }
    for (i, (climb, holds)) in climbs.into_iter().enumerate() {
        out.text(if i > 0 { " + (SELECT COUNT(*) FROM (" } else { "(SELECT COUNT(*) FROM (" });
        Writer::new(layout, tables, &mut out).below(climb, holds);
        out.text(&format!(" LIMIT {}) AS b)", most + 1));
    }
    out.finish()
}

fn is_turned(node: &Expr) -> bool {
    matches!(node, Expr::Exists { over: Over::Climb(Climb { from_above: true, .. }), .. })
}

fn collect<'e>(expr: &'e Expr, climbs: &mut Vec<(&'e Climb, &'e Expr)>) {
    if let Expr::Exists { over: Over::Climb(climb), holds, .. } = expr
        && climb.from_above
    {
        return climbs.push((climb, holds));
    }
    expr.children().into_iter().for_each(|child| collect(child, climbs));
}

struct Turn<'t, 'w> {
    writer: Writer<'w>,
    fixed: &'t [usize],
}

impl Turn<'_, '_> {
    /// Turns the climbs in a condition of which only the truth matters.
    fn turned(&self, expr: &Expr) -> Expr {
        match expr {
            Expr::And(list) => Expr::And(list.iter().map(|part| self.turned(part)).collect()),
            Expr::Or(list) => match whole_climb(list).and_then(|(whole, others)| Some((self.turn(&whole)?, others))) {
                Some((whole, others)) if others.is_empty() => whole,
                Some((whole, others)) => {
                    Expr::Or(std::iter::once(whole).chain([self.turned(&Expr::Or(others))]).collect())
                }
                None => Expr::Or(list.iter().map(|part| self.turned(part)).collect()),
            },
            Expr::Look { row, then } => Expr::Look { row: row.clone(), then: Box::new(self.turned(then)) },
            other => self.turn(other).unwrap_or_else(|| other.clone()),
        }
    }

    fn turn(&self, expr: &Expr) -> Option<Expr> {
        let Expr::Exists { level, over: Over::Climb(climb), holds } = expr else { return None };
        // What is found from a fixed row is one row.
        let is_fixed = |part: &Expr| match part {
            Expr::Column { row, index, .. } => match row.hops.first() {
                Some(by) => by.columns.iter().all(|column| self.fixed.contains(column)),
                None => self.fixed.contains(index),
            },
            _ => true,
        };
        let own = Row::of(Root::Bound(*level));
        let leads_down = climb.relations.iter().all(|columns| self.begins_index(climb.table, columns));
        let ways = ways(holds);
        let are_found = ways.iter().all(|way| self.is_found(&own, climb.table, way));
        (leads_down && are_found && !climb.start.iter().all(is_fixed)).then(|| {
            let over = Over::Climb(Climb { from_above: true, ..climb.clone() });
            Expr::Exists { level: *level, over, holds: holds.clone() }
        })
    }

    /// A condition of the rows themselves, as of rows that are found by it: a climb that goes nowhere.
    fn own(&self, expr: &Expr, table: usize, layout: &Layout) -> Option<Expr> {
        let holds = expr.clone().moved(Root::Resource, &Row::of(Root::Bound(0)));
        let bound = Row::of(Root::Bound(0));
        // The keys are an array.
        let is_asked = layout.keys() == 1 && !self.fixed.contains(&0);
        if !is_asked || !ways(&holds).iter().all(|way| self.is_found(&bound, table, way)) {
            return None;
        }
        let start = vec![Expr::column(Root::Resource, 0, Kind::Text)];
        let over = Over::Climb(Climb { table, start, relations: Vec::new(), most: 0, from_above: true });
        Some(Expr::Exists { level: 0, over, holds: Box::new(holds) })
    }

    /// Whether an index has all rows by a column. Those of rows that are deleted and kept have only the others, and what is
    /// found from above may lie below a deleted one.
    fn begins_index(&self, table: usize, columns: &[usize]) -> bool {
        let (Some(known), Some(first)) = (self.writer.tables.known(table), columns.first()) else { return false };
        (known.deleted.is_none() || *first == 0) && known.begins_index(&[*first])
    }

    /// Whether an index finds the rows of a table of which something is true, without other rows.
    fn is_found(&self, row: &Row, table: usize, part: &Expr) -> bool {
        let own = |side: &Expr| match side {
            Expr::Column { row: of, index, .. } if of == row => Some(*index),
            _ => None,
        };
        match part {
            Expr::And(list) => list.iter().any(|part| self.is_found(row, table, part)),
            Expr::Or(list) => list.iter().all(|part| self.is_found(row, table, part)),
            Expr::Coalesce(first, second) if **second == Expr::FALSE => self.is_found(row, table, first),
            Expr::Compare { op: CompareOp::Eq, left, right } => match (own(left), own(right)) {
                (Some(column), None) => !names_rows(right) && self.begins_index(table, &[column]),
                (None, Some(column)) => !names_rows(left) && self.begins_index(table, &[column]),
                _ => false,
            },
            Expr::Exists { level, over, holds } => self.writer.apart(*level, over, holds).is_some_and(|apart| {
                let columns: Option<Vec<usize>> = apart.equal.iter().map(|(_, other)| own(other)).collect();
                columns.is_some_and(|columns| columns.iter().any(|column| self.begins_index(table, &[*column])))
            }),
            Expr::Look { row: other, then } => other.found_from().is_some_and(|(from, by)| {
                from == *row
                    && by.link.is_none()
                    && self.begins_index(table, &by.columns)
                    && self.is_found(other, by.table, then)
            }),
            _ => false,
        }
    }
}

impl Writer<'_> {
    /// Writes that the first row of a climb is one of those that lie at or below a row of which something is true.
    pub fn is_below(&mut self, climb: &Climb, holds: &Expr) {
        if self.postgres() && climb.start.len() == 1 {
            // Whatever it expects of them, it finds each by its key, and no other row.
            self.list(&climb.start, ", ");
            self.text(" = ANY (ARRAY(");
            self.below(climb, holds);
            return self.text("))");
        }
        let several = climb.start.len() > 1;
        self.text(if several { "(" } else { "" });
        self.list(&climb.start, ", ");
        self.text(if several { ") IN (" } else { " IN (" });
        self.below(climb, holds);
        self.text(")");
    }

    /// Writes a select of the keys of those rows; some perhaps more than once.
    fn below(&mut self, climb: &Climb, holds: &Expr) {
        let Some(known) = self.tables.known(climb.table) else { return self.text("SELECT 1 WHERE FALSE") };
        if climb.relations.is_empty() {
            return self.given(climb, holds, &known.layout, "");
        }
        let keys: Vec<String> = (0..climb.start.len()).map(|key| format!("k{key}")).collect();
        let name = format!("down{}", self.open.len());
        self.text(&format!("WITH RECURSIVE {name}({}, n) AS (", keys.join(", ")));
        self.given(climb, holds, &known.layout, ", 0");
        self.text(" UNION SELECT ");
        self.key_of("f", &known.layout, keys.len());
        self.text(&format!(", d.n + 1 FROM {name} AS d JOIN "));
        self.source(climb.table);
        self.text(" AS f ON ");
        for (i, relation) in climb.relations.iter().enumerate() {
            self.text(if i > 0 { " OR " } else { "" });
            for (key, (column, name)) in relation.iter().zip(&keys).enumerate() {
                self.text(if key > 0 { " AND " } else { "" });
                self.out.column_of("f", &known.layout, *column);
                self.text(&format!(" = d.{name}"));
            }
        }
        self.text(&format!(" WHERE d.n < {}) SELECT ", climb.most));
        let keys: Vec<String> = keys.iter().map(|key| format!("d.{key}")).collect();
        self.text(&format!("{} FROM {name} AS d", keys.join(", ")));
    }

    /// Writes a select of the keys of the rows of which it is true: one for each way, so that each has its index.
    fn given(&mut self, climb: &Climb, holds: &Expr, layout: &Layout, beside: &str) {
        for (i, way) in ways(holds).iter().enumerate() {
            self.text(if i > 0 { " UNION " } else { "" });
            if self.named_by_others(way, climb, beside) {
                continue;
            }
            self.text("SELECT ");
            self.key_of("q1", layout, climb.start.len());
            self.text(beside);
            self.text(" FROM ");
            self.source(climb.table);
            self.text(" AS q1 WHERE ");
            self.open.push((0, Open::Row { name: "q1".to_owned(), table: climb.table }));
            self.served(way);
            self.open.pop();
        }
    }

    /// Writes the keys as rows of another table have them, where that is all that is said. Whatever is named there is there.
    fn named_by_others(&mut self, way: &Expr, climb: &Climb, beside: &str) -> bool {
        let Expr::Exists { level, over, holds } = way else { return false };
        let Some(apart) = self.apart(*level, over, holds).filter(|_| self.tables.is_sound()) else { return false };
        let is_key =
            |other: &Expr| matches!(other, Expr::Column { row, index: 0, .. } if *row == Row::of(Root::Bound(0)));
        if climb.start.len() != 1 || !matches!(apart.equal.as_slice(), [(_, other)] if is_key(other)) {
            return false;
        }
        self.among(*level, over, &apart, beside);
        true
    }

    fn key_of(&mut self, alias: &str, layout: &Layout, keys: usize) {
        self.out.list(0..keys, ", ", |out, key| out.column_of(alias, layout, key));
    }

    /// Writes a condition that an index serves: what is said of another row is an IN over those of which it is true.
    fn served(&mut self, way: &Expr) {
        match way {
            Expr::And(list) => self.junction(list, " AND ", "TRUE", Self::served),
            Expr::Look { row, then } => self.is_among(row, then),
            other => self.truth(other),
        }
    }

    fn is_among(&mut self, row: &Row, then: &Expr) {
        let Some((from, by)) = row.found_from().filter(|(_, by)| by.link.is_none()) else {
            return self.look_truth(row, then, Self::truth);
        };
        let Some(table) = self.tables.get(by.table) else { return self.text("FALSE") };
        let several = by.columns.len() > 1;
        self.text(if several { "(" } else { "" });
        for (i, column) in by.columns.iter().enumerate() {
            self.text(if i > 0 { ", " } else { "" });
            self.column(&from, *column, Kind::Text);
        }
        self.text(if several { ") IN (SELECT " } else { " IN (SELECT " });
        self.rows.push(row.clone());
        let alias = format!("r{}", self.rows.len());
        self.key_of(&alias, table.layout, by.columns.len());
        self.text(" FROM ");
        self.source(by.table);
        self.text(&format!(" AS {alias} WHERE "));
        self.served(then);
        self.rows.pop();
        self.text(")");
    }
}
