//! What lies inside JSON documents.

use mainstay_expr::{AuthName, Expr};
use mainstay_record::{Kind, Value};

use crate::expression::Writer;
use crate::{BindSource, Dialect};

impl Writer<'_> {
    pub fn element(&mut self, level: u8, kind: Kind) {
        let Some(name) = self.element_name(level) else { return self.null(Some(kind)) };
        match self.dialect {
            Dialect::Sqlite => self.sqlite_scalar(&name, kind),
            Dialect::Postgres => self.postgres_scalar(kind, &mut |writer| writer.text(&format!("{name}.value"))),
        }
    }

    pub fn json(&mut self, of: &Expr, key: &Expr, kind: Kind) {
        // What is known of the caller need not be looked up by the engine, and an index can serve what is compared with it.
        if let (Expr::Auth(AuthName::Claims), Expr::Literal(Value::Text(name))) = (of, key) {
            return self.out.bind(BindSource::Claim { name: name.clone(), kind }, kind);
        }
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
