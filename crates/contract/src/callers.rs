//! Who may call a method of one of the application's own services, as `(mainstay.v1.auth)` says it.

use std::collections::BTreeSet;
use std::fmt;

use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde::{Deserialize, Serialize};

use crate::options::{items, message_option};

pub(crate) const AUTH: &str = "mainstay.v1.auth";

/// Who may call a method.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callers {
    /// It does not say, so nobody may; or it says several things.
    #[default]
    Nobody,
    /// Whoever has one of these roles.
    Roles(BTreeSet<String>),
    /// Who is signed in.
    SignedIn,
    Everybody,
}

impl Callers {
    /// Reads what a method says.
    pub fn of(method: &MethodDescriptor) -> Callers {
        let Some(option) = message_option(method.parent_pool(), &method.options(), AUTH) else {
            return Callers::Nobody;
        };
        let roles: BTreeSet<String> =
            items(&option, "roles").iter().filter_map(|role| role.as_str().map(str::to_owned)).collect();
        match (is_true(&option, "public"), is_true(&option, "authenticated"), roles.is_empty()) {
            (true, false, true) => Callers::Everybody,
            (false, true, true) => Callers::SignedIn,
            (false, false, false) => Callers::Roles(roles),
            _ => Callers::Nobody,
        }
    }

    /// Whether everybody whom `other` lets in is let in here.
    pub fn includes(&self, other: &Callers) -> bool {
        match (self, other) {
            (Callers::Everybody, _) | (_, Callers::Nobody) | (Callers::SignedIn, Callers::SignedIn) => true,
            (Callers::SignedIn, Callers::Roles(_)) => true,
            (Callers::Roles(here), Callers::Roles(there)) => there.is_subset(here),
            _ => false,
        }
    }
}

fn is_true(option: &DynamicMessage, field: &str) -> bool {
    option.get_field_by_name(field).and_then(|value| value.as_bool()).unwrap_or(false)
}

/// As the subject of a sentence: `who has the role 'merchant'`.
impl fmt::Display for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Callers::Nobody => f.write_str("nobody"),
            Callers::SignedIn => f.write_str("who is signed in"),
            Callers::Everybody => f.write_str("everybody"),
            Callers::Roles(roles) => {
                let roles: Vec<String> = roles.iter().map(|role| format!("'{role}'")).collect();
                write!(f, "who has the role {}", roles.join(" or "))
            }
        }
    }
}
