//! `exists` as SQL.
//!
//! Where only the truth matters it is an EXISTS, or an IN where the rows that it is about are few and found without the row
//! that asks, so that an engine may begin with either. What must tell false from NULL is a CASE of two.

use mainstay_expr::{CompareOp, Expr, Link, MAX_CLIMB, Over, Root, Row};
use mainstay_record::{Kind, Layout, TemplatePart};

use crate::expression::Writer;
use crate::open::Open;
use crate::{BindSource, Dialect};

impl Writer<'_> {
    /// Writes a quantifier with the value that it has.
    pub fn exists(&mut self, level: u8, over: &Over, holds: &Expr) {
        if self.is_certain_within(level, over, holds) {
            return self.is_one(level, over, holds);
        }
        self.text("CASE WHEN ");
        self.some(level, over, |writer| writer.truth(holds));
        self.text(" THEN TRUE WHEN ");
        self.some(level, over, |writer| writer.parts(holds, " IS NULL"));
        self.text(" THEN ");
        self.null(Some(Kind::Bool));
        self.text(" ELSE FALSE END");
    }

    /// Writes that it holds of one.
    pub fn is_one(&mut self, level: u8, over: &Over, holds: &Expr) {
        if let Some(apart) = self.apart(level, over, holds) {
            return self.is_in(level, over, &apart);
        }
        self.some(level, over, |writer| writer.truth(holds));
    }

    /// Writes that it is false of all.
    pub fn is_none(&mut self, level: u8, over: &Over, holds: &Expr) {
        self.text("NOT ");
        self.some(level, over, |writer| writer.parts(holds, " IS NOT FALSE"));
    }

    /// Writes a condition of which some parts are never NULL: those are true, and of the others it is as `end` says.
    fn parts(&mut self, holds: &Expr, end: &str) {
        let all: Vec<&Expr> = match holds {
            Expr::And(list) => list.iter().collect(),
            other => vec![other],
        };
        let (certain, others): (Vec<&Expr>, Vec<&Expr>) = all.into_iter().partition(|part| self.is_certain(part));
        for (i, part) in certain.iter().enumerate() {
            self.text(if i > 0 { " AND " } else { "" });
            self.truth(part);
        }
        if others.is_empty() && end == " IS NULL" {
            self.text(if certain.is_empty() { "FALSE" } else { " AND FALSE" });
        }
        if !others.is_empty() {
            self.text(if certain.is_empty() { "(" } else { " AND (" });
            let others: Vec<Expr> = others.into_iter().cloned().collect();
            match others.as_slice() {
                [one] => self.condition(one),
                _ => self.junction(&others, " AND ", "TRUE", Self::condition),
            }
            self.text(&format!("){end}"));
        }
    }

    /// Writes EXISTS over what it goes over, with a condition.
    fn some(&mut self, level: u8, over: &Over, holds: impl FnOnce(&mut Self)) {
        self.text("EXISTS (");
        if let Over::Climb { table, start, relations } = over {
            self.climbed(*table, start, relations);
        }
        self.text("SELECT 1 FROM ");
        self.going_over(level, over);
        holds(self);
        self.open.pop();
        self.text(")");
    }

    /// Writes the sources and ` WHERE `, and opens the quantifier.
    fn going_over(&mut self, level: u8, over: &Over) {
        let count = |is: fn(&Open) -> bool| 1 + self.open.iter().filter(|(_, open)| is(open)).count();
        match over {
            Over::List(of) => {
                let name = format!("e{}", count(|open| matches!(open, Open::Element { .. })));
                self.call(if self.postgres() { "jsonb_array_elements" } else { "json_each" }, of);
                self.text(&format!(") AS {name}"));
                self.either(" WHERE ", "(value) WHERE ");
                self.open.push((level, Open::Element { name }));
            }
            Over::Rows(table) | Over::Climb { table, .. } => {
                let name = format!("q{}", count(|open| matches!(open, Open::Row { .. })));
                let climbs = matches!(over, Over::Climb { .. });
                if climbs {
                    self.text(&format!("up{} AS u JOIN ", self.open.len()));
                }
                self.source(*table);
                self.text(&format!(" AS {name}"));
                self.open.push((level, Open::Row { name: name.clone(), table: *table }));
                let Some(known) = self.tables.known(*table) else { return self.text(" WHERE FALSE AND ") };
                if climbs {
                    self.text(" ON ");
                    for key in 0..known.layout.keys() {
                        self.text(if key > 0 { " AND " } else { "" });
                        self.out.column_of(&name, &known.layout, key);
                        self.text(&format!(" = u.k{key}"));
                    }
                }
                self.text(" WHERE ");
                if let Some(deleted) = known.deleted.filter(|_| !climbs) {
                    self.out.column_of(&name, &known.layout, deleted);
                    self.text(" IS NULL AND ");
                }
            }
        }
    }

    /// Writes the keys of the rows that are reached from a first one, each with how far it is.
    fn climbed(&mut self, table: usize, start: &[Expr], relations: &[Vec<usize>]) {
        let depth = self.open.len();
        let Some(known) = self.tables.known(table) else { return };
        let keys: Vec<String> = (0..start.len()).map(|key| format!("k{key}")).collect();
        self.text(&format!("WITH RECURSIVE up{depth}({}, n) AS (SELECT ", keys.join(", ")));
        for part in start {
            self.operand(part);
            self.either(", ", " COLLATE \"C\", ");
        }
        self.text("0 UNION SELECT ");
        for key in 0..start.len() {
            self.onward(&known.layout, relations, key);
            self.either(", ", " COLLATE \"C\", ");
        }
        self.text(&format!("u.n + 1 FROM up{depth} AS u JOIN "));
        self.source(table);
        self.text(" AS f ON ");
        for (key, name) in keys.iter().enumerate() {
            self.text(if key > 0 { " AND " } else { "" });
            self.out.column_of("f", &known.layout, key);
            self.text(&format!(" = u.{name}"));
        }
        if relations.len() > 1 {
            let ways: Vec<String> = (0..relations.len()).map(|way| format!("SELECT {way} AS w")).collect();
            self.text(&format!(" CROSS JOIN ({}) AS c", ways.join(" UNION ALL ")));
        }
        self.text(&format!(" WHERE u.n < {MAX_CLIMB} AND "));
        self.onward(&known.layout, relations, 0);
        self.text(" IS NOT NULL) ");
    }

    /// Writes a part of the key that a row leads on to.
    fn onward(&mut self, layout: &Layout, relations: &[Vec<usize>], key: usize) {
        if let [only] = relations {
            return self.out.column_of("f", layout, only[key]);
        }
        self.text("CASE c.w");
        for (way, columns) in relations.iter().enumerate() {
            self.text(&format!(" WHEN {way} THEN "));
            self.out.column_of("f", layout, columns[key]);
        }
        self.text(" END");
    }

    /// Writes where rows of a table are read: the table, or what it will be.
    pub fn source(&mut self, number: usize) {
        let Some(known) = self.tables.known(number) else { return self.text("(SELECT 1)") };
        if known.instead.is_empty() {
            return self.out.name(&known.name);
        }
        let columns = &known.layout.columns;
        self.text("(SELECT ");
        self.out.list(columns, ", ", |out, column| out.name(&column.name));
        self.text(" FROM ");
        self.out.name(&known.name);
        self.text(" WHERE ");
        for (i, (key, _)) in known.instead.iter().enumerate() {
            self.text(if i > 0 { " AND NOT (" } else { "NOT (" });
            for (position, value) in key.iter().enumerate() {
                self.text(if position > 0 { " AND " } else { "" });
                self.out.name(&columns[position].name);
                self.text(" = ");
                self.out.bind(BindSource::Literal(value.clone()), columns[position].kind);
            }
            self.text(")");
        }
        for row in known.instead.iter().filter_map(|(_, row)| row.as_ref()) {
            self.text(" UNION ALL SELECT ");
            let values = columns.iter().zip(row.iter());
            self.out.list(values, ", ", |out, (column, value)| {
                out.bind(BindSource::Literal(value.clone()), column.kind);
            });
        }
        self.text(")");
    }

    /// Writes that a row is the one whose name stands in an element. Its key is taken out of the name, so that the primary
    /// key serves; the whole is compared, too, because what stands there may be no name of such a row.
    pub fn linked(&mut self, from: &Row, link: &Link, alias: &str, layout: &Layout) {
        let Root::Bound(level) = from.root else { return self.text("FALSE") };
        let keys = link.keys.split_last();
        let Some((last, before)) = keys else { return self.text("FALSE") };
        let read = |of: Expr, key: &String, kind| Expr::Json {
            of: Box::new(of),
            key: Box::new(Expr::text(key.as_str())),
            kind,
        };
        let element = Expr::Element { level, kind: Kind::Json };
        let within = before.iter().fold(element, |of, key| read(of, key, Kind::Json));
        let name = read(within, last, Kind::Text);
        for key in 0..layout.keys() {
            self.out.column_of(alias, layout, key);
            self.text(" = ");
            self.segment(&name, 2 * key + 1);
            self.text(" AND ");
        }
        for (i, part) in link.template.parts.iter().enumerate() {
            self.text(if i > 0 { " || " } else { "" });
            match part {
                TemplatePart::Literal(text) => self.operand(&Expr::text(text.as_str())),
                TemplatePart::Variable(position) => self.out.column_of(alias, layout, *position),
            }
        }
        self.text(" = ");
        self.operand(&name);
    }

    /// Writes a segment of a resource name, from 0.
    fn segment(&mut self, name: &Expr, position: usize) {
        match self.dialect {
            Dialect::Postgres => {
                self.call("split_part", name);
                self.text(&format!(", '/', {})", position + 1));
            }
            Dialect::Sqlite => {
                self.text("json_extract('[' || replace(");
                self.call("json_quote", name);
                self.text(&format!("), '/', '\",\"') || ']', '$[{position}]')"));
            }
        }
    }

    /// The name of the element of the quantifier of a level.
    pub fn element_name(&self, level: u8) -> Option<String> {
        match self.open_at(level)? {
            Open::Element { name } => Some(name.clone()),
            Open::Row { .. } => None,
        }
    }

    fn open_at(&self, level: u8) -> Option<&Open> {
        self.open.iter().rev().find(|(known, _)| *known == level).map(|(_, open)| open)
    }

    /// Writes a column of a row that a quantifier goes over.
    pub fn bound_column(&mut self, root: Root, index: usize, kind: Kind) {
        let open = if let Root::Bound(level) = root { self.open_at(level).cloned() } else { None };
        match open {
            Some(Open::Row { name, table }) if let Some(table) = self.tables.get(table) => {
                self.out.column_of(&name, table.layout, index);
            }
            _ => self.null(Some(kind)),
        }
    }

    /// The layout of a row, where its columns are those of a table.
    fn layout_of(&self, row: &Row) -> Option<&Layout> {
        let bound = match (row.table(), row.root) {
            (Some(table), _) => Some(table),
            (None, Root::Bound(level)) => match self.open_at(level)? {
                Open::Row { table, .. } => Some(*table),
                Open::Element { .. } => return None,
            },
            (None, _) => None,
        };
        match bound {
            Some(table) => self.tables.get(table).map(|table| table.layout),
            None => Some(self.layout()),
        }
    }

    /// Whether an expression is never NULL.
    fn is_certain(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Literal(value) => !value.is_null(),
            Expr::Column { row, index, .. } => {
                let layout = self.layout_of(row);
                self.given.is_none_or(|given| given.column(row, *index).is_none())
                    && layout.and_then(|layout| layout.columns.get(*index)).is_some_and(|column| !column.nullable)
            }
            Expr::Auth(name) => !name.claim().nullable,
            Expr::Now { .. } | Expr::IsNull(_) => true,
            Expr::Coalesce(first, second) => self.is_certain(first) || self.is_certain(second),
            Expr::Exists { level, over, holds } => self.is_certain_within(*level, over, holds),
            Expr::Look { .. } | Expr::Atom(_) | Expr::Element { .. } | Expr::Json { .. } => false,
            other => other.children().into_iter().all(|child| self.is_certain(child)),
        }
    }

    fn is_certain_within(&self, level: u8, over: &Over, holds: &Expr) -> bool {
        // What it goes over is not open yet: asked of a writer that has it open.
        let open = match over.table() {
            Some(table) => Open::Row { name: String::new(), table },
            None => Open::Element { name: String::new() },
        };
        let mut out = crate::SqlBuilder::new(self.dialect);
        let mut inner = Writer::new(self.layout(), self.tables, &mut out);
        inner.open = self.open.iter().cloned().chain([(level, open)]).collect();
        inner.given = self.given;
        inner.is_certain(holds)
    }

    /// What is said of a row that is found and is known without it: where no more than its key is read, the row that leads
    /// to it has that, and a row that is stored leads to nothing that is not there.
    pub fn without_look(&self, row: &Row, then: &Expr) -> Option<(Vec<Expr>, Expr)> {
        let (from, relation) = row.found_from()?;
        let keys = relation.columns.len();
        let is_given = |from: &Row| self.given.is_some() && from.is_in_hand();
        if !self.tables.is_sound() || relation.link.is_some() || is_given(&from) || *then == Expr::TRUE {
            return None;
        }
        let reads_more = then.any_node(&mut |node| match node {
            Expr::Column { row: other, index, .. } => other == row && *index >= keys,
            Expr::Look { row: other, .. } => other.hops.len() > row.hops.len() && other.hops.starts_with(&row.hops),
            _ => false,
        });
        if reads_more {
            return None;
        }
        let layout = self.layout_of(&from)?;
        let column = |index: usize| Expr::Column { row: from.clone(), index, kind: Kind::Text };
        let nullable = |index: &&usize| layout.columns.get(**index).is_none_or(|column| column.nullable);
        let set = relation.columns.iter().filter(nullable).map(|index| column(*index)).collect();
        Some((set, replaced(then.clone(), row, &|index| column(relation.columns[index]))))
    }

    /// Takes a condition on rows of a table apart: what is equal to columns of other rows, and what is said of the rows
    /// alone. Nothing where that is not all, or where no index finds the latter.
    fn apart<'e>(&self, level: u8, over: &Over, holds: &'e Expr) -> Option<Apart<'e>> {
        let Over::Rows(table) = over else { return None };
        let known = self.tables.known(*table)?;
        let all: Vec<&Expr> = match holds {
            Expr::And(list) => list.iter().collect(),
            other => vec![other],
        };
        let (mut apart, mut fixed) = (Apart::default(), Vec::new());
        for part in all {
            match equality(level, part) {
                Some((column, other)) if names_rows(other) => apart.equal.push((column, other)),
                Some((column, _)) => {
                    fixed.push(column);
                    apart.alone.push(part);
                }
                None if names_other_rows(part, level) => return None,
                None => apart.alone.push(part),
            }
        }
        (!apart.equal.is_empty() && !fixed.is_empty() && known.begins_index(&fixed)).then_some(apart)
    }

    fn is_in(&mut self, level: u8, over: &Over, apart: &Apart<'_>) {
        let several = apart.equal.len() > 1;
        self.text(if several { "(" } else { "" });
        for (i, (_, other)) in apart.equal.iter().enumerate() {
            self.text(if i > 0 { ", " } else { "" });
            self.operand(other);
        }
        self.text(if several { ") IN (SELECT " } else { " IN (SELECT " });
        let name = format!("q{}", 1 + self.open.iter().filter(|(_, open)| matches!(open, Open::Row { .. })).count());
        let layout = over.table().and_then(|table| self.tables.get(table)).map(|table| table.layout);
        for (i, (column, _)) in apart.equal.iter().enumerate() {
            self.text(if i > 0 { ", " } else { "" });
            if let Some(layout) = layout {
                self.out.column_of(&name, layout, *column);
            }
        }
        self.text(" FROM ");
        self.going_over(level, over);
        for (i, part) in apart.alone.iter().enumerate() {
            self.text(if i > 0 { " AND " } else { "" });
            self.truth(part);
        }
        self.open.pop();
        self.text(")");
    }
}

/// A condition on rows of a table, taken apart.
#[derive(Debug, Default)]
struct Apart<'e> {
    /// Columns of theirs, and what they equal.
    equal: Vec<(usize, &'e Expr)>,
    alone: Vec<&'e Expr>,
}

/// `column = …`, where the column is of the row of a level and the other side is not.
fn equality(level: u8, part: &Expr) -> Option<(usize, &Expr)> {
    let Expr::Compare { op: CompareOp::Eq, left, right } = part else { return None };
    let own = |side: &Expr| match side {
        Expr::Column { row, index, .. } if *row == Row::of(Root::Bound(level)) => Some(*index),
        _ => None,
    };
    match (own(left), own(right)) {
        (Some(column), None) => Some((column, &**right)),
        (None, Some(column)) => Some((column, &**left)),
        _ => None,
    }
}

fn names_rows(expr: &Expr) -> bool {
    expr.any_node(&mut |node| matches!(node, Expr::Column { .. } | Expr::Look { .. } | Expr::Element { .. }))
}

/// Whether an expression names a row beside that of a level and those that are found from there.
fn names_other_rows(expr: &Expr, level: u8) -> bool {
    expr.any_node(&mut |node| match node {
        Expr::Column { row, .. } | Expr::Look { row, .. } => row.root != Root::Bound(level),
        Expr::Element { .. } | Expr::Exists { .. } => true,
        _ => false,
    })
}

/// The expression with something else in the places of a row's columns.
fn replaced(expr: Expr, of: &Row, by: &impl Fn(usize) -> Expr) -> Expr {
    match expr {
        Expr::Column { row, index, .. } if row == *of => by(index),
        other => other.map_children(&mut |child| replaced(child, of, by)),
    }
}
