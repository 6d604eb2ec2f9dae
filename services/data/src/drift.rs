//! Where the database is not what the ledger says. Each difference is named, and none is mended: what made it is not known.

use std::collections::BTreeMap;
use std::fmt;

use mainstay_db::Conn;
use mainstay_db::catalog::{self, ForeignKey, Index, Table};
use mainstay_ledger::{ColumnEntry, ColumnId, IndexEntry, Ledger, ResourceEntry};
use mainstay_sql::{ColumnSpec, Dialect, SchemaStep, schema_sql};

use crate::apply::dialect;
use crate::store::contracts::{self, ReadError};

/// How the service's own tables, and those of what migrates them, are called.
const OWN: [&str; 2] = ["mainstay_", "__diesel_"];

/// Where applied contracts are.
const CONTRACTS: &str = "mainstay_contracts";

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub kind: Kind,
    /// `shop_v1_order`, `shop_v1_order.note`
    pub place: String,
    pub what: String,
    pub remedy: String,
}

/// How bad a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Requests fail, or answer with something else than what is stored.
    Breaks,
    /// Requests are answered, more slowly or with a promise less.
    Weakens,
    /// Nothing of ours looks at it.
    Stranger,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// What a store says that it serves, and where its tables are not so.
#[derive(Debug, Default)]
pub struct Found {
    /// 0 where no contract was ever applied.
    pub revision: i64,
    pub resources: usize,
    pub differences: Vec<Difference>,
}

/// Compares the database with the ledger of the newest contract.
pub async fn find(conn: &mut Conn<'_>) -> Result<Found, ReadError> {
    let tables = catalog::catalog(conn).await?;
    let applied = if tables.contains_key(CONTRACTS) { contracts::newest(conn).await? } else { None };
    let dialect = dialect(conn.engine());
    Ok(match applied {
        None => Found { differences: compare(&Ledger::empty(), &tables, dialect), ..Found::default() },
        Some(applied) => Found {
            revision: applied.revision,
            resources: applied.ledger.entries().filter(|(_, entry)| entry.hidden.is_none()).count(),
            differences: compare(&applied.ledger, &tables, dialect),
        },
    })
}

/// Compares tables with a ledger.
pub fn compare(ledger: &Ledger, tables: &BTreeMap<String, Table>, dialect: Dialect) -> Vec<Difference> {
    let mut found = Vec::new();
    let entries: Vec<&ResourceEntry> = ledger.entries().map(|(_, entry)| entry).collect();
    for entry in &entries {
        match tables.get(&entry.table) {
            Some(table) => Comparison { ledger, entry, table, dialect, found: &mut found }.run(),
            None => found.push(Difference {
                kind: Kind::Breaks,
                place: entry.table.clone(),
                what: format!("the table of {} is missing", entry.message),
                remedy: "restore a backup".to_owned(),
            }),
        }
    }
    let is_known =
        |name: &str| entries.iter().any(|entry| entry.table == name) || OWN.iter().any(|own| name.starts_with(own));
    for name in tables.keys().filter(|name| !is_known(name)) {
        found.push(Difference {
            kind: Kind::Stranger,
            place: name.clone(),
            what: "the ledger does not know this table".to_owned(),
            remedy: "keep what is not Mainstay's in a database of its own".to_owned(),
        });
    }
    found
}

struct Comparison<'a> {
    ledger: &'a Ledger,
    entry: &'a ResourceEntry,
    table: &'a Table,
    dialect: Dialect,
    found: &'a mut Vec<Difference>,
}

impl Comparison<'_> {
    fn run(mut self) {
        self.columns();
        self.indexes();
        self.references();
    }

    fn add(&mut self, kind: Kind, of: &str, what: String, remedy: String) {
        let place = if of.is_empty() { self.entry.table.clone() } else { format!("{}.{of}", self.entry.table) };
        self.found.push(Difference { kind, place, what, remedy });
    }

    fn columns(&mut self) {
        for column in self.entry.columns.values() {
            let Some(there) = self.table.columns.get(&column.name) else {
                let remedy =
                    format!("restore a backup; or make it again, without its values: {}", self.column_sql(column));
                self.add(Kind::Breaks, &column.name, "the column is missing".to_owned(), remedy);
                continue;
            };
            let wanted = self.dialect.column_type(column.ty);
            if !there.ty.eq_ignore_ascii_case(wanted) {
                let what = format!("the column is {}, and should be {wanted}", there.ty);
                self.add(Kind::Breaks, &column.name, what, "restore a backup, or change its type back".to_owned());
            }
            if there.nullable != column.nullable {
                let (is, should) =
                    if there.nullable { ("may be NULL", "must not") } else { ("must not be NULL", "may") };
                let what = format!("the column {is}, and {should}");
                let remedy = "change it back: an unset value is NULL in some columns and the type's zero in others";
                self.add(Kind::Breaks, &column.name, what, remedy.to_owned());
            }
        }
        let known = |name: &String| self.entry.columns.values().any(|column| column.name == *name);
        let strangers: Vec<String> = self.table.columns.keys().filter(|name| !known(name)).cloned().collect();
        for name in strangers {
            let must_be_set = self.table.columns.get(&name).is_some_and(|column| !column.nullable);
            let kind = if must_be_set { Kind::Weakens } else { Kind::Stranger };
            let remedy = "declare a field for it in the contract (under another name), or drop it";
            self.add(kind, &name, "the ledger does not know this column".to_owned(), remedy.to_owned());
        }
    }

    fn indexes(&mut self) {
        for index in &self.entry.indexes {
            let Some(there) = self.table.indexes.get(&index.name) else {
                let (kind, what) = match index.unique {
                    true => (Kind::Breaks, "the unique index is missing: the same value can be stored twice"),
                    false => (Kind::Weakens, "the index is missing: lists read the whole table"),
                };
                self.add(kind, &index.name, what.to_owned(), self.index_sql(index));
                continue;
            };
            if !there.valid {
                let kind = if index.unique { Kind::Breaks } else { Kind::Weakens };
                let what = "the index is invalid: PostgreSQL does not use it for reads".to_owned();
                self.add(kind, &index.name, what, format!("REINDEX INDEX CONCURRENTLY \"{}\";", index.name));
            }
            let wanted = self.wanted(index);
            if (there.unique, there.partial, &there.columns) != (wanted.unique, wanted.partial, &wanted.columns) {
                let what = format!("the index is {}, and should be {}", words(there), words(&wanted));
                let kind = if index.unique { Kind::Breaks } else { Kind::Weakens };
                self.add(kind, &index.name, what, format!("{} {}", self.drop_sql(index), self.index_sql(index)));
            }
        }
        let known = |name: &String| self.entry.indexes.iter().any(|index| index.name == *name);
        let strangers: Vec<(String, bool, bool)> = self
            .table
            .indexes
            .iter()
            .filter(|(name, _)| !known(name))
            .map(|(name, index)| (name.clone(), index.valid, index.unique))
            .collect();
        for (name, valid, unique) in strangers {
            let (kind, what) = match (valid, unique) {
                (false, _) => {
                    (Kind::Weakens, "an index is being built, or its building broke off: it costs every write")
                }
                (true, true) => (
                    Kind::Weakens,
                    "the ledger does not know this unique index: it refuses writes for a reason that the contract does not give",
                ),
                (true, false) => (Kind::Stranger, "the ledger does not know this index: it costs every write"),
            };
            let remedy = format!("declare it in the contract (`index`), or DROP INDEX \"{name}\";");
            self.add(kind, &name, what.to_owned(), remedy);
        }
    }

    fn references(&mut self) {
        for (path, reference) in &self.entry.references {
            let Some(target) = self.ledger.resource(&reference.target) else { continue };
            let (columns, target) = (self.entry.referring(path, target), target.table.clone());
            let key = ForeignKey { columns, target };
            if !self.table.foreign_keys.contains(&key) {
                let what = format!("the reference to {} is missing: a row may refer to none", key.target);
                let remedy = "restore a backup, or add the foreign key again".to_owned();
                self.add(Kind::Weakens, &key.columns.join(", "), what, remedy);
            }
        }
    }

    /// The index as the ledger has it.
    fn wanted(&self, index: &IndexEntry) -> Index {
        let name = |id: &ColumnId| self.entry.columns.get(id).map(|column| column.name.clone()).unwrap_or_default();
        let partial = index.rows.is_some()
            || index.condition.is_some()
            || (index.unique && index.columns.iter().any(|part| self.leaves_zero_out(part)));
        let columns = index.columns.iter().flat_map(|part| self.wanted_parts(part));
        let Some(span) = &index.span else {
            return Index { unique: index.unique, columns: columns.collect(), partial, valid: true };
        };
        // Its triggers look for rows by it; PostgreSQL's constraint is on ranges, and leaves out what has none.
        let from = name(&span.from);
        let columns = match self.dialect {
            Dialect::Sqlite => columns.chain([(from, false)]).collect(),
            Dialect::Postgres => {
                columns.chain([(from, false)]).map(|(_, descending)| (String::new(), descending)).collect()
            }
        };
        Index { unique: false, columns, partial: self.dialect == Dialect::Postgres, valid: true }
    }

    /// The column, or the expressions that stand for it, which have no name.
    fn wanted_parts(&self, part: &mainstay_ledger::IndexPart) -> Vec<(String, bool)> {
        let column = self.entry.columns.get(&part.column);
        let name = column.map(|column| column.name.clone()).unwrap_or_default();
        match () {
            () if part.with_unset && column.is_some_and(|column| column.nullable) => {
                vec![(String::new(), part.descending), (String::new(), false)]
            }
            () if part.folded && self.dialect == Dialect::Postgres => vec![(String::new(), part.descending)],
            () => vec![(name, part.descending)],
        }
    }

    fn leaves_zero_out(&self, part: &mainstay_ledger::IndexPart) -> bool {
        let column = self.entry.columns.get(&part.column);
        part.without_zero && column.is_some_and(|column| self.dialect.zero(column.ty).is_some())
    }

    fn index_sql(&self, index: &IndexEntry) -> String {
        index.create(self.entry, false).map(|step| self.sql(&step)).unwrap_or_default()
    }

    fn drop_sql(&self, index: &IndexEntry) -> String {
        self.sql(&index.drop(&self.entry.table)).replace("CONCURRENTLY ", "").replace("IF EXISTS ", "")
    }

    fn column_sql(&self, column: &ColumnEntry) -> String {
        let spec = ColumnSpec { name: column.name.clone(), ty: column.ty, nullable: column.nullable };
        let table = self.entry.table.clone();
        self.sql(&SchemaStep::AddColumn { table, column: spec, fill: None, references: None })
    }

    fn sql(&self, step: &SchemaStep) -> String {
        schema_sql(self.dialect, step).iter().map(|sql| format!("{sql};")).collect::<Vec<_>>().join(" ")
    }
}

fn words(index: &Index) -> String {
    let columns =
        index.columns.iter().map(|(name, descending)| format!("{name}{}", if *descending { " desc" } else { "" }));
    let columns: Vec<String> = columns.collect();
    let unique = if index.unique { "unique on " } else { "on " };
    format!("{unique}{}{}", columns.join(", "), if index.partial { ", of some rows" } else { "" })
}
