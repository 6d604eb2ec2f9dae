//! What rules may name.

use std::sync::Arc;

use mainstay_expr::{EnumType, Predicates, RecordType, RuleScope};

use crate::Roles;

/// What every rule of a contract may name beside the row that it is about: where references lead, enums, and rules that
/// have names, permissions. All scopes are made here; whoever compiles a rule says no more than what it is about.
#[derive(Clone, Default)]
pub(crate) struct Vocabulary {
    /// Of all resources, by their numbers.
    pub records: Arc<[Arc<RecordType>]>,
    pub enums: Vec<Arc<EnumType>>,
    pub predicates: Arc<Predicates>,
    pub roles: Arc<Roles>,
}

impl Vocabulary {
    /// For a rule about no row in particular.
    pub fn scope(&self) -> RuleScope {
        RuleScope {
            records: Arc::clone(&self.records),
            enums: self.enums.clone(),
            predicates: Arc::clone(&self.predicates),
            permissions: Some(Arc::new(self.roles.permissions().into_iter().map(str::to_owned).collect())),
            ..RuleScope::default()
        }
    }

    /// For a rule about one row: `resource`.
    pub fn of_row(&self, record: &Arc<RecordType>) -> RuleScope {
        RuleScope { resource: Some(Arc::clone(record)), ..self.scope() }
    }

    /// For a rule about a change of a row: `old` and `new`.
    pub fn of_change(&self, record: &Arc<RecordType>) -> RuleScope {
        RuleScope { old: Some(Arc::clone(record)), new: Some(Arc::clone(record)), ..self.scope() }
    }

    /// For a constraint on a message, wherever it stands: `this`.
    pub fn of_message(&self, record: &Arc<RecordType>) -> RuleScope {
        RuleScope { called: Some("this"), ..self.of_row(record) }
    }
}
