//! Comparisons, and what is asked of texts.

use mainstay_expr::re2::Pattern;
use mainstay_expr::{CompareOp, Expr, Measure, TextOp};
use mainstay_record::{Kind, MATCHES, Value};

use crate::expression::Writer;
use crate::{BindSource, Dialect};

impl Writer<'_> {
    pub fn compare(&mut self, op: CompareOp, left: &Expr, right: &Expr) {
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

    pub fn text_match(&mut self, op: TextOp, text: &Expr, pattern: &Expr) {
        let is_plain = matches!(pattern, Expr::Literal(_) | Expr::Column { .. } | Expr::Auth(_));
        if op == TextOp::Contains || is_plain {
            return self.plain_match(op, text, pattern);
        }
        // Some of it would stand twice, and what stands in it four times.
        let (a, b) = ("n.a", "n.b");
        let written = match (op, self.dialect) {
            (TextOp::StartsWith, Dialect::Postgres) => format!("starts_with({a}, {b})"),
            (TextOp::StartsWith, Dialect::Sqlite) => format!("substr({a}, 1, length({b})) = {b}"),
            (_, Dialect::Postgres) => format!("right({a}, char_length({b})) = {b}"),
            (_, Dialect::Sqlite) => format!("substr({a}, -max(1, length({b})), length({b})) = {b}"),
        };
        self.text(&format!("(SELECT {written}"));
        self.operands("", text, pattern);
    }

    fn plain_match(&mut self, op: TextOp, text: &Expr, pattern: &Expr) {
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

    /// Each engine is given the pattern in words that mean on it what RE2 means. SQLite asks a function of ours.
    pub fn matches(&mut self, text: &Expr, pattern: &Pattern) {
        let words = if self.postgres() { pattern.for_postgres() } else { Some(pattern.for_regex().to_owned()) };
        let Some(words) = words else { return self.null(Some(Kind::Bool)) };
        let words = |writer: &mut Self| writer.out.bind(BindSource::Literal(Value::Text(words)), Kind::Text);
        if self.postgres() {
            self.operand(text);
            self.text(" ~ ");
            return words(self);
        }
        self.call(MATCHES, text);
        self.text(", ");
        words(self);
        self.text(")");
    }

    /// SQLite's functions know ASCII alone; PostgreSQL's do under the collation "C".
    pub fn ascii_case(&mut self, upper: bool, of: &Expr) {
        self.call(if upper { "upper" } else { "lower" }, of);
        self.either(")", " COLLATE \"C\")");
    }

    pub fn size(&mut self, of: &Expr, measure: Measure) {
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
}
