//! Rows that are looked at: found by their keys, or known without a look.

use mainstay_expr::{Expr, Link, Root, Row};
use mainstay_record::{Kind, Layout, TemplatePart};

use crate::expression::Writer;
use crate::open::Open;
use crate::{BindSource, Dialect};

impl Writer<'_> {
    /// Writes that a row is there, and what is said of it.
    pub fn look_truth(&mut self, row: &Row, then: &Expr, write: impl Fn(&mut Self, &Expr)) {
        if let Some(there) = self.given.and_then(|given| given.row(row)) {
            self.text("(");
            self.out.bind(BindSource::Param(there), Kind::Bool);
            self.text(" AND ");
            write(self, then);
            return self.text(")");
        }
        if let Some((set, then)) = self.without_look(row, then) {
            for column in set {
                self.operand(&Expr::is_set(column));
                self.text(" AND ");
            }
            return write(self, &then);
        }
        // Rows that lead from one to the next are one join: that is quicker than a subquery within a subquery.
        let mut way = vec![row.clone()];
        let mut then = then;
        while let Expr::Look { row: next, then: further } = then
            && next.found_from().is_some_and(|(from, by)| Some(&from) == way.last() && by.link.is_none())
            && self.given.is_none_or(|given| given.row(next).is_none())
            && self.without_look(next, further).is_none()
        {
            way.push(next.clone());
            then = &**further;
        }
        self.text("EXISTS (SELECT 1");
        let found = self.found(&way);
        if found && *then != Expr::TRUE {
            self.text(" AND ");
            write(self, then);
        }
        self.rows.truncate(self.rows.len() - way.len());
        self.text(")");
    }

    /// Writes the value of something in another row: NULL where that is not there.
    pub fn look(&mut self, row: &Row, then: &Expr) {
        if let Some(there) = self.given.and_then(|given| given.row(row)) {
            self.text("CASE WHEN ");
            self.out.bind(BindSource::Param(there), Kind::Bool);
            self.text(" THEN ");
            self.operand(then);
            return self.text(" END");
        }
        self.text("(SELECT ");
        self.rows.push(row.clone());
        if then.kind() == Some(Kind::Bool) {
            self.condition(then);
        } else {
            self.operand(then);
        }
        self.rows.pop();
        self.found(std::slice::from_ref(row));
        self.rows.pop();
        self.text(")");
    }

    /// Writes ` FROM … WHERE …` for rows that are found by their keys, each from the one before, and opens them. False where
    /// there is no such table.
    fn found(&mut self, way: &[Row]) -> bool {
        let first = self.rows.len() + 1;
        self.rows.extend(way.iter().cloned());
        let known = |row: &Row| row.table().is_some_and(|number| self.tables.get(number).is_some());
        if !way.iter().all(known) {
            self.text(" WHERE FALSE");
            return false;
        }
        for (i, row) in way.iter().enumerate() {
            self.text(if i > 0 { ", " } else { " FROM " });
            self.source(row.table().unwrap_or_default());
            self.text(&format!(" AS r{}", first + i));
        }
        for (i, row) in way.iter().enumerate() {
            self.text(if i > 0 { " AND " } else { " WHERE " });
            self.by_key(row, &format!("r{}", first + i));
        }
        true
    }

    /// Writes that a row is the one that the one before it leads to.
    fn by_key(&mut self, row: &Row, alias: &str) {
        let table = row.table().and_then(|number| self.tables.get(number));
        let (Some(table), Some((from, relation))) = (table, row.found_from()) else { return self.text("FALSE") };
        if let Some(link) = &relation.link {
            return self.linked(&from, link, alias, table.layout);
        }
        for (key, column) in relation.columns.iter().enumerate() {
            self.text(if key > 0 { " AND " } else { "" });
            self.out.column_of(alias, table.layout, key);
            self.text(" = ");
            self.column(&from, *column, Kind::Text);
        }
    }

    pub fn column(&mut self, row: &Row, index: usize, kind: Kind) {
        if let Some(param) = self.given.and_then(|given| given.column(row, index)) {
            return self.out.bind(BindSource::Param(param), kind);
        }
        if row.is_in_hand() {
            return self.out.column(self.layout(), index);
        }
        if row.hops.is_empty() {
            return self.bound_column(row.root, index, kind);
        }
        let open = self.rows.iter().rposition(|open| open == row);
        match open.zip(row.table().and_then(|number| self.tables.get(number))) {
            Some((open, table)) => self.out.column_of(&format!("r{}", open + 1), table.layout, index),
            None => self.null(Some(kind)),
        }
    }

    /// The layout of a row, where its columns are those of a table.
    pub fn layout_of(&self, row: &Row) -> Option<&Layout> {
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

    /// Writes that a row is the one whose name stands in an element. Its key is taken out of the name, so that the primary
    /// key serves; the whole is compared, too, because what stands there may be no name of such a row.
    fn linked(&mut self, from: &Row, link: &Link, alias: &str, layout: &Layout) {
        let Root::Bound(level) = from.root else { return self.text("FALSE") };
        let read = |of: Expr, key: &String, kind| Expr::Json {
            of: Box::new(of),
            key: Box::new(Expr::text(key.as_str())),
            kind,
        };
        let element = |kind| Expr::Element { level, kind };
        let name = match link.keys.split_last() {
            Some((last, before)) => {
                let within = before.iter().fold(element(Kind::Json), |of, key| read(of, key, Kind::Json));
                read(within, last, Kind::Text)
            }
            // The element itself is the name.
            None => element(Kind::Text),
        };
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
}

/// The expression with something else in the places of a row's columns.
fn replaced(expr: Expr, of: &Row, by: &impl Fn(usize) -> Expr) -> Expr {
    match expr {
        Expr::Column { row, index, .. } if row == *of => by(index),
        other => other.map_children(&mut |child| replaced(child, of, by)),
    }
}
