//! Which constraint SQLite means.

use diesel::prelude::*;
use diesel::sql_types::Text;

/// What follows the colon in `UNIQUE constraint failed: users.email`.
pub(super) fn subject(message: &str) -> &str {
    message.split_once(": ").map_or("", |(_, subject)| subject)
}

/// The name of the violated constraint, as PostgreSQL would name it.
///
/// SQLite names an index only where it is on expressions (`index 'name'`); otherwise it names the columns.
pub(super) fn sqlite_unique(message: &str, link: &mut SqliteConnection) -> String {
    let subject = subject(message);
    if let Some(quoted) = subject.strip_prefix("index '") {
        return quoted.trim_end_matches('\'').to_owned();
    }
    let mut table = "";
    let mut columns = Vec::new();
    for part in subject.split(", ") {
        let Some((of, column)) = part.split_once('.') else { return subject.to_owned() };
        table = of;
        columns.push(column);
    }
    index_on(table, &columns, link).unwrap_or_else(|| subject.to_owned())
}

#[derive(QueryableByName)]
struct IndexRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    origin: String,
    #[diesel(sql_type = Text)]
    columns: String,
}

/// The unique indexes of a table with their columns in order. `origin`: `c` made by CREATE INDEX, `u` by UNIQUE, `pk`.
const UNIQUE_INDEXES: &str = "SELECT l.name AS name, l.origin AS origin, \
     (SELECT coalesce(group_concat(i.name, char(10) ORDER BY i.seqno), '') FROM pragma_index_info(l.name) AS i) AS columns \
     FROM pragma_index_list(?) AS l WHERE l.\"unique\" = 1";

fn index_on(table: &str, columns: &[&str], link: &mut SqliteConnection) -> Option<String> {
    let indexes: Vec<IndexRow> = diesel::sql_query(UNIQUE_INDEXES).bind::<Text, _>(table).load(link).ok()?;
    let found = indexes.into_iter().find(|index| index.columns.split('\n').eq(columns.iter().copied()));
    Some(match found {
        Some(index) if index.origin == "c" => index.name,
        Some(index) if index.origin == "u" => format!("{table}_{}_key", columns.join("_")),
        // A rowid table's INTEGER PRIMARY KEY has no index of its own.
        Some(_) | None => format!("{table}_pkey"),
    })
}
