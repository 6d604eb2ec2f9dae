//! Conditions that a contract writes out for what is stored (`cel` of `buf.validate`).

use mainstay_expr::{Program, Scope, evaluate, evaluate_value};
use mainstay_record::{Kind, Value};

/// What must hold of one value (`(buf.validate.field).cel`), or of a message in a document.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueRule {
    pub id: String,
    /// What a client is told; empty where the contract says nothing.
    pub message: String,
    pub source: String,
    /// Over `resource`: a row of this value alone.
    pub program: Program,
}

impl ValueRule {
    /// Says what is wrong with a value; nothing where the condition holds.
    pub(crate) fn violated_by(&self, value: &Value) -> Option<String> {
        let broken = broken(&self.program, std::slice::from_ref(value));
        broken.map(|told| said(told, &self.id, &self.message, &self.source))
    }
}

/// What it is, by which the ledger knows it again.
impl std::fmt::Display for ValueRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "must be so that {}", self.source)
    }
}

/// Evaluates a condition: nothing where it holds, else what it says of itself. It holds where it is true, or an empty text;
/// what is neither true nor false does not.
pub(crate) fn broken(program: &Program, row: &[Value]) -> Option<String> {
    let scope = Scope { resource: Some(row), ..Scope::default() };
    if program.root.kind() != Some(Kind::Text) {
        return (evaluate(&program.root, &scope) != Some(true)).then(String::new);
    }
    match evaluate_value(&program.root, &scope) {
        Value::Text(told) => (!told.is_empty()).then_some(told),
        _ => Some(String::new()),
    }
}

/// What a client is told: what the condition says, else the contract, else the condition itself; and which one it is.
pub(crate) fn said(told: String, id: &str, message: &str, source: &str) -> String {
    let told = [told, message.to_owned()].into_iter().find(|told| !told.is_empty());
    format!("{} ({id})", told.unwrap_or_else(|| format!("must be so that {source}")))
}
