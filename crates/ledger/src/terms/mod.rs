//! What a contract promises beside what it stores: who may do what, what is called how, where it is reached.
//!
//! The terms of the last contract are in the ledger, so that a plan can tell every difference. A ledger that was stored
//! before there were terms, or with terms that another version wrote down otherwise, takes them on from the contract that
//! is stored beside it ([`crate::Ledger::with_terms_of`]).

mod field;
mod form;
mod message;
mod methods;
mod options;
mod values;

use std::collections::BTreeMap;

use mainstay_contract::{Access, Contract, Resource, Rule, SoftDelete};
use serde::{Deserialize, Serialize};

use crate::ColumnId;

pub use field::FieldTerms;
pub(crate) use field::{ZERO_TOO, inner_rules, lost_names, own_rules};
pub use form::Form;
use form::Rows;
pub use message::Fields;
pub(crate) use message::{FieldChange, FieldText};
pub use methods::{CommitTerms, MethodTerms};
pub use values::EnumValues;
pub(crate) use values::ValueChange;

/// How the terms are written down. A change of [`Form`]'s words, for one, needs another number: the words that are stored
/// would otherwise look like other rules.
pub const TERMS_VERSION: u32 = 3;

/// The terms of a resource as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceTerms {
    /// `products/{product}`
    pub pattern: String,
    /// By verb: `read`, `create`, `update`, `delete`. A verb that is not here is denied to everybody.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub access: BTreeMap<String, RuleTerms>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<MethodTerms>,
    /// How it is written together with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitTerms>,
    /// What else is said of it, see [`options`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// The rules of transitions and of fields, by what they are of: `states.transition.Place.access`, `12:field.read`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, Form>,
    /// How rows are kept that are deleted; nothing where they go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptTerms>,
}

/// How deleted rows are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptTerms {
    /// The column that says when a row was deleted.
    pub column: ColumnId,
    /// For how long, in microseconds; nothing for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_after_us: Option<i64>,
}

impl KeptTerms {
    fn of(resource: &Resource) -> Option<KeptTerms> {
        let SoftDelete { delete_time, purge_after_us, .. } = resource.soft_delete?;
        let column = ColumnId::of(resource.layout.columns.get(delete_time)?, delete_time);
        Some(KeptTerms { column, purge_after_us })
    }
}

/// A rule: as it is written, to show it, and what it says, to compare it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTerms {
    pub source: String,
    pub form: Form,
}

impl ResourceTerms {
    /// The terms of a resource. What it is bound to is the ledger's names, so that a renamed field is no other rule.
    /// `others` are the rules of transitions and fields.
    pub(crate) fn of<'r>(
        contract: &Contract,
        resource: &Resource,
        access: &Access,
        others: impl Iterator<Item = (String, &'r Rule)>,
    ) -> ResourceTerms {
        let rows = Rows { layout: &resource.layout, contract, bound: [None; 16] };
        ResourceTerms {
            pattern: resource.pattern.clone(),
            access: rules(access, rows),
            rules: others.map(|(name, rule)| (name, Form::of(&rule.program.root, rows))).collect(),
            methods: methods::of(contract, resource),
            commit: methods::commit_of(contract, resource),
            options: contract
                .pool
                .get_message_by_name(&resource.message)
                .as_ref()
                .map(options::of_message)
                .unwrap_or_default(),
            kept: KeptTerms::of(resource),
        }
    }
}

fn rules(access: &Access, rows: Rows<'_>) -> BTreeMap<String, RuleTerms> {
    let one = |rule: &Rule| RuleTerms { source: rule.source.clone(), form: Form::of(&rule.program.root, rows) };
    let singles =
        [("read", &access.read), ("create", &access.create), ("delete", &access.delete), ("refer", &access.refer)];
    let mut rules: BTreeMap<String, RuleTerms> =
        singles.into_iter().filter_map(|(verb, rule)| Some((verb.to_owned(), one(rule.as_ref()?)))).collect();
    if let Some(first) = access.update.first() {
        let all = access.update.iter().map(|rule| one(rule).form).collect();
        rules.insert("update".to_owned(), RuleTerms { source: first.source.clone(), form: Form::All(all) });
    }
    rules
}

/// The name in JSON of a field that says nothing of it: underscores out, the letter behind each in upper case.
pub(crate) fn json_name_of(name: &str) -> String {
    let mut upper = false;
    let letters = name.chars().filter_map(|c| {
        let letter = (c != '_').then(|| if upper { c.to_ascii_uppercase() } else { c });
        upper = c == '_';
        letter
    });
    letters.collect()
}
