//! Names inside lists, when a list begins to refer to other rows or ends: which of them lead nowhere, and the table of links.

use serde::{Deserialize, Serialize};

use crate::literal::literal;
use crate::{Dialect, Literal, quote};

/// One step into a JSON document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// To what an object has under a key.
    Key(String),
    /// To each element of a list.
    Elements,
    /// To each value of a map.
    Values,
}

/// Where the names of a reference stand in a table, and what they lead to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NamesIn {
    pub table: String,
    /// The key columns of the table.
    pub keys: Vec<String>,
    /// The column: of JSON, or of one name that is a text.
    pub column: String,
    /// On the way to a name; nothing where that is a text.
    pub place: Vec<Hop>,
    /// The table that the names lead to, with its key columns.
    pub target: String,
    pub target_keys: Vec<String>,
    /// A name without its variables: what stands between, before and behind them is `/` and these words.
    pub words: Vec<String>,
}

/// A link, as the table of links knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkName {
    /// The types of the two resources.
    pub source: String,
    pub target: String,
    /// The numbers of the fields on the way, with dots between.
    pub path: String,
}

impl NamesIn {
    /// That a row has a name there which leads nowhere. The row is `t`.
    pub(crate) fn lead_nowhere(&self, dialect: Dialect) -> String {
        let (tables, name) = self.names(dialect, "t");
        let found = self.leads(dialect, &name, "r");
        let nowhere = format!(
            "COALESCE({name}, '') <> '' AND NOT EXISTS (SELECT 1 FROM {} AS r WHERE {found})",
            quote(&self.target)
        );
        match tables.as_str() {
            "" => format!("({nowhere})"),
            tables => format!("EXISTS (SELECT 1 FROM {tables} WHERE {nowhere})"),
        }
    }

    /// Fills the table of links with the names that stand there.
    pub(crate) fn fill(&self, dialect: Dialect, link: &LinkName) -> String {
        let (tables, name) = self.names(dialect, "t");
        let joined = |alias: &str, keys: &[String]| {
            keys.iter().map(|key| format!("{alias}.{}", quote(key))).collect::<Vec<_>>().join(" || '/' || ")
        };
        let from = if tables.is_empty() { String::new() } else { format!(", {tables}") };
        let text = |text: &str| literal(dialect, &Literal::Text(text.to_owned()));
        format!(
            "INSERT INTO mainstay_links (source, source_key, path, target, target_key) SELECT DISTINCT {}, {}, {}, {}, {} \
                 FROM {} AS t{from}, {} AS r WHERE {} ON CONFLICT DO NOTHING",
            text(&link.source),
            joined("t", &self.keys),
            text(&link.path),
            text(&link.target),
            joined("r", &self.target_keys),
            quote(&self.table),
            quote(&self.target),
            self.leads(dialect, &name, "r"),
        )
    }

    /// The sources beside the row `of`, and the name that stands there.
    fn names(&self, dialect: Dialect, of: &str) -> (String, String) {
        let text = |text: &str| literal(dialect, &Literal::Text(text.to_owned()));
        let (mut tables, mut value) = (Vec::new(), format!("{of}.{}", quote(&self.column)));
        let postgres = dialect == Dialect::Postgres;
        for hop in &self.place {
            let table = format!("e{}", tables.len());
            match (hop, postgres) {
                (Hop::Key(key), true) => value = format!("({value} -> {})", text(key)),
                (Hop::Key(key), false) => {
                    value = format!("json_extract({value}, {})", text(&format!("$.{}", quoted(key))));
                }
                (Hop::Elements, true) => {
                    let list = format!("CASE WHEN jsonb_typeof({value}) = 'array' THEN {value} ELSE '[]' END");
                    tables.push(format!("jsonb_array_elements({list}) AS {table}(value)"));
                    value = format!("{table}.value");
                }
                (Hop::Values, true) => {
                    let map = format!("CASE WHEN jsonb_typeof({value}) = 'object' THEN {value} ELSE '{{}}' END");
                    tables.push(format!("jsonb_each({map}) AS {table}(key, value)"));
                    value = format!("{table}.value");
                }
                (Hop::Elements | Hop::Values, false) => {
                    tables.push(format!("json_each({value}) AS {table}"));
                    value = format!("{table}.value");
                }
            }
        }
        if postgres && !self.place.is_empty() {
            value = format!("({value} #>> '{{}}')");
        }
        (tables.join(", "), value)
    }

    /// That a name is that of the row `alias` of the target.
    fn leads(&self, dialect: Dialect, name: &str, alias: &str) -> String {
        let text = |text: &str| literal(dialect, &Literal::Text(text.to_owned()));
        let (mut whole, mut tests) = (Vec::new(), Vec::new());
        for (position, (word, key)) in self.words.iter().zip(&self.target_keys).enumerate() {
            let key = format!("{alias}.{}", quote(key));
            // By these the key of the table serves.
            tests.push(format!("{key} = {}", variable(dialect, name, position)));
            whole.extend([text(word), key]);
        }
        // Behind the last variable, of what there is one of.
        whole.extend(self.words.iter().skip(self.target_keys.len()).map(|word| text(word)));
        // What stands there may be no name of such a row.
        tests.push(format!("{} = {name}", whole.join(" || ")));
        tests.join(" AND ")
    }
}

/// A variable of a name: every second segment.
pub(crate) fn variable(dialect: Dialect, name: &str, position: usize) -> String {
    match dialect {
        Dialect::Postgres => format!("split_part({name}, '/', {})", 2 * position + 2),
        Dialect::Sqlite => {
            format!("json_extract('[' || replace(json_quote({name}), '/', '\",\"') || ']', '$[{}]')", 2 * position + 1)
        }
    }
}

/// Forgets a link.
pub(crate) fn forget(dialect: Dialect, link: &LinkName) -> String {
    let text = |text: &str| literal(dialect, &Literal::Text(text.to_owned()));
    format!("DELETE FROM mainstay_links WHERE source = {} AND path = {}", text(&link.source), text(&link.path))
}

/// A key as paths write it; keys are names of fields.
pub(crate) fn quoted(key: &str) -> String {
    format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
}
