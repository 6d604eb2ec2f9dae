//! Rules and filters as SQL.
//!
//! What is written here has, on both engines and for every row, the value that `mainstay_expr::evaluate` computes. All
//! values are binds; the only constants in the text are TRUE, FALSE, NULL and small numbers of our own. Columns are
//! qualified, and a comparison of a column with a bind is written plainly, so that an index can serve it.

use mainstay_expr::{CompareOp, Expr, Measure, Root, Row, TextOp};
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
    entries: usize,
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
            Expr::Not(_) | Expr::IsNull(_) | Expr::Compare { .. } | Expr::TextMatch { .. } => false,
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
        }
    }

    fn list<'e>(
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

    /// Writes that a row is there, and what is said of it.
    fn look_truth(&mut self, row: &Row, then: &Expr, write: impl Fn(&mut Self, &Expr)) {
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
        self.text("EXISTS (SELECT 1");
        let found = self.found(row);
        if found && *then != Expr::TRUE {
            self.text(" AND ");
            write(self, then);
        }
        self.rows.pop();
        self.text(")");
    }

    /// Writes the value of something in another row: NULL where that is not there.
    fn look(&mut self, row: &Row, then: &Expr) {
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
        self.found(row);
        self.rows.pop();
        self.text(")");
    }

    /// Writes ` FROM … WHERE …` for a row that is found by its key, and opens it. False where there is no such table.
    fn found(&mut self, row: &Row) -> bool {
        self.rows.push(row.clone());
        let number = row.table().filter(|number| self.tables.get(*number).is_some());
        let (Some(number), Some((from, relation))) = (number, row.found_from()) else {
            self.text(" WHERE FALSE");
            return false;
        };
        let alias = self.alias();
        self.text(" FROM ");
        self.source(number);
        self.text(&format!(" AS {alias} WHERE "));
        let Some(table) = self.tables.get(number) else { return false };
        if let Some(link) = &relation.link {
            self.linked(&from, link, &alias, table.layout);
            return true;
        }
        for (key, column) in relation.columns.iter().enumerate() {
            self.text(if key > 0 { " AND " } else { "" });
            self.out.column_of(&alias, table.layout, key);
            self.text(" = ");
            self.column(&from, *column, Kind::Text);
        }
        true
    }

    /// The name of the row that was opened last.
    fn alias(&self) -> String {
        format!("r{}", self.rows.len())
    }

    pub fn column(&mut self, row: &Row, index: usize, kind: Kind) {
        if let Some(param) = self.given.and_then(|given| given.column(row, index)) {
            return self.out.bind(BindSource::Param(param), kind);
        }
        if row.is_in_hand() {
            return self.out.column(self.layout, index);
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
        self.text("CASE WHEN ");
        self.condition(condition);
        self.text(" THEN ");
        arm(self, then);
        if matches!(condition, Expr::IsNull(_)) {
            self.text(" ELSE ");
        } else {
            self.text(" WHEN NOT (");
            self.condition(condition);
            self.text(") THEN ");
        }
        arm(self, otherwise);
        self.text(" END");
    }

    fn compare(&mut self, op: CompareOp, left: &Expr, right: &Expr) {
        let sign = match op {
            CompareOp::Eq => " = ",
            CompareOp::Ne => " <> ",
            CompareOp::Lt => " < ",
            CompareOp::Le => " <= ",
            CompareOp::Gt => " > ",
            CompareOp::Ge => " >= ",
        };
        self.operand(left);
        self.text(sign);
        self.operand(right);
        let ordered = !matches!(op, CompareOp::Eq | CompareOp::Ne);
        if ordered && self.postgres() && left.kind().or(right.kind()) == Some(Kind::Text) {
            // By bytes, whatever the database's own collation; equality is by bytes everywhere.
            self.text(" COLLATE \"C\"");
        }
    }

    fn text_match(&mut self, op: TextOp, text: &Expr, pattern: &Expr) {
        match (op, self.dialect) {
            (TextOp::Contains, dialect) => {
                self.text(if dialect == Dialect::Sqlite { "instr(" } else { "strpos(" });
                self.list([text, pattern], ", ");
                self.text(") > 0");
            }
            (TextOp::StartsWith, Dialect::Postgres) => {
                self.text("starts_with(");
                self.list([text, pattern], ", ");
                self.text(")");
            }
            (TextOp::StartsWith, Dialect::Sqlite) => {
                self.call("substr", text);
                self.text(", 1, ");
                self.call("length", pattern);
                self.text(")) = ");
                self.operand(pattern);
            }
            (TextOp::EndsWith, Dialect::Postgres) => {
                self.call("right", text);
                self.text(", ");
                self.call("char_length", pattern);
                self.text(")) = ");
                self.operand(pattern);
            }
            // The length stands twice because `substr(x, -0)` is all of x.
            (TextOp::EndsWith, Dialect::Sqlite) => {
                self.call("substr", text);
                self.text(", -max(1, ");
                self.call("length", pattern);
                self.text(")), ");
                self.call("length", pattern);
                self.text(")) = ");
                self.operand(pattern);
            }
        }
    }

    /// Writes `function(argument`: the caller closes the bracket.
    pub fn call(&mut self, function: &str, argument: &Expr) {
        self.text(function);
        self.text("(");
        self.operand(argument);
    }

    /// SQLite's functions know ASCII alone; PostgreSQL's do under the collation "C".
    fn ascii_case(&mut self, upper: bool, of: &Expr) {
        self.call(if upper { "upper" } else { "lower" }, of);
        self.either(")", " COLLATE \"C\")");
    }

    fn size(&mut self, of: &Expr, measure: Measure) {
        let function = match (measure, self.dialect) {
            (Measure::Characters | Measure::Bytes, Dialect::Sqlite) => "length",
            (Measure::Characters, Dialect::Postgres) => "char_length",
            (Measure::Bytes, Dialect::Postgres) => "octet_length",
            (Measure::Items, Dialect::Sqlite) => "json_array_length",
            (Measure::Items, Dialect::Postgres) => "jsonb_array_length",
            (Measure::Entries, dialect) => {
                self.text("CASE WHEN ");
                self.operand(of);
                self.text(" IS NOT NULL THEN (SELECT count(*) FROM ");
                self.call(if dialect == Dialect::Sqlite { "json_each" } else { "jsonb_object_keys" }, of);
                return self.text(")) END");
            }
        };
        self.call(function, of);
        self.text(")");
    }

    fn element(&mut self, level: u8, kind: Kind) {
        let Some(name) = self.element_name(level) else { return self.null(Some(kind)) };
        match self.dialect {
            Dialect::Sqlite => self.sqlite_scalar(&name, kind),
            Dialect::Postgres => self.postgres_scalar(kind, &mut |writer| writer.text(&format!("{name}.value"))),
        }
    }

    fn json(&mut self, of: &Expr, key: &Expr, kind: Kind) {
        if self.postgres() {
            return self.postgres_scalar(kind, &mut |writer| {
                writer.text("(");
                writer.operand(of);
                writer.text(" -> ");
                writer.operand(key);
                writer.text(")");
            });
        }
        // A look-up by value and not by path: any key can be a bind, whatever characters it has.
        self.entries += 1;
        let name = format!("j{}", self.entries);
        self.text("(SELECT ");
        self.sqlite_scalar(&name, kind);
        self.text(" FROM ");
        self.call("json_each", of);
        self.text(&format!(") AS {name} WHERE {name}.key = "));
        self.operand(key);
        self.text(")");
        self.entries -= 1;
    }

    /// Writes the value of a row of `json_each` as a kind: NULL where it is of another.
    fn sqlite_scalar(&mut self, name: &str, kind: Kind) {
        let text = match kind {
            Kind::Json => format!("{name}.value"),
            Kind::Text => format!("CASE {name}.type WHEN 'text' THEN {name}.value END"),
            Kind::Int => format!("CASE {name}.type WHEN 'integer' THEN {name}.value END"),
            Kind::Bool => format!("CASE {name}.type WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"),
            Kind::Double => format!(
                "CASE {name}.type WHEN 'real' THEN {name}.value WHEN 'integer' THEN CAST({name}.value AS REAL) \
                 WHEN 'text' THEN CASE {name}.value WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END"
            ),
            Kind::Bytes | Kind::Timestamp => "NULL".to_owned(),
        };
        self.text(&text);
    }

    /// Writes a JSONB value, which `value` writes, as a kind: NULL where it is of another.
    fn postgres_scalar(&mut self, kind: Kind, value: &mut dyn FnMut(&mut Self)) {
        let (test, read) = match kind {
            Kind::Json => {
                self.text("NULLIF(");
                value(self);
                return self.text(", 'null'::jsonb)");
            }
            Kind::Text => ("'string'", " #>> '{}'"),
            Kind::Int => ("'number'", "::bigint"),
            Kind::Bool => ("'boolean'", "::boolean"),
            Kind::Double => ("'number'", "::double precision"),
            Kind::Bytes | Kind::Timestamp => return self.null(Some(kind)),
        };
        self.text("CASE jsonb_typeof(");
        value(self);
        self.text(&format!(") WHEN {test} THEN ("));
        value(self);
        self.text(&format!("){read}"));
        if kind == Kind::Double {
            self.text(" WHEN 'string' THEN CASE ");
            value(self);
            self.text(
                " #>> '{}' WHEN 'Infinity' THEN 'Infinity'::double precision \
                 WHEN '-Infinity' THEN '-Infinity'::double precision END",
            );
        }
        self.text(" END");
    }
}
