//! Physical names: readable, and never another's again.

use std::collections::BTreeMap;

use mainstay_contract::reserved_beginning;
use mainstay_sql::identifier;

/// Columns that every table of PostgreSQL has.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Gives out a name for a table, index or constraint.
pub(crate) fn claim_table(names: &mut BTreeMap<String, String>, wanted: &str, owner: &str) -> String {
    let lower = wanted.to_ascii_lowercase();
    let wanted = if reserved_beginning(&lower).is_some() { format!("app_{wanted}") } else { wanted.to_owned() };
    let candidates = std::iter::once(wanted.clone()).chain((2_u32..).map(|n| format!("{wanted}_{n}")));
    claim(names, candidates, owner)
}

/// Gives out a name for a column; where the wanted one once was another column's, its field number stands behind it.
pub(crate) fn claim_column(names: &mut BTreeMap<String, String>, wanted: &str, owner: &str, suffix: &str) -> String {
    let reserved = SYSTEM_COLUMNS.contains(&wanted.to_ascii_lowercase().as_str());
    let plain = (!reserved).then(|| wanted.to_owned());
    let with_number = format!("{wanted}_{suffix}");
    let further = (2_u32..).map(|n| format!("{with_number}_{n}"));
    claim(names, plain.into_iter().chain(std::iter::once(with_number.clone())).chain(further), owner)
}

/// Takes the first candidate that is free or was the owner's before. Names that differ only in case are one name: SQLite
/// takes them for the same.
fn claim(names: &mut BTreeMap<String, String>, candidates: impl Iterator<Item = String>, owner: &str) -> String {
    for candidate in candidates {
        let name = identifier(&candidate).into_owned();
        let known = names.entry(name.to_ascii_lowercase()).or_insert_with(|| owner.to_owned());
        if known == owner {
            return name;
        }
    }
    // The candidates are endless and the taken names are not.
    identifier(owner).into_owned()
}
