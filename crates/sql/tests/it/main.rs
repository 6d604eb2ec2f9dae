//! What the statements and steps look like and do.

mod ddl;
mod engines;
mod expression;
#[allow(dead_code)]
#[path = "../../../expr/tests/it/fixture.rs"]
mod fixture;
mod identifier;
mod keyset;
mod probe;
mod sample;
mod statement;
#[allow(dead_code)]
#[path = "../../../expr/tests/it/strategy.rs"]
mod strategy;
