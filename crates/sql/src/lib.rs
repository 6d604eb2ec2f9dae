#![doc = include_str!("../README.md")]

mod builder;
mod ddl;
mod dialect;
mod expression;
mod identifier;
mod keyset;
mod limit;
mod order;
mod probe;
mod schema;
mod statement;
mod tables;

pub use builder::{BindSource, Sql, SqlBuilder};
pub use ddl::schema_sql;
pub use dialect::Dialect;
pub use identifier::{IDENTIFIER_MAX_BYTES, identifier, quote};
pub use keyset::{After, NullPattern};
pub use limit::{Constant, Limit};
pub use order::{OrderColumn, order_columns};
pub use probe::{Hop, MAX_INDEXED_BYTES, Probe};
pub use schema::{ColumnSpec, ForeignKey, IndexColumn, Literal, OnlyRows, PrimaryKey, SchemaStep};
pub use statement::{
    Claim, Condition, Delete, Insert, Lock, Select, Update, claiming_insert, delete, expression, insert, select, update,
};
pub use tables::{Table, Tables};
