//! The steps of a schema change, engine-neutral: what a plan holds and what a ledger's history is made of.

use std::fmt;

use mainstay_record::Kind;
use serde::{Deserialize, Serialize};

use crate::linked::{LinkName, NamesIn};
use crate::{Dialect, Literal, RowCondition};

/// One change of the schema. [`crate::schema_sql`] writes it as DDL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum SchemaStep {
    /// Makes a table. SQLite takes the foreign keys here (it cannot add them later); PostgreSQL takes each from its
    /// [`SchemaStep::AddForeignKey`], when all tables stand, so that two resources may refer to each other.
    CreateTable {
        table: String,
        columns: Vec<ColumnSpec>,
        primary_key: PrimaryKey,
        foreign_keys: Vec<ForeignKey>,
    },
    RenameTable {
        from: String,
        to: String,
    },
    /// Adds a column at once, whatever the table's size. `fill` is what the rows that exist get; without it they get the
    /// type's zero, or NULL where the column is nullable. `references` is for SQLite, as in `CreateTable`.
    AddColumn {
        table: String,
        column: ColumnSpec,
        fill: Option<Literal>,
        references: Option<ForeignKey>,
    },
    RenameColumn {
        table: String,
        from: String,
        to: String,
    },
    /// Makes a row for each row of another table, by its key, where there is none: `values` beside it, else what unset is.
    MakeRows {
        table: String,
        keys: Vec<String>,
        values: Vec<(String, Literal)>,
        source: String,
        source_keys: Vec<String>,
    },
    /// Makes a column anew as `column`, under the name that it has, and fills it with what each row's value becomes. It takes
    /// a time that grows with the table.
    ConvertColumn {
        table: String,
        column: ColumnSpec,
        /// The type that it has.
        from: Kind,
        how: Conversion,
    },
    /// Makes columns from others, which go, filled with what each row's values become. It takes a time that grows with the
    /// table. On SQLite those that go stay, out of the way, until the table is remade.
    ReplaceColumns {
        table: String,
        gone: Vec<String>,
        made: Vec<MadeColumn>,
    },
    /// Makes a table anew, with these columns of the one that stands, on SQLite, which takes a reference from a table or gives
    /// it one in no other way. Nothing on PostgreSQL, where references come and go by themselves.
    RemakeTable {
        table: String,
        columns: Vec<ColumnSpec>,
        primary_key: PrimaryKey,
        foreign_keys: Vec<ForeignKey>,
        /// The indexes that it has.
        indexes: Vec<SchemaStep>,
    },
    /// Drops a column with its values.
    DropColumn {
        table: String,
        column: String,
    },
    /// Drops a table with its rows.
    DropTable {
        table: String,
    },
    /// Makes an index. `concurrently`: outside any transaction, without blocking writers (PostgreSQL); a half-made index of
    /// an earlier attempt is dropped first, so the step can be run again.
    CreateIndex {
        name: String,
        table: String,
        columns: Vec<IndexColumn>,
        unique: bool,
        /// The rows that it has; all where it says nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<OnlyRows>,
        /// A further condition on them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        condition: Option<RowCondition<String>>,
        /// Rows with the same values must not overlap in time; without it there must not be two of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        span: Option<Span>,
        concurrently: bool,
    },
    DropIndex {
        name: String,
        table: String,
        /// It was made with a `span`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        spans: bool,
        concurrently: bool,
    },
    /// Fills the table of links with the names that stand in lists.
    FillLinks {
        link: LinkName,
        names: Vec<NamesIn>,
    },
    /// Forgets what lists named.
    ForgetLinks {
        link: LinkName,
    },
    /// Forgets which transitions rows of a resource went through.
    ForgetHistory {
        /// Its type.
        resource: String,
    },
    /// Adds a foreign key to a table that stands; nothing on SQLite, where the table or column was made with it.
    AddForeignKey {
        table: String,
        key: ForeignKey,
    },
    /// Takes it away; nothing on SQLite, where the table is made anew without it.
    DropForeignKey {
        table: String,
        name: String,
    },
}

/// A column that is made from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeColumn {
    pub column: ColumnSpec,
    pub from: MadeFrom,
}

/// What a column is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeFrom {
    /// The name of a row, from the columns of its key; unset where they are. `words` as in [`NamesIn`].
    Key {
        columns: Vec<String>,
        words: Vec<String>,
        /// As the only element of a list.
        listed: bool,
    },
    /// One variable of a name that is a text; unset where that is unset or empty.
    Variable { column: String, position: usize },
}

/// What becomes of a value when its column is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// Unset is the type's zero from now on.
    UnsetToZero,
    /// The zero, which could not be told from unset, is unset.
    ZeroToUnset,
    /// The text's UTF-8.
    ToBytes,
    /// A list of one element; where it is unset, of none.
    ToList,
}

/// A column to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSpec {
    pub name: String,
    #[serde(rename = "type")]
    pub ty: Kind,
    /// NULL iff unset; otherwise NOT NULL with the type's zero as default.
    pub nullable: bool,
}

/// The primary key: its columns, and the name of its constraint on PostgreSQL (where a violation is told by that name).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrimaryKey {
    pub name: String,
    pub columns: Vec<String>,
}

/// A foreign key. It refuses a change that would break it, at once; it never carries CASCADE or SET NULL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    pub target: String,
    pub target_columns: Vec<String>,
}

/// Which rows an index has, by a column that may be NULL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OnlyRows {
    pub column: String,
    /// Those in which it is set, else those in which it is not.
    pub set: bool,
}

/// The time of a row, `[from, to)`: two columns of one kind that may be NULL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    pub from: String,
    pub to: String,
    /// Timestamps, or dates as numbers.
    pub kind: Kind,
    /// The primary key: no row is in its own way.
    pub keys: Vec<String>,
}

/// A column of an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct IndexColumn {
    pub name: String,
    pub descending: bool,
    /// Whether the column may be NULL; decides `NULLS FIRST`/`NULLS LAST` on PostgreSQL, so that orders can use the index.
    pub nullable: bool,
    /// In a unique index: the type of a column whose zero means unset, so that such rows stay out of the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unset_zero: Option<Kind>,
    /// Texts are compared by their simple case folding.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub folded: bool,
    /// In a unique index: the type of a column in which NULL is a value like others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unset_as: Option<Kind>,
}

impl SchemaStep {
    /// Says whether the step runs outside the plan's one transaction.
    pub fn concurrently(&self) -> bool {
        matches!(
            self,
            SchemaStep::CreateIndex { concurrently: true, .. } | SchemaStep::DropIndex { concurrently: true, .. }
        )
    }
}

/// One calm line, as a plan shows it.
impl fmt::Display for SchemaStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SchemaStep::CreateTable { table, columns, .. } => {
                write!(f, "create table   {table} ({} columns)", columns.len())
            }
            SchemaStep::RenameTable { from, to } => write!(f, "rename table   {from} -> {to}"),
            SchemaStep::AddColumn { table, column, fill, .. } => {
                write!(f, "add column     {table}.{}", column.name)?;
                if fill.is_some() { f.write_str(", filled with the field's default") } else { Ok(()) }
            }
            SchemaStep::RenameColumn { table, from, to } => write!(f, "rename column  {table}.{from} -> {to}"),
            SchemaStep::ConvertColumn { table, column, how, .. } => {
                let how = match how {
                    Conversion::UnsetToZero => "unset becomes zero",
                    Conversion::ZeroToUnset => "zero becomes unset",
                    Conversion::ToBytes => "text becomes its bytes",
                    Conversion::ToList => "a value becomes a list of one",
                };
                write!(f, "convert column {table}.{}: {how}", column.name)
            }
            SchemaStep::MakeRows { table, source, .. } => {
                write!(f, "make rows      {table}, one for each of {source}")
            }
            SchemaStep::ReplaceColumns { table, gone, made } => {
                let made: Vec<&str> = made.iter().map(|made| made.column.name.as_str()).collect();
                write!(f, "convert column {table}.{}: from {}", made.join(", "), gone.join(", "))
            }
            SchemaStep::RemakeTable { table, .. } => write!(f, "remake table   {table}, on SQLite"),
            SchemaStep::DropColumn { table, column } => write!(f, "drop column    {table}.{column}"),
            SchemaStep::DropTable { table } => write!(f, "drop table     {table}"),
            SchemaStep::CreateIndex { .. } => self.show_index(f),
            SchemaStep::DropIndex { name, .. } => write!(f, "drop index     {name}"),
            SchemaStep::FillLinks { link, .. } => {
                write!(f, "note links     {} of {} to {}", link.path, link.source, link.target)
            }
            SchemaStep::ForgetHistory { resource } => write!(f, "forget history {resource}"),
            SchemaStep::ForgetLinks { link } => write!(f, "forget links   {} of {}", link.path, link.source),
            SchemaStep::AddForeignKey { table, key } => {
                write!(f, "add reference  {table}.{} -> {}", key.columns.join(", "), key.target)
            }
            SchemaStep::DropForeignKey { table, name } => write!(f, "drop reference {name} of {table}"),
        }
    }
}

impl SchemaStep {
    fn show_index(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SchemaStep::CreateIndex { name, table, columns, unique, only, condition, span, concurrently } = self else {
            return Ok(());
        };
        let kind = match (span, unique) {
            (Some(_), _) => "exclusion",
            (None, true) => "unique index",
            (None, false) => "index",
        };
        write!(f, "create {kind}   {name} on {table} (")?;
        for (i, column) in columns.iter().enumerate() {
            let separator = if i > 0 { ", " } else { "" };
            let direction = if column.descending { " desc" } else { "" };
            let folded = if column.folded { " without case" } else { "" };
            let unset = if column.unset_as.is_some() { " or unset" } else { "" };
            write!(f, "{separator}{}{folded}{unset}{direction}", column.name)?;
        }
        if let Some(Span { from, to, .. }) = span {
            write!(f, "{}from {from} to {to}", if columns.is_empty() { "" } else { ", " })?;
        }
        f.write_str(")")?;
        if let Some(OnlyRows { column, set }) = only {
            write!(f, " where {column} is {}", if *set { "set" } else { "unset" })?;
        }
        if let Some(condition) = condition {
            let word = if only.is_some() { "and" } else { "where" };
            write!(f, " {word} {}", condition.text(Dialect::Sqlite, None))?;
        }
        f.write_str(if *concurrently { " while the table is in use" } else { "" })
    }
}
