//! A statement while it is written: pieces of text with binds between them.

use std::fmt::Write as _;

use mainstay_expr::AuthName;
use mainstay_record::{Kind, Layout, Piece, Value};

use crate::literal::literal;
use crate::{Dialect, Literal, quote};

/// Where the value of a bind comes from when the statement runs.
#[derive(Debug, Clone, PartialEq)]
pub enum BindSource {
    /// A constant of the rule or filter.
    Literal(Value),
    /// What is known of the caller, of the kind that the table of claims says.
    Auth(AuthName),
    /// One of the caller's claims, by its name: of this kind, else NULL.
    Claim { name: String, kind: Kind },
    /// The statement's time moved by a constant (see `mainstay_expr::shift_time`), `Kind::Timestamp`.
    Now { offset_us: i64 },
    /// The caller of the statement hands the value in, in this position.
    Param(usize),
}

/// A statement: text, and where its values come from. It is the same for every run, so it can be prepared and cached.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sql {
    pub pieces: Vec<Piece>,
    pub binds: Vec<BindSource>,
}

impl Sql {
    /// The statement as one text with numbered placeholders (`?1` on SQLite, `$1` on PostgreSQL), for people to read.
    pub fn text(&self, dialect: Dialect) -> String {
        let sign = match dialect {
            Dialect::Sqlite => '?',
            Dialect::Postgres => '$',
        };
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Bind { slot, .. } => {
                    let _ = write!(text, "{sign}{}", slot + 1);
                }
            }
        }
        text
    }
}

/// Collects the pieces of one statement. Neighbouring texts become one piece; a value that is bound twice has one slot.
/// Not so a literal: whether two literals are equal must not make another statement of the same text.
#[derive(Debug, Clone)]
pub struct SqlBuilder {
    dialect: Dialect,
    sql: Sql,
    /// In DDL there are no binds: literals are text. The columns of the table, which it calls by no other name, are binds
    /// meanwhile, by their places in the layout.
    ddl: bool,
}

impl SqlBuilder {
    /// Starts an empty statement.
    pub fn new(dialect: Dialect) -> SqlBuilder {
        SqlBuilder { dialect, sql: Sql::default(), ddl: false }
    }

    /// Starts a condition of DDL; see [`crate::RowCondition`].
    pub(crate) fn for_ddl(dialect: Dialect) -> SqlBuilder {
        SqlBuilder { ddl: true, ..SqlBuilder::new(dialect) }
    }

    /// The engine that the statement is for.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Appends text that the program itself wrote; never a value or a name of anybody else's.
    pub fn text(&mut self, text: &str) {
        match self.sql.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.sql.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    /// Appends a bind.
    pub fn bind(&mut self, source: BindSource, kind: Kind) {
        if self.ddl {
            let constant = if let BindSource::Literal(value) = &source { Literal::from_value(value) } else { None };
            let text = constant.map_or_else(|| "NULL".to_owned(), |constant| literal(self.dialect, &constant));
            return self.text(&text);
        }
        let is_literal = matches!(source, BindSource::Literal(_));
        let known = self.sql.binds.iter().position(|known| *known == source).filter(|_| !is_literal);
        let slot = known.unwrap_or_else(|| {
            self.sql.binds.push(source);
            self.sql.binds.len() - 1
        });
        self.sql.pieces.push(Piece::Bind { slot, kind });
    }

    /// Appends a quoted identifier: `"title"`.
    pub fn name(&mut self, name: &str) {
        self.text(&quote(name));
    }

    /// Appends a column of the statement's table: `t."title"`. An index outside the layout, which no checked expression
    /// holds, becomes NULL: never true, never somebody else's column.
    pub fn column(&mut self, layout: &Layout, index: usize) {
        self.column_of("t", layout, index);
    }

    /// The same for a table that has this name in the statement.
    pub(crate) fn column_of(&mut self, table: &str, layout: &Layout, index: usize) {
        match layout.columns.get(index) {
            Some(column) if self.ddl => self.sql.pieces.push(Piece::Bind { slot: index, kind: column.kind }),
            Some(column) => {
                self.text(table);
                self.text(".");
                self.name(&column.name);
            }
            None => self.text("NULL"),
        }
    }

    /// Appends what `each` writes for every item, with `separator` between.
    pub fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        separator: &str,
        mut each: impl FnMut(&mut SqlBuilder, T),
    ) {
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.text(separator);
            }
            each(self, item);
        }
    }

    /// Ends the statement.
    pub fn finish(self) -> Sql {
        self.sql
    }
}
