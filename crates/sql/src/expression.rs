//! Rules and filters as SQL.
//!
//! What is written here has, on both engines and for every row, the value that `mainstay_expr::evaluate` computes. All
//! values are binds; the only constants in the text are TRUE, FALSE, NULL and small numbers of our own. Columns are
//! qualified, and a comparison of a column with a bind is written plainly, so that an index can serve it.

use mainstay_expr::{Expr, Over, Root, Row};
use mainstay_record::{Kind, Layout, Value};

use crate::given::Given;
use crate::open::Open;
use crate::{BindSource, Dialect, SqlBuilder, Tables};

/// Writes the value of a condition whose columns are those of the statement's table, and of rows that are found from there.
/// The record to be (`Root::New`) is not in the database and an atom has no value here: a condition with one of them is
/// NULL as a whole, so not true.
pub(crate) fn emit(expr: &Expr, layout: &Layout, tables: &Tables, out: &mut SqlBuilder) {
    let mut writer = Writer::new(layout, tables, out);
    if is_never(expr) { writer.null(Some(Kind::Bool)) } else { writer.condition(expr) }
}

/// The same where nobody asks whether what is not true is false or NULL: what looks at a row is then written as a join that
/// the engine may take from either side.
pub(crate) fn emit_true(expr: &Expr, layout: &Layout, tables: &Tables, out: &mut SqlBuilder) {
    let mut writer = Writer::new(layout, tables, out);
    if is_never(expr) { writer.null(Some(Kind::Bool)) } else { writer.truth(expr) }
}

fn is_never(expr: &Expr) -> bool {
    expr.any_node(&mut |node| match node {
        Expr::Column { row, .. } | Expr::Look { row, .. } => row.root == Root::New,
        Expr::Atom(_) => true,
        _ => false,
    })
}

pub(crate) struct Writer<'w> {
    pub dialect: Dialect,
    layout: &'w Layout,
    pub tables: &'w Tables,
    pub out: &'w mut SqlBuilder,
    /// The rows that are looked at around here: the first is `r1`.
    pub rows: Vec<Row>,
    /// The quantifiers that are open, by their levels.
    pub open: Vec<(u8, Open)>,
    /// How many JSON objects are open: the innermost one's entry is `j{entries}`.
    pub entries: usize,
    /// Values that the statement is given instead of rows that it would look up.
    pub given: Option<&'w Given>,
}

impl<'w> Writer<'w> {
    pub fn new(layout: &'w Layout, tables: &'w Tables, out: &'w mut SqlBuilder) -> Writer<'w> {
        let dialect = out.dialect();
        Writer { dialect, layout, tables, out, rows: Vec::new(), open: Vec::new(), entries: 0, given: None }
    }

    pub fn text(&mut self, text: &str) {
        self.out.text(text);
    }

    pub fn postgres(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    /// Writes text that differs between the engines.
    pub fn either(&mut self, sqlite: &str, postgres: &str) {
        let text = if self.postgres() { postgres } else { sqlite };
        self.out.text(text);
    }

    /// Writes a boolean expression; NULL needs its type on PostgreSQL.
    pub fn condition(&mut self, expr: &Expr) {
        match expr.kind() {
            None => self.null(Some(Kind::Bool)),
            Some(_) => self.expression(expr),
        }
    }

    /// Writes an expression that stands as an operand: in brackets unless it is one thing.
    pub fn operand(&mut self, expr: &Expr) {
        let bare = match expr {
            Expr::Not(_) | Expr::IsNull(_) | Expr::Compare { .. } | Expr::TextMatch { .. } | Expr::Matches { .. } => {
                false
            }
            Expr::Concat(parts) => parts.is_empty(),
            _ => true,
        };
        if bare {
            return self.expression(expr);
        }
        self.text("(");
        self.expression(expr);
        self.text(")");
    }

    /// Writes an expression that binds no looser than NOT.
    fn expression(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(value) => self.literal(value),
            Expr::Atom(_) => self.null(expr.kind()),
            Expr::Column { row, index, kind } => self.column(row, *index, *kind),
            Expr::Look { row, then } => self.look(row, then),
            Expr::Auth(name) => self.out.bind(BindSource::Auth(*name), name.claim().kind),
            Expr::Now { offset_us } => self.out.bind(BindSource::Now { offset_us: *offset_us }, Kind::Timestamp),
            Expr::Element { level, kind } => self.element(*level, *kind),
            Expr::Json { of, key, kind } => self.json(of, key, *kind),
            Expr::Exists { level, over, holds } => self.exists(*level, over, holds),
            Expr::Not(of) if matches!(**of, Expr::IsNull(_)) => {
                of.children().into_iter().for_each(|of| self.operand(of));
                self.text(" IS NOT NULL");
            }
            Expr::Not(of) => {
                self.text("NOT (");
                self.condition(of);
                self.text(")");
            }
            Expr::And(list) => self.junction(list, " AND ", "TRUE", Self::condition),
            Expr::Or(list) => self.junction(list, " OR ", "FALSE", Self::condition),
            Expr::If { condition, then, otherwise } => self.conditional(condition, then, otherwise, expr.kind()),
            Expr::IsNull(of) => {
                self.operand(of);
                self.text(" IS NULL");
            }
            Expr::Coalesce(first, second) => {
                self.text("coalesce(");
                self.list([first, second], ", ");
                self.text(")");
            }
            Expr::Compare { op, left, right } => self.compare(*op, left, right),
            Expr::TextMatch { op, text, pattern } => self.text_match(*op, text, pattern),
            Expr::Concat(parts) if parts.is_empty() => self.text("''"),
            Expr::Concat(parts) => self.list(parts, " || "),
            Expr::AsciiCase { upper, of } => self.ascii_case(*upper, of),
            Expr::Size { of, measure } => self.size(of, *measure),
            Expr::Matches { text, pattern } => self.matches(text, pattern),
            Expr::Arithmetic { op, left, right, within } => self.arithmetic(*op, (left, right), *within),
            Expr::Micros(of) => self.micros(of),
            Expr::DateOf(of) => self.date_of(of),
            Expr::Sum { level, list, keep, value, within } => self.sum(*level, list, (keep, value), *within),
        }
    }

    pub fn list<'e>(
        &mut self,
        parts: impl IntoIterator<Item = &'e (impl std::borrow::Borrow<Expr> + 'e)>,
        separator: &str,
    ) {
        for (i, part) in parts.into_iter().enumerate() {
            if i > 0 {
                self.text(separator);
            }
            self.operand(part.borrow());
        }
    }

    fn literal(&mut self, value: &Value) {
        match (value, mainstay_expr::kind_of(value)) {
            (Value::Bool(true), _) => self.text("TRUE"),
            (Value::Bool(false), _) => self.text("FALSE"),
            (value, Some(kind)) => self.out.bind(BindSource::Literal(value.clone()), kind),
            (_, None) => self.text("NULL"),
        }
    }

    /// Writes NULL of a kind.
    pub fn null(&mut self, kind: Option<Kind>) {
        let cast = match kind {
            Some(Kind::Bool) => "NULL::boolean",
            Some(Kind::Int) => "NULL::bigint",
            Some(Kind::Double) => "NULL::double precision",
            Some(Kind::Text) => "NULL::text",
            Some(Kind::Bytes) => "NULL::bytea",
            Some(Kind::Timestamp) => "NULL::timestamptz",
            Some(Kind::Json) => "NULL::jsonb",
            None => "NULL",
        };
        self.either("NULL", cast);
    }

    /// Writes a condition of which only the truth matters.
    pub fn truth(&mut self, expr: &Expr) {
        match expr {
            Expr::And(list) => self.junction(list, " AND ", "TRUE", Self::truth),
            Expr::Or(list) => self.junction(list, " OR ", "FALSE", Self::truth),
            Expr::Look { row, then } => self.look_truth(row, then, Self::truth),
            Expr::Exists { over: Over::Climb(climb), holds, .. } if climb.from_above => self.is_below(climb, holds),
            Expr::Exists { level, over, holds } => self.is_one(*level, over, holds),
            Expr::Coalesce(first, second) if **second == Expr::FALSE => self.truth(first),
            Expr::Not(of) if of.any_node(&mut |node| matches!(node, Expr::Exists { .. })) => self.falsity(of),
            other => self.condition(other),
        }
    }

    /// Writes a condition that is true where the expression is false.
    fn falsity(&mut self, expr: &Expr) {
        match expr {
            Expr::Not(of) => self.truth(of),
            Expr::And(list) => self.junction(list, " OR ", "FALSE", Self::falsity),
            Expr::Or(list) => self.junction(list, " AND ", "TRUE", Self::falsity),
            Expr::Look { row, then } => self.look_truth(row, then, Self::falsity),
            Expr::Exists { level, over, holds } => self.is_none(*level, over, holds),
            other => {
                self.text("NOT (");
                self.condition(other);
                self.text(")");
            }
        }
    }

    /// The layout of the statement's own table.
    pub fn layout(&self) -> &'w Layout {
        self.layout
    }

    pub fn junction(&mut self, list: &[Expr], word: &str, empty: &str, each: impl Fn(&mut Self, &Expr)) {
        if list.is_empty() {
            return self.text(empty);
        }
        self.text("(");
        for (i, member) in list.iter().enumerate() {
            if i > 0 {
                self.text(word);
            }
            each(self, member);
        }
        self.text(")");
    }

    /// A NULL condition gives NULL, so both arms name theirs; ELSE serves where the condition is never NULL.
    fn conditional(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr, kind: Option<Kind>) {
        let arm = |writer: &mut Self, arm: &Expr| match arm {
            Expr::Literal(Value::Null) => writer.null(kind),
            arm => writer.operand(arm),
        };
        if matches!(condition, Expr::IsNull(_)) {
            self.text("CASE WHEN ");
            self.condition(condition);
            self.text(" THEN ");
            arm(self, then);
            self.text(" ELSE ");
        } else {
            // The condition is written once: conditions within conditions would double the statement with each.
            self.text("CASE (");
            self.condition(condition);
            self.text(") WHEN TRUE THEN ");
            arm(self, then);
            self.text(" WHEN FALSE THEN ");
        }
        arm(self, otherwise);
        self.text(" END");
    }

    /// Writes `function(argument`: the caller closes the bracket.
    pub fn call(&mut self, function: &str, argument: &Expr) {
        self.text(function);
        self.text("(");
        self.operand(argument);
    }
}
