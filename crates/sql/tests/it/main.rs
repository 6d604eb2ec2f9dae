//! What the statements and steps look like and do.

mod claims;
mod computed;
mod ddl;
mod differential;
mod engines;
mod expression;
#[path = "../../../expr/tests/it/fixture.rs"]
mod fixture;
mod hostile;
mod identifier;
mod keyset;
mod probe;
mod sample;
mod statement;
mod stored;
#[path = "../../../expr/tests/it/strategy/mod.rs"]
mod strategy;
