//! A contract with a field of every kind that rules and filters speak of, for targets that need one.

use std::sync::{Arc, LazyLock};

use mainstay_contract::{Contract, Resource, Source, compile};
use mainstay_expr::RecordType;
use mainstay_record::{Column, Value};
use mainstay_sql::Tables;

/// Where a rule stands in the sample.
const RULE: &str = "resource.owner == auth.uid";

/// The text of the sample, with a rule in place of its read rule.
pub fn text(rule: &str) -> String {
    let literal: String = rule.chars().flat_map(escaped).collect();
    include_str!("sample.proto").replace(RULE, &literal)
}

/// A character as it stands in a literal.
fn escaped(c: char) -> Vec<char> {
    match c {
        '"' | '\\' => vec!['\\', c],
        '\n' => vec!['\\', 'n'],
        '\r' => vec!['\\', 'r'],
        '\0' => vec!['\\', '0', '0', '0'],
        c => vec![c],
    }
}

/// The path of the sample's file.
pub fn source(text: String) -> Source {
    Source { path: "lib/v1/lib.proto".to_owned(), text }
}

/// The sample, compiled.
pub static SAMPLE: LazyLock<Contract> =
    LazyLock::new(|| compile(vec![source(text(RULE))]).unwrap_or_else(|problems| panic!("{problems}")));

/// The resource that rules and filters are about.
pub fn book(contract: &Contract) -> &Arc<Resource> {
    let found = contract.resources.iter().find(|resource| resource.message == "lib.v1.Book");
    found.expect("the sample has it")
}

/// What rules and filters know of all resources.
pub fn records(contract: &Contract) -> Vec<Arc<RecordType>> {
    contract.resources.iter().map(|resource| resource.record.clone()).collect()
}

pub fn tables(contract: &Contract) -> Tables {
    mainstay_ledger::tables(contract)
}

/// A row with nothing set.
pub fn row(resource: &Resource) -> Vec<Value> {
    let empty = |column: &Column| if column.nullable { Value::Null } else { column.kind.zero() };
    resource.layout.columns.iter().map(empty).collect()
}
