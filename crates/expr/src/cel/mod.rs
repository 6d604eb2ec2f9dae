//! Rules: CEL, parsed by the `cel` crate, checked and compiled here.

use std::sync::Arc;

use crate::problem::{Problem, ProblemKind};
use crate::program::Program;
use crate::schema::{EnumType, RecordType, Type};

/// How long the source of a rule may be.
pub const MAX_RULE_BYTES: usize = 8 * 1024;
/// How deep a rule may be nested.
pub const MAX_RULE_DEPTH: usize = 20;
/// How many tokens a rule may have.
pub const MAX_RULE_TOKENS: usize = 1000;

/// What a rule may name beside `auth` and `now`.
#[derive(Debug, Clone, Default)]
pub struct RuleScope {
    pub resource: Option<Arc<RecordType>>,
    pub old: Option<Arc<RecordType>>,
    pub new: Option<Arc<RecordType>>,
    /// Enums are named by their full name, or relative to the record's message or its package, as in protobuf.
    pub enums: Vec<Arc<EnumType>>,
}

/// Compiles a CEL condition.
///
/// # Errors
/// All problems found.
pub fn compile_rule(source: &str, _scope: &RuleScope) -> Result<Program, Vec<Problem>> {
    Err(vec![Problem::new(0..source.len(), ProblemKind::Unsupported, "not supported yet")])
}

/// Compiles a default: a CEL expression of the wanted type over `auth` and `now` alone.
///
/// # Errors
/// All problems found.
pub fn compile_default(source: &str, _wanted: &Type) -> Result<Program, Vec<Problem>> {
    Err(vec![Problem::new(0..source.len(), ProblemKind::Unsupported, "not supported yet")])
}
