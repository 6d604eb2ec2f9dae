//! What the statements and steps look like and do.

mod ddl;
mod identifier;
mod keyset;
mod probe;
mod sample;
mod statement;
mod violation;
