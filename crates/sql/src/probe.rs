//! Questions about the rows that exist, which a plan asks before it calls a step safe.

use mainstay_record::Kind;
use serde::{Deserialize, Serialize};

use crate::conflict::{Among, compared_anyhow, overlap};
use crate::linked::{Hop, NamesIn, quoted, variable};
use crate::literal::literal;
use crate::{Dialect, IndexColumn, Limit, Literal, OnlyRows, RowCondition, Span, Sql, SqlBuilder, quote};

/// The most bytes that the texts of one index may have in a row. PostgreSQL has no room for more than about 2,700, and
/// both engines take the same rows.
pub const MAX_INDEXED_BYTES: usize = 2_048;

/// How many rows a sample names.
const SAMPLE_ROWS: &str = "5";

/// A question about the rows of a table, by the names that stand in the database now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "probe", rename_all = "snake_case")]
pub enum Probe {
    /// How many rows are there?
    Rows { table: String },
    /// In how many rows is the column NULL, or the zero that means unset?
    Unset { table: String, keys: Vec<String>, column: String, zero: Option<Kind> },
    /// In how many rows is the column not NULL?
    Set { table: String, keys: Vec<String>, column: String },
    /// In how many rows is the column's value outside one of the limits? `zero`: rows with the zero don't count.
    Outside { table: String, keys: Vec<String>, column: String, limits: Vec<Limit>, zero: Option<Kind> },
    /// In how many rows does the JSON column hold an integer outside one of the limits: in one of these places, or where none
    /// is known anywhere, or anywhere under this key?
    Inside {
        table: String,
        keys: Vec<String>,
        column: String,
        key: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        places: Vec<Vec<Hop>>,
        limits: Vec<Limit>,
    },
    /// In how many rows is more than one of the columns set: neither NULL nor the zero that means unset?
    Together { table: String, keys: Vec<String>, columns: Vec<(String, Option<Kind>)> },
    /// In how many rows do these texts and bytes take more bytes together?
    Longer { table: String, keys: Vec<String>, columns: Vec<String>, bytes: usize },
    /// In how many rows does a name lead nowhere?
    Nowhere { names: NamesIn },
    /// In how many rows do these columns hold a key that no row of the target has?
    Dangling { table: String, keys: Vec<String>, columns: Vec<String>, target: String, target_keys: Vec<String> },
    /// In how many rows is the text neither empty nor the name of an account?
    NoAccount { table: String, keys: Vec<String>, column: String },
    /// How many rows share the values of these columns with another row, as a unique index compares them? Rows that the index
    /// would not have don't count; with a `span` nor do those that share no time.
    Duplicates {
        table: String,
        keys: Vec<String>,
        columns: Vec<IndexColumn>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<OnlyRows>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        condition: Option<RowCondition<String>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        span: Option<Span>,
    },
}

impl Probe {
    /// The statement that answers with one row of one BIGINT.
    pub fn count_sql(&self, dialect: Dialect) -> Sql {
        let text = match self {
            Probe::Rows { table } => format!("SELECT COUNT(*) FROM {} AS t", quote(table)),
            Probe::Unset { table, column, zero, .. } => {
                format!("SELECT COUNT(*) FROM {} AS t WHERE {}", quote(table), unset(dialect, column, *zero))
            }
            Probe::Set { table, column: name, .. } => {
                format!("SELECT COUNT(*) FROM {} AS t WHERE {} IS NOT NULL", quote(table), column(name))
            }
            Probe::Outside { table, column, limits, zero, .. } => {
                let outside = outside(dialect, column, limits, *zero);
                format!("SELECT COUNT(*) FROM {} AS t WHERE {outside}", quote(table))
            }
            Probe::Inside { table, column, key, places, limits, .. } => {
                let inside = inside(dialect, column, (key.as_deref(), places), limits);
                format!("SELECT COUNT(*) FROM {} AS t WHERE {inside}", quote(table))
            }
            Probe::Together { table, columns, .. } => {
                format!("SELECT COUNT(*) FROM {} AS t WHERE {}", quote(table), together(dialect, columns))
            }
            Probe::Longer { table, columns, bytes, .. } => {
                format!("SELECT COUNT(*) FROM {} AS t WHERE {}", quote(table), longer(dialect, columns, *bytes))
            }
            Probe::Nowhere { names } => {
                format!("SELECT COUNT(*) FROM {} AS t WHERE {}", quote(&names.table), names.lead_nowhere(dialect))
            }
            Probe::Dangling { table, .. } => {
                format!("SELECT COUNT(*) FROM {} AS t WHERE {}", quote(table), self.dangling())
            }
            Probe::NoAccount { table, column, .. } => {
                format!("SELECT COUNT(*) FROM {} AS t WHERE {}", quote(table), no_account(dialect, column))
            }
            Probe::Duplicates { table, span: Some(span), .. } => {
                format!("SELECT COUNT(*) FROM {} AS t WHERE {}", quote(table), self.overlapping(dialect, span))
            }
            Probe::Duplicates { table, columns, .. } => {
                let (table, all, group) = (quote(table), self.among(dialect, "t"), grouped(dialect, columns));
                format!(
                    "SELECT CAST(COALESCE(SUM(g.n), 0) AS BIGINT) FROM (SELECT COUNT(*) AS n FROM {table} AS t \
                     WHERE {all} GROUP BY {group} HAVING COUNT(*) > 1) AS g"
                )
            }
        };
        whole(dialect, &text)
    }

    /// The statement that answers with the key columns (texts) of at most five such rows, in the order of the key; none
    /// for a plain count.
    pub fn sample_sql(&self, dialect: Dialect) -> Option<Sql> {
        let text = match self {
            Probe::Rows { .. } => return None,
            Probe::Unset { table, keys, column: name, zero } => {
                let (keys, unset) = (list(keys), unset(dialect, name, *zero));
                format!("SELECT {keys} FROM {} AS t WHERE {unset} ORDER BY {keys} LIMIT {SAMPLE_ROWS}", quote(table))
            }
            Probe::Set { table, keys, column: name } => {
                let (keys, name) = (list(keys), column(name));
                format!(
                    "SELECT {keys} FROM {} AS t WHERE {name} IS NOT NULL ORDER BY {keys} LIMIT {SAMPLE_ROWS}",
                    quote(table)
                )
            }
            Probe::Outside { table, keys, column, limits, zero } => {
                let (keys, outside) = (list(keys), outside(dialect, column, limits, *zero));
                format!("SELECT {keys} FROM {} AS t WHERE {outside} ORDER BY {keys} LIMIT {SAMPLE_ROWS}", quote(table))
            }
            Probe::Inside { table, keys, column, key, places, limits } => {
                let (keys, inside) = (list(keys), inside(dialect, column, (key.as_deref(), places), limits));
                format!("SELECT {keys} FROM {} AS t WHERE {inside} ORDER BY {keys} LIMIT {SAMPLE_ROWS}", quote(table))
            }
            Probe::Together { table, keys, columns } => {
                let (keys, together) = (list(keys), together(dialect, columns));
                format!("SELECT {keys} FROM {} AS t WHERE {together} ORDER BY {keys} LIMIT {SAMPLE_ROWS}", quote(table))
            }
            Probe::Longer { table, keys, columns, bytes } => {
                let (keys, longer) = (list(keys), longer(dialect, columns, *bytes));
                format!("SELECT {keys} FROM {} AS t WHERE {longer} ORDER BY {keys} LIMIT {SAMPLE_ROWS}", quote(table))
            }
            Probe::Nowhere { names } => {
                let (keys, nowhere) = (list(&names.keys), names.lead_nowhere(dialect));
                let table = quote(&names.table);
                format!("SELECT {keys} FROM {table} AS t WHERE {nowhere} ORDER BY {keys} LIMIT {SAMPLE_ROWS}")
            }
            Probe::Dangling { table, keys, .. } => {
                let (keys, dangling) = (list(keys), self.dangling());
                format!("SELECT {keys} FROM {} AS t WHERE {dangling} ORDER BY {keys} LIMIT {SAMPLE_ROWS}", quote(table))
            }
            Probe::NoAccount { table, keys, column } => {
                let (keys, wrong) = (list(keys), no_account(dialect, column));
                format!("SELECT {keys} FROM {} AS t WHERE {wrong} ORDER BY {keys} LIMIT {SAMPLE_ROWS}", quote(table))
            }
            Probe::Duplicates { table, keys, span: Some(span), .. } => {
                let (keys, overlapping) = (list(keys), self.overlapping(dialect, span));
                format!(
                    "SELECT {keys} FROM {} AS t WHERE {overlapping} ORDER BY {keys} LIMIT {SAMPLE_ROWS}",
                    quote(table)
                )
            }
            Probe::Duplicates { table, keys, columns, .. } => {
                let (keys, all, group) = (list(keys), self.among(dialect, "t"), grouped(dialect, columns));
                format!(
                    "SELECT {keys} FROM (SELECT {keys}, COUNT(*) OVER (PARTITION BY {group}) AS n FROM {} AS t \
                     WHERE {all}) AS t WHERE t.n > 1 ORDER BY {keys} LIMIT {SAMPLE_ROWS}",
                    quote(table)
                )
            }
        };
        Some(whole(dialect, &text))
    }

    /// What must hold of a row that can be in the way of others.
    fn among(&self, dialect: Dialect, of: &str) -> String {
        let Probe::Duplicates { columns, only, condition, .. } = self else { return "TRUE".to_owned() };
        let among = Among { dialect, columns, only: only.as_ref(), condition: condition.as_ref() };
        let mut tests = among.tests(Some(of));
        tests.extend(among.no_nulls(Some(of)));
        if tests.is_empty() { "TRUE".to_owned() } else { tests.join(" AND ") }
    }

    /// That the row has a key which is no row's.
    fn dangling(&self) -> String {
        let Probe::Dangling { columns, target, target_keys, .. } = self else { return "FALSE".to_owned() };
        let set: Vec<String> = columns.iter().map(|name| format!("{} IS NOT NULL", column(name))).collect();
        let pairs = columns.iter().zip(target_keys);
        let same: Vec<String> = pairs.map(|(own, theirs)| format!("r.{} = {}", quote(theirs), column(own))).collect();
        format!(
            "{} AND NOT EXISTS (SELECT 1 FROM {} AS r WHERE {})",
            set.join(" AND "),
            quote(target),
            same.join(" AND ")
        )
    }

    /// That the row shares some time with another.
    fn overlapping(&self, dialect: Dialect, span: &Span) -> String {
        let Probe::Duplicates { table, columns, .. } = self else { return "FALSE".to_owned() };
        let same = columns.iter().map(|part| format!("o.{name} = t.{name}", name = quote(&part.name)));
        let key = span.keys.iter().map(|key| format!("o.{name} = t.{name}", name = quote(key)));
        let other = format!("NOT ({})", key.collect::<Vec<_>>().join(" AND "));
        let begins = format!("o.{} IS NOT NULL", quote(&span.from));
        let tests: Vec<String> =
            same.chain([overlap(span, "t", "o"), other, begins, self.among(dialect, "o")]).collect();
        format!(
            "{} AND {} IS NOT NULL AND EXISTS (SELECT 1 FROM {} AS o WHERE {})",
            self.among(dialect, "t"),
            column(&span.from),
            quote(table),
            tests.join(" AND ")
        )
    }

    /// How many columns a sample has.
    pub fn sample_columns(&self) -> usize {
        match self {
            Probe::Rows { .. } => 0,
            Probe::Nowhere { names } => names.keys.len(),
            Probe::Unset { keys, .. }
            | Probe::Set { keys, .. }
            | Probe::Outside { keys, .. }
            | Probe::Inside { keys, .. }
            | Probe::Together { keys, .. }
            | Probe::Longer { keys, .. }
            | Probe::Dangling { keys, .. }
            | Probe::NoAccount { keys, .. }
            | Probe::Duplicates { keys, .. } => keys.len(),
        }
    }
}

fn whole(dialect: Dialect, text: &str) -> Sql {
    let mut out = SqlBuilder::new(dialect);
    out.text(text);
    out.finish()
}

fn column(name: &str) -> String {
    format!("t.{}", quote(name))
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| column(name)).collect::<Vec<_>>().join(", ")
}

fn unset(dialect: Dialect, name: &str, zero: Option<Kind>) -> String {
    let name = column(name);
    match zero.and_then(|kind| dialect.zero(kind)) {
        Some(zero) => format!("({name} IS NULL OR {name} = {zero})"),
        None => format!("{name} IS NULL"),
    }
}

/// What is not `accounts/` and an id: lower-case letters, digits and inner hyphens, at most 63. `accounts/me` is another one
/// for each caller.
fn no_account(dialect: Dialect, name: &str) -> String {
    let name = column(name);
    let id = variable(dialect, &name, 0);
    let strange = match dialect {
        Dialect::Postgres => format!("{id} !~ '^[a-z0-9-]+$'"),
        Dialect::Sqlite => format!("{id} GLOB '*[^a-z0-9-]*'"),
    };
    format!(
        "({name} <> '' AND ('accounts/' || {id} <> {name} OR {id} IN ('', 'me') OR {id} LIKE '-%' OR {id} LIKE '%-' \
         OR length({id}) > 63 OR {strange}))"
    )
}

fn together(dialect: Dialect, columns: &[(String, Option<Kind>)]) -> String {
    let one =
        |(name, zero): &(String, Option<Kind>)| format!("CASE WHEN {} THEN 0 ELSE 1 END", unset(dialect, name, *zero));
    format!("{} > 1", columns.iter().map(one).collect::<Vec<_>>().join(" + "))
}

fn outside(dialect: Dialect, name: &str, limits: &[Limit], zero: Option<Kind>) -> String {
    let name = column(name);
    let each: Vec<String> = limits.iter().map(|limit| limit.outside(dialect, &name)).collect();
    let any = if each.is_empty() { "FALSE".to_owned() } else { format!("({})", each.join(" OR ")) };
    match zero.and_then(|kind| dialect.zero(kind)) {
        Some(zero) => format!("{any} AND {name} <> {zero}"),
        None => any,
    }
}

fn longer(dialect: Dialect, columns: &[String], bytes: usize) -> String {
    let length = |name: &String| match dialect {
        Dialect::Sqlite => format!("COALESCE(length(CAST({} AS BLOB)), 0)", column(name)),
        Dialect::Postgres => format!("COALESCE(octet_length({}), 0)", column(name)),
    };
    let lengths: Vec<String> = columns.iter().map(length).collect();
    format!("{} > {bytes}", lengths.join(" + "))
}

/// Looks where the field lies; where that is not known, through a whole document.
fn inside(dialect: Dialect, name: &str, (key, places): (Option<&str>, &[Vec<Hop>]), limits: &[Limit]) -> String {
    if places.is_empty() {
        return anywhere(dialect, name, key, limits);
    }
    let each: Vec<String> = places.iter().map(|place| placed(dialect, name, place, limits)).collect();
    format!("({})", each.join(" OR "))
}

fn placed(dialect: Dialect, name: &str, place: &[Hop], limits: &[Limit]) -> String {
    let any = |number: &str| limits.iter().map(|limit| limit.outside(dialect, number)).collect::<Vec<_>>().join(" OR ");
    let text = |text: &str| literal(dialect, &Literal::Text(text.to_owned()));
    if dialect == Dialect::Postgres {
        let path = place.iter().fold("$".to_owned(), |path, hop| match hop {
            Hop::Key(key) => format!("{path}.{}", quoted(key)),
            Hop::Elements => path + "[*]",
            Hop::Values => path + ".*",
        });
        return found(&column(name), &text(&path), &any(NUMBER));
    }
    let (mut tables, mut value, mut path) = (Vec::new(), column(name), "$".to_owned());
    for hop in place {
        if let Hop::Key(key) = hop {
            path = format!("{path}.{}", quoted(key));
            continue;
        }
        let table = format!("e{}", tables.len());
        tables.push(format!("json_each({value}, {}) AS {table}", text(&path)));
        (value, path) = (format!("{table}.value"), "$".to_owned());
    }
    if path != "$" {
        value = format!("json_extract({value}, {})", text(&path));
    }
    let outside = format!("typeof({value}) = 'integer' AND ({})", any(&value));
    match tables.is_empty() {
        true => format!("({outside})"),
        false => format!("EXISTS (SELECT 1 FROM {} WHERE {outside})", tables.join(", ")),
    }
}

/// A number that a path of PostgreSQL has led to; NULL where it is none.
const NUMBER: &str = "(CASE jsonb_typeof(v.v) WHEN 'number' THEN (v.v #>> '{}')::numeric END)";

/// Whether a path of PostgreSQL leads to something that is `outside`.
fn found(column: &str, path: &str, outside: &str) -> String {
    format!("EXISTS (SELECT 1 FROM jsonb_path_query({column}, {path}) AS v(v) WHERE {outside})")
}

/// Looks through a whole document: a key means the same wherever a message lies in it.
fn anywhere(dialect: Dialect, name: &str, key: Option<&str>, limits: &[Limit]) -> String {
    let (name, text) = (column(name), |text: &str| literal(dialect, &Literal::Text(text.to_owned())));
    let any = |number: &str| limits.iter().map(|limit| limit.outside(dialect, number)).collect::<Vec<_>>().join(" OR ");
    match (dialect, key) {
        (Dialect::Sqlite, None) => {
            format!("EXISTS (SELECT 1 FROM json_tree({name}) AS v WHERE v.type = 'integer' AND ({}))", any("v.atom"))
        }
        // A text is no document, and has no integers inside.
        (Dialect::Sqlite, Some(key)) => format!(
            "EXISTS (SELECT 1 FROM json_tree({name}) AS k, \
             json_tree(CASE WHEN k.type IN ('integer', 'array', 'object') THEN k.value END) AS v \
             WHERE k.key = {} AND v.type = 'integer' AND ({}))",
            text(key),
            any("v.atom")
        ),
        (Dialect::Postgres, key) => {
            let path = key.map_or_else(|| "$.**".to_owned(), |key| format!("$.**.{}.**", quoted(key)));
            found(&name, &text(&path), &any(NUMBER))
        }
    }
}

fn grouped(dialect: Dialect, columns: &[IndexColumn]) -> String {
    let values = columns.iter().map(|part| compared_anyhow(dialect, part, column(&part.name)));
    values.collect::<Vec<_>>().join(", ")
}
