//! Filters: AIP-160, and what it leaves open:
//!
//! - A scalar or enum that is unset reads as its default, as protobuf's accessors do: `a != 1` is true where `a` is unset.
//!   An unset timestamp, duration or date equals nothing and has no order with anything.
//! - A path through an unset message, or to a key that a map lacks, skips the row whatever is asked, `NOT` included.
//! - A path goes on behind a reference: `product.category = "kitchen"`. Where the row that it names is not there, be it
//!   that the reference is unset, the row is skipped, as where a message is unset. Whoever runs the filter puts the read
//!   rule of each such row beside what is asked of it ([`Expr::under`](crate::Expr::under)).
//! - A path goes on with the rows below a row, by their collection, and is then asked with `:` alone, as a list of messages
//!   is: `members.account:ann` is true if one of them is like that, `members:*` if there is one. Of none it is false.
//! - `:` on a list asks for an element, on a map for a key, on a message for a field (`m:*`: for being set), and on a
//!   scalar it is `=`, since AIP-160 says that `m.foo:42` is true if `m.foo` is 42; `field:*` asks whether it is set.
//! - `*` without quotes is any value that is set: `field:*` and `field = *` ask whether the field is set, `field != *`
//!   whether it is not.
//! - `*` in a text, in quotes or not, is a wildcard at its start, at its end, at both, or once in the middle. `\*` is a
//!   star, and so is a star alone in quotes: `"*"`.
//! - `null` without quotes is the absence of a value: of a message, a reference, a timestamp or an `optional` field. A
//!   field that cannot be absent, because unset it has its default, refuses it. `"null"` is a text like others. Inside
//!   documents (lists, maps, messages that contain themselves) zeros are not stored, so there null is the zero, too.

mod compile;
mod foreign;
mod literal;
mod parser;
mod scalar;
mod syntax;

use std::sync::Arc;

use crate::fold::{fold, when_true};
use crate::problem::{Problem, ProblemKind};
use crate::program::Program;
use crate::schema::RecordType;

/// How long the source of a filter may be.
pub const MAX_FILTER_BYTES: usize = 8 * 1024;
/// How deep a filter may be nested.
pub const MAX_DEPTH: usize = 20;
/// How many conditions, groups and negations a filter may have.
pub const MAX_NODES: usize = 200;
/// How many references a filter may follow, all its conditions together.
pub const MAX_FILTER_HOPS: usize = 40;

/// Compiles a filter by AIP-160; an empty source is always true. Columns are those of `Root::Resource` and of rows that are
/// found from there; `records` are where references lead, by number. Where the filter is not true it may be NULL or false
/// alike, so it must not be negated.
///
/// # Errors
/// The first problem: its span points into the source.
pub fn compile_filter(source: &str, record: &RecordType, records: &[Arc<RecordType>]) -> Result<Program, Problem> {
    if source.len() > MAX_FILTER_BYTES {
        let message = format!("a filter may have {MAX_FILTER_BYTES} bytes, this one has {}", source.len());
        return Err(Problem::new(0..source.len(), ProblemKind::Limit, message));
    }
    if source.trim_ascii().is_empty() {
        return Ok(Program::always());
    }
    let node = parser::parse(source)?;
    Ok(Program { root: when_true(fold(compile::compile(&node, record, records)?)) })
}
