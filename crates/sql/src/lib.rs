#![doc = include_str!("../README.md")]

mod apart;
mod arithmetic;
mod ask;
mod builder;
mod chain;
mod climb;
mod compare;
mod conflict;
mod ddl;
mod definition;
mod dialect;
mod downward;
mod expression;
mod given;
mod identifier;
mod index;
mod json;
mod keyset;
mod limit;
mod linked;
mod literal;
mod look;
mod open;
mod order;
mod probe;
mod quantifier;
mod remade;
mod row_condition;
mod schema;
mod statement;
mod tables;

pub use ask::ask;
pub use builder::{BindSource, Sql, SqlBuilder};
pub use chain::{above, below};
pub use ddl::schema_sql;
pub use dialect::Dialect;
pub use downward::{found_from_above, from_above};
pub use given::Given;
pub use identifier::{IDENTIFIER_MAX_BYTES, identifier, quote};
pub use keyset::{After, NullPattern};
pub use limit::{Constant, Limit};
pub use linked::{Hop, LinkName, NamesIn};
pub use literal::Literal;
pub use order::{OrderColumn, order_columns};
pub use probe::{MAX_INDEXED_BYTES, Probe};
pub use remade::same_rows;
pub use row_condition::{ConditionPart, RowCondition};
pub use schema::{
    ColumnSpec, Conversion, ForeignKey, IndexColumn, MadeColumn, MadeFrom, OnlyRows, PrimaryKey, SchemaStep, Span,
};
pub use statement::{
    Claim, Condition, Delete, Insert, Lock, Overlap, Same, Select, Truths, Update, claiming_insert, delete, expression,
    insert, row_condition, select, update,
};
pub use tables::{Known, Table, Tables};
