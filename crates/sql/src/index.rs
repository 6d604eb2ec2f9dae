//! Indexes as DDL.

use std::fmt::Write as _;

use mainstay_record::{FOLD, Kind};

use crate::conflict::{Among, column, compared, fold, overlap};
use crate::literal::literal;
use crate::{Dialect, IndexColumn, Literal, SchemaStep, Span, quote};

/// PostgreSQL's type for ranges of texts: an exclusion constraint compares ranges without an extension, and a text is the
/// range from itself to itself.
const TEXT_RANGE: &str = "mainstay_text_range";

/// What SQLite's triggers say of a row that overlaps with another, in front of the index's name.
const OVERLAPS: &str = "EXCLUSION constraint failed: ";

/// NULLs are distinct in a unique index on both engines; a column of implicit presence is unset at its zero, so such rows
/// stay outside the index: unset never conflicts. Where unset is a value like others, two expressions stand for the
/// column, neither of which is ever NULL.
pub(crate) fn create(dialect: Dialect, step: &SchemaStep) -> Vec<String> {
    let SchemaStep::CreateIndex { name, table, columns, unique, only, condition, span, concurrently } = step else {
        return Vec::new();
    };
    let mut statements = Vec::new();
    if *concurrently {
        statements.extend(drop(dialect, name, table, false, true));
    }
    if columns.iter().any(|part| part.folded) && dialect == Dialect::Postgres {
        statements.push(fold_function());
    }
    let conflicting: &[IndexColumn] = if *unique { columns } else { &[] };
    let among = Among { dialect, columns: conflicting, only: only.as_ref(), condition: condition.as_ref() };
    if let Some(span) = span {
        let own = Exclusion { name, table, columns, among: &among, span };
        statements.extend(own.create());
        return statements;
    }
    let unique_word = if *unique { "UNIQUE " } else { "" };
    let concurrently = if *concurrently && dialect == Dialect::Postgres { "CONCURRENTLY " } else { "" };
    let parts: Vec<String> = columns.iter().flat_map(|column| parts(dialect, column)).collect();
    let (name, table) = (quote(name), quote(table));
    let mut text = format!("CREATE {unique_word}INDEX {concurrently}{name} ON {table} ({})", parts.join(", "));
    condition_of(&mut text, &among.tests(None));
    statements.push(text);
    statements
}

fn condition_of(text: &mut String, tests: &[String]) {
    if !tests.is_empty() {
        let _ = write!(text, " WHERE {}", tests.join(" AND "));
    }
}

fn parts(dialect: Dialect, part: &IndexColumn) -> Vec<String> {
    let name = quote(&part.name);
    let nulls = part.nullable && part.unset_as.is_none() && dialect == Dialect::Postgres;
    let direction = match (part.descending, nulls) {
        (false, false) => "",
        (false, true) => " ASC NULLS FIRST",
        (true, false) => " DESC",
        (true, true) => " DESC NULLS LAST",
    };
    match part.unset_as {
        Some(kind) if part.nullable => {
            let value = format!("(coalesce({name}, {}))", stand_in(dialect, kind));
            vec![format!("{}{direction}", compared(dialect, part, value)), format!("({name} IS NULL)")]
        }
        _ => vec![format!("{}{direction}", compared(dialect, part, name))],
    }
}

/// Stands for NULL beside what says that it is NULL.
fn stand_in(dialect: Dialect, kind: Kind) -> String {
    match dialect.zero(kind) {
        Some(zero) => zero.to_owned(),
        None => literal(dialect, &Literal::Timestamp(0)),
    }
}

/// Drops an index, or what stands for one.
pub(crate) fn drop(dialect: Dialect, name: &str, table: &str, spans: bool, concurrently: bool) -> Vec<String> {
    let index = |concurrently| format!("DROP INDEX {concurrently}IF EXISTS {}", quote(name));
    match (dialect, spans) {
        (Dialect::Postgres, true) => {
            vec![format!("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}", quote(table), quote(name))]
        }
        (Dialect::Postgres, false) => vec![index(if concurrently { "CONCURRENTLY " } else { "" })],
        (Dialect::Sqlite, false) => vec![index("")],
        (Dialect::Sqlite, true) => {
            let triggers = ["insert", "update"].map(|verb| format!("DROP TRIGGER IF EXISTS {}", trigger(name, verb)));
            triggers.into_iter().chain([index("")]).collect()
        }
    }
}

fn trigger(name: &str, verb: &str) -> String {
    quote(&format!("{name} on {verb}"))
}

/// What lets no two rows overlap: a constraint on PostgreSQL. SQLite has no such thing, but one writer: a trigger looks for
/// another row, by an index.
struct Exclusion<'a> {
    name: &'a str,
    table: &'a str,
    columns: &'a [IndexColumn],
    among: &'a Among<'a>,
    span: &'a Span,
}

impl Exclusion<'_> {
    fn create(&self) -> Vec<String> {
        match self.among.dialect {
            Dialect::Postgres => vec![text_range(), self.constraint()],
            Dialect::Sqlite => {
                let on = ["insert", "update"].map(|verb| self.trigger(verb));
                std::iter::once(self.index()).chain(on).collect()
            }
        }
    }

    /// What must hold of a row that is in the way of others.
    fn tests(&self, of: Option<&str>) -> Vec<String> {
        let begins = format!("{} IS NOT NULL", column(of, &self.span.from));
        let mut tests = self.among.tests(of);
        tests.extend(self.among.no_nulls(of));
        tests.push(begins);
        tests
    }

    fn constraint(&self) -> String {
        let same = self.columns.iter().map(|part| {
            // Texts, integers and truths are texts, whatever a session is set to.
            let value = format!("{}::text", quote(&part.name));
            format!("{TEXT_RANGE}({value}, {value}, '[]') WITH &&")
        });
        let range = if self.span.kind == Kind::Timestamp { "tstzrange" } else { "int8range" };
        let (from, to) = (quote(&self.span.from), quote(&self.span.to));
        // A range that ends before it begins is an error of PostgreSQL's.
        let time = format!("(CASE WHEN {to} < {from} THEN 'empty'::{range} ELSE {range}({from}, {to}) END) WITH &&");
        let parts: Vec<String> = same.chain([time]).collect();
        let (name, table) = (quote(self.name), quote(self.table));
        let mut text = format!("ALTER TABLE {table} ADD CONSTRAINT {name} EXCLUDE USING gist ({})", parts.join(", "));
        let _ = write!(text, " WHERE ({})", self.tests(None).join(" AND "));
        text
    }

    fn index(&self) -> String {
        let same = self.columns.iter().map(|part| &part.name);
        let columns: Vec<String> = same.chain([&self.span.from]).map(|name| quote(name)).collect();
        format!("CREATE INDEX {} ON {} ({})", quote(self.name), quote(self.table), columns.join(", "))
    }

    fn trigger(&self, verb: &str) -> String {
        let (table, trigger) = (quote(self.table), trigger(self.name, verb));
        let same = self.columns.iter().map(|part| format!("t.{name} = NEW.{name}", name = quote(&part.name)));
        let key = self.span.keys.iter().map(|key| format!("t.{name} = NEW.{name}", name = quote(key)));
        let other = format!("NOT ({})", key.collect::<Vec<_>>().join(" AND "));
        let tests: Vec<String> =
            same.chain(self.tests(Some("t"))).chain([overlap(self.span, "t", "NEW"), other]).collect();
        let message = literal(Dialect::Sqlite, &Literal::Text(format!("{OVERLAPS}{}", self.name)));
        format!(
            "CREATE TRIGGER {trigger} AFTER {} ON {table} WHEN {} BEGIN SELECT RAISE(ABORT, {message}) \
             WHERE EXISTS (SELECT 1 FROM {table} AS t WHERE {}); END",
            verb.to_uppercase(),
            self.tests(Some("NEW")).join(" AND "),
            tests.join(" AND ")
        )
    }
}

fn text_range() -> String {
    format!(
        "DO $do$ BEGIN IF to_regtype('{TEXT_RANGE}') IS NULL THEN \
         CREATE TYPE {TEXT_RANGE} AS RANGE (subtype = text, collation = \"C\"); END IF; END $do$"
    )
}

/// Makes the function that folds a text.
fn fold_function() -> String {
    format!(
        "DO $do$ BEGIN IF to_regprocedure('{FOLD}(text)') IS NULL THEN \
         CREATE FUNCTION {FOLD}(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $fold$ \
         SELECT {} $fold$; END IF; END $do$",
        fold("$1")
    )
}
