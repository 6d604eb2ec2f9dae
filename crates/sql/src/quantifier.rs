//! `exists` as SQL.
//!
//! Where only the truth matters it is an EXISTS, or an IN where the rows that it is about are few and found without the row
//! that asks, so that an engine may begin with either. What must tell false from NULL is a CASE of two.

use mainstay_expr::{Climb, Expr, Over, Root};
use mainstay_record::Kind;

use crate::BindSource;
use crate::expression::Writer;
use crate::open::Open;

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
        if let Over::Climb(climb) = over {
            self.climbed(climb);
        }
        self.text("SELECT 1 FROM ");
        self.going_over(level, over);
        holds(self);
        self.open.pop();
        self.text(")");
    }

    /// Writes the sources and ` WHERE `, and opens the quantifier.
    pub fn going_over(&mut self, level: u8, over: &Over) {
        match over {
            Over::List(of) => {
                let name = self.next_element();
                self.elements(of, &name);
                self.text(" WHERE ");
                self.open.push((level, Open::Element { name }));
            }
            Over::Rows(table) | Over::Climb(Climb { table, .. }) => {
                let name = format!("q{}", self.count(|open| matches!(open, Open::Row { .. })));
                let climbs = matches!(over, Over::Climb(_));
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

    fn count(&self, is: fn(&Open) -> bool) -> usize {
        1 + self.open.iter().filter(|(_, open)| is(open)).count()
    }

    /// What the elements of one more list are called.
    pub fn next_element(&self) -> String {
        format!("e{}", self.count(|open| matches!(open, Open::Element { .. })))
    }

    /// Writes the elements of a list as a source.
    pub fn elements(&mut self, of: &Expr, name: &str) {
        self.call(if self.postgres() { "jsonb_array_elements" } else { "json_each" }, of);
        self.text(&format!(") AS {name}"));
        self.either("", "(value)");
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

    /// The name of the element of the quantifier of a level.
    pub fn element_name(&self, level: u8) -> Option<String> {
        match self.open_at(level)? {
            Open::Element { name } => Some(name.clone()),
            Open::Row { .. } => None,
        }
    }

    pub fn open_at(&self, level: u8) -> Option<&Open> {
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

    /// Whether an expression is never NULL.
    pub fn is_certain(&self, expr: &Expr) -> bool {
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
            Expr::Look { .. }
            | Expr::Atom(_)
            | Expr::Element { .. }
            | Expr::Json { .. }
            | Expr::Arithmetic { .. }
            | Expr::Sum { .. } => false,
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
}
