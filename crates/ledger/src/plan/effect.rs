//! What a change is to whoever uses the contract.

use std::fmt;

use serde::Serialize;

/// Whether more is possible than before, less, or something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Widened,
    Narrowed,
    Changed,
}

/// What somebody can notice a change by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// gRPC: services, messages, numbers.
    Wire,
    /// REST: routes, names of resources, fields and enum values in JSON.
    Json,
    /// Tables, columns and what stands in them.
    Storage,
    /// What a write must satisfy, and what it makes of a field that it leaves unset.
    Validation,
    /// Who may do what.
    Access,
    /// The states that rows pass through, and how.
    States,
    Index,
}

/// A severity, and the areas in which it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    pub severity: Severity,
    pub areas: &'static [Area],
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Widened => "widened",
            Severity::Narrowed => "narrowed",
            Severity::Changed => "changed",
        }
    }
}

impl Area {
    pub fn as_str(self) -> &'static str {
        match self {
            Area::Wire => "wire",
            Area::Json => "JSON",
            Area::Storage => "storage",
            Area::Validation => "validation",
            Area::Access => "access",
            Area::States => "states",
            Area::Index => "index",
        }
    }
}

/// `widened: wire, JSON`
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let areas: Vec<&str> = self.areas.iter().map(|area| area.as_str()).collect();
        write!(f, "{}: {}", self.severity.as_str(), areas.join(", "))
    }
}
