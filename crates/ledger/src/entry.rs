//! What the ledger remembers.

use mainstay_contract::{Callers, Migration, ORGANISATION_COLUMN};
use mainstay_record::Kind;
use mainstay_sql::{Dialect, IndexColumn, OnlyRows, RowCondition, SchemaStep, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::terms::{EnumValues, FieldTerms, ResourceTerms, TERMS_VERSION};
use crate::{ColumnId, FieldPath, JsonEntry, Signature};

/// The version of the ledger's own form. A ledger of a newer one is refused, never misread.
pub const LEDGER_VERSION: u32 = 1;

/// The dialect in which patterns are read: RE2's.
pub(crate) const PATTERNS: u32 = 1;

/// Which table, column, index and JSON key is which resource and field. It is stored as JSON beside the data, and changes
/// only in the transaction that changes the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub(crate) version: u32,
    /// How the terms are written down, see [`TERMS_VERSION`]; 0 where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) terms: u32,
    /// In which dialect the patterns were read that values are checked by, see [`PATTERNS`]; 0 where that was none of its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) patterns: u32,
    /// By resource type. What a plan leaves as it is the ledgers before and after it share.
    pub(crate) resources: BTreeMap<String, Arc<ResourceEntry>>,
    /// Every name that a table, index or constraint ever had, in lower case, and whose it is.
    pub(crate) names: BTreeMap<String, String>,
    /// The data migrations that ran or have begun to, by number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) migrations: BTreeMap<u32, MigrationEntry>,
    /// What roles were worth in the last contract.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) roles: BTreeMap<String, RoleEntry>,
    /// The methods that upstreams answered in a contract, by `shop.v1.PricingService/Price`, as they were last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) own_methods: BTreeMap<String, OwnMethod>,
}

/// A role as the ledger remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RoleEntry {
    /// Members of an organisation have it there; else accounts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub organisation: bool,
    /// What it grants, by itself and by what it includes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub permissions: BTreeSet<String>,
}

/// A method of one of the application's own services as the ledger remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnMethod {
    /// Who answers it.
    pub upstream: String,
    pub callers: Callers,
    /// It says that it changes nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
}

/// How far a data migration is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationEntry {
    /// `0001_titles`
    pub name: String,
    /// Of its text.
    pub hash: String,
    /// How many statements are done.
    pub statement: usize,
    /// How many rows they changed.
    pub rows: u64,
    /// All are, and it was found that they did what they should.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
}

/// A resource and its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceEntry {
    /// The message's full name now.
    pub message: String,
    /// The name that the contract would give the table now.
    pub natural_table: String,
    /// The name that the table has.
    pub table: String,
    /// The name of the primary key's constraint.
    pub primary_key: String,
    pub columns: BTreeMap<ColumnId, ColumnEntry>,
    pub fields: BTreeMap<FieldPath, FieldEntry>,
    /// By the field that refers.
    pub references: BTreeMap<FieldPath, ReferenceEntry>,
    /// The references inside lists, by the numbers of the fields on the way, with dots between: the type that they lead to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, String>,
    pub indexes: Vec<IndexEntry>,
    /// Every name that a column of the table ever had, in lower case, and whose it is.
    pub column_names: BTreeMap<String, String>,
    /// Nothing where an earlier version of this program stored the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<ResourceTerms>,
    /// Removed from the contract; the table and its rows are still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Hidden>,
}

/// Since when something is hidden.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hidden {
    /// Microseconds since 1970 UTC; nothing until the plan was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEntry {
    /// The name that the contract would give the column now.
    pub natural: String,
    /// The name that the column has.
    pub name: String,
    #[serde(rename = "type")]
    pub ty: Kind,
    pub nullable: bool,
}

/// A field, there or hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldEntry {
    pub name: String,
    pub signature: Signature,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// What a value must satisfy, in words; another set of words is looked at before it is taken on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// Deleted from the contract; its columns and values are still there and its number is never another field's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// Since when, in microseconds since 1970 UTC; nothing until the plan was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_since: Option<i64>,
    /// Of an enum: what the numbers mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<EnumValues>,
    /// Nothing where an earlier version of this program stored the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<FieldTerms>,
    /// Of a field that lies in a JSON column: the keys of what is inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<JsonEntry>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceEntry {
    pub name: String,
    pub target: String,
}

/// An index. Its identity is everything but its name, which it keeps from birth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    pub name: String,
    pub columns: Vec<IndexPart>,
    pub unique: bool,
    /// The rows that it has; all where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<IndexedRows>,
    /// A further condition on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<RowCondition<ColumnId>>,
    /// Rows with the same values must not overlap in time; without it there must not be two of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<IndexedSpan>,
}

/// The time of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedSpan {
    pub from: ColumnId,
    pub to: ColumnId,
}

/// The rows of an index that has not all, by the column that says when they were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedRows {
    pub column: ColumnId,
    /// Those that are deleted, else those that are not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// A column of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPart {
    pub column: ColumnId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
    /// The column's zero means unset, and such rows stay out of the index.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_zero: bool,
    /// Texts are compared by their simple case folding.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub folded: bool,
    /// What is unset is a value like others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_unset: bool,
}

/// Why a stored ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("the ledger has version {found}, but this program knows versions up to {known}: use a newer program")]
    Newer { found: u32, known: u32 },
    #[error("the stored ledger is damaged: restore it from a backup")]
    Malformed(#[source] serde_json::Error),
}

impl Ledger {
    /// The ledger of a database without tables.
    pub fn empty() -> Ledger {
        Ledger {
            version: LEDGER_VERSION,
            terms: TERMS_VERSION,
            patterns: PATTERNS,
            resources: BTreeMap::new(),
            names: BTreeMap::new(),
            migrations: BTreeMap::new(),
            roles: BTreeMap::new(),
            own_methods: BTreeMap::new(),
        }
    }

    /// Reads a stored ledger.
    ///
    /// # Errors
    /// Fails when a newer program wrote it, or when it is not a ledger.
    pub fn from_json(json: &str) -> Result<Ledger, LedgerError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let head: Head = serde_json::from_str(json).map_err(LedgerError::Malformed)?;
        if head.version > LEDGER_VERSION {
            return Err(LedgerError::Newer { found: head.version, known: LEDGER_VERSION });
        }
        let mut ledger: Ledger = serde_json::from_str(json).map_err(LedgerError::Malformed)?;
        for entry in ledger.resources.values_mut().filter_map(Arc::get_mut) {
            entry.pack();
        }
        Ok(ledger)
    }

    /// Writes the ledger as it is stored: the same bytes for the same ledger.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a ledger has only text keys")
    }

    /// Says whether nothing was ever made.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Says whether the ledger knows the contract's terms, in the words of this version.
    pub fn has_terms(&self) -> bool {
        self.terms == TERMS_VERSION
    }

    /// Says whether patterns meant the same when the contract was applied.
    pub(crate) fn knows_patterns(&self) -> bool {
        self.patterns == PATTERNS
    }

    /// The names of the data migrations that ran or have begun to.
    pub(crate) fn migration_names(&self) -> impl Iterator<Item = &str> {
        self.migrations.values().map(|entry| entry.name.as_str())
    }

    /// Says whether a data migration is done.
    pub fn has_run(&self, number: u32) -> bool {
        self.migrations.get(&number).is_some_and(|entry| entry.done)
    }

    /// How far a data migration is; at its beginning where its text is another one since it was broken off.
    pub fn migration(&self, migration: &Migration) -> MigrationEntry {
        let (name, hash) = (migration.name.clone(), migration.hash.clone());
        let known = self.migrations.get(&migration.number).filter(|known| known.hash == hash).cloned();
        known.unwrap_or(MigrationEntry { name, hash, statement: 0, rows: 0, done: false })
    }

    /// The ledger when a data migration is that far.
    #[must_use]
    pub fn with_migration(&self, number: u32, entry: MigrationEntry) -> Ledger {
        let mut ledger = self.clone();
        ledger.migrations.insert(number, entry);
        ledger
    }

    /// Notes since when everything is hidden that was not hidden before.
    pub fn hidden_at(&mut self, now: i64) {
        let is_hidden =
            |entry: &ResourceEntry| entry.hidden.is_some() || entry.fields.values().any(|field| field.hidden);
        for entry in self.resources.values_mut().filter(|entry| is_hidden(entry)) {
            let entry = Arc::make_mut(entry);
            if let Some(hidden) = &mut entry.hidden {
                hidden.since.get_or_insert(now);
            }
            for field in entry.fields.values_mut().filter(|field| field.hidden) {
                field.hidden_since.get_or_insert(now);
            }
        }
    }

    /// What is remembered of a resource, by its type.
    pub fn resource(&self, type_name: &str) -> Option<&ResourceEntry> {
        self.resources.get(type_name).map(Arc::as_ref)
    }

    /// Everything that is remembered, by the resources' types.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &ResourceEntry)> {
        self.resources.iter().map(|(type_name, entry)| (type_name.as_str(), entry.as_ref()))
    }

    /// The name that was given to this owner. An index made again after it was dropped has the name that it had.
    pub(crate) fn name_of(&self, owner: &str) -> Option<String> {
        self.names.iter().find(|(_, known)| *known == owner).map(|(name, _)| name.clone())
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl ResourceEntry {
    /// The columns that a reference is made of, in their order: behind that of the organisation, where what it leads to belongs
    /// to one.
    pub fn referring(&self, path: &FieldPath, target: &ResourceEntry) -> Vec<String> {
        let own = self.columns.get(&ColumnId::Key(0)).filter(|_| target.is_tenant());
        let named = self.columns.iter().filter(|(id, _)| id.field() == Some(path)).map(|(_, column)| column);
        own.into_iter().chain(named).map(|column| column.name.clone()).collect()
    }

    /// Says whether its rows belong to organisations. No other part of a key has a name like that.
    pub fn is_tenant(&self) -> bool {
        self.columns.get(&ColumnId::Key(0)).is_some_and(|column| column.natural == ORGANISATION_COLUMN)
    }

    /// Gives back what its maps do not need: one that is filled in order keeps room for as much again as it holds.
    pub(crate) fn pack(&mut self) {
        self.columns = mem::take(&mut self.columns).into_iter().collect();
        self.fields = mem::take(&mut self.fields).into_iter().collect();
        self.column_names = mem::take(&mut self.column_names).into_iter().collect();
    }
}

impl IndexEntry {
    /// Says whether two entries are the same index, whatever they are called.
    pub fn is_same(&self, other: &IndexEntry) -> bool {
        let what = |index: &IndexEntry| IndexEntry { name: String::new(), ..index.clone() };
        what(self) == what(other)
    }

    /// The step that makes it in a table as it is now; nothing where a column is gone.
    pub fn create(&self, entry: &ResourceEntry, concurrently: bool) -> Option<SchemaStep> {
        let name = |id: &ColumnId| entry.columns.get(id).map(|column| column.name.clone());
        let columns = self.columns.iter().map(|part| part.column_of(entry)).collect::<Option<Vec<_>>>()?;
        let only = match &self.rows {
            Some(rows) => Some(OnlyRows { column: name(&rows.column)?, set: rows.deleted }),
            None => None,
        };
        let condition = match &self.condition {
            Some(condition) => Some(condition.map(name)?),
            None => None,
        };
        let span = match &self.span {
            Some(span) => Some(span.columns_of(entry)?),
            None => None,
        };
        let concurrently = concurrently && span.is_none();
        let (name, table, unique) = (self.name.clone(), entry.table.clone(), self.unique);
        Some(SchemaStep::CreateIndex { name, table, columns, unique, only, condition, span, concurrently })
    }

    /// The step that drops it.
    pub fn drop(&self, table: &str) -> SchemaStep {
        let (name, spans) = (self.name.clone(), self.span.is_some());
        SchemaStep::DropIndex { name, table: table.to_owned(), spans, concurrently: !spans }
    }

    /// Who owns the index's name: the same index made again may have its name again.
    pub(crate) fn owner(&self, resource: &str) -> String {
        let unique = if self.unique { "unique " } else { "" };
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|part| {
                let direction = if part.descending { " desc" } else { "" };
                let zero = if part.without_zero { " set" } else { "" };
                let folded = if part.folded { " folded" } else { "" };
                let unset = if part.with_unset { " or unset" } else { "" };
                format!("{}{direction}{zero}{folded}{unset}", part.column)
            })
            .collect();
        let rows = match &self.rows {
            None => String::new(),
            Some(rows) => format!(" of rows {} {}", if rows.deleted { "with" } else { "without" }, rows.column),
        };
        let condition = self.condition.as_ref().and_then(|condition| condition.map(|column| Some(column.to_string())));
        let condition = condition.map(|condition| format!(" where {}", condition.text(Dialect::Sqlite, None)));
        let span = self.span.as_ref().map(|span| format!(" from {} to {}", span.from, span.to));
        let (condition, span) = (condition.unwrap_or_default(), span.unwrap_or_default());
        format!("{unique}index of {resource} ({}){span}{rows}{condition}", columns.join(", "))
    }
}

impl IndexPart {
    /// The column as a table has it.
    pub(crate) fn column_of(&self, entry: &ResourceEntry) -> Option<IndexColumn> {
        let column = entry.columns.get(&self.column)?;
        Some(IndexColumn {
            name: column.name.clone(),
            descending: self.descending,
            nullable: column.nullable,
            unset_zero: self.without_zero.then_some(column.ty),
            folded: self.folded,
            unset_as: self.with_unset.then_some(column.ty),
        })
    }
}

impl IndexedSpan {
    /// The columns as a table has them.
    pub(crate) fn columns_of(&self, entry: &ResourceEntry) -> Option<Span> {
        let (from, to) = (entry.columns.get(&self.from)?, entry.columns.get(&self.to)?);
        let is_key = |(id, _): &(&ColumnId, &ColumnEntry)| matches!(id, ColumnId::Key(_));
        let keys = entry.columns.iter().filter(is_key).map(|(_, column)| column.name.clone()).collect();
        Some(Span { from: from.name.clone(), to: to.name.clone(), kind: from.ty, keys })
    }
}
