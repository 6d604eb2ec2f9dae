//! What a step changes, in words, and what that is to whoever uses the contract.

use serde::Serialize;

use super::effect::{Area, Effect, Severity};
use crate::IndexEntry;

/// What changes. Fields are named by their path: `address.city`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    AddResource {
        table: String,
    },
    /// The message has another name, perhaps in another package.
    MoveResource {
        from: String,
        to: String,
    },
    /// The contract no longer has the resource; its table and rows stay.
    HideResource {
        table: String,
    },
    /// A hidden resource goes for good.
    PurgeResource {
        table: String,
    },
    /// A hidden resource is back, with its rows.
    ShowResource,
    /// Every name and URL of the resource is another.
    ChangePattern {
        from: String,
        to: String,
        routes: Vec<String>,
    },
    /// Rows belong to organisations that did not, or do so no more.
    ChangeTenancy {
        tenant: bool,
    },
    /// A variable of the pattern has another name, which nobody sees.
    RenameVariable {
        from: String,
        to: String,
    },
    /// A rule lets others in, or out.
    ChangeRule {
        verb: String,
        from: Option<String>,
        to: Option<String>,
        severity: Severity,
    },
    /// What becomes of rows that are deleted.
    ChangeDeletion {
        from: String,
        to: String,
    },
    /// The methods are another service's.
    MoveService {
        from: String,
        to: String,
        methods: Vec<String>,
        routes: Vec<String>,
    },
    MoveMethod {
        from: String,
        to: String,
    },
    AddMethod {
        method: String,
    },
    RemoveMethod {
        method: String,
    },
    ChangeRoutes {
        routes: Vec<String>,
        severity: Severity,
    },
    /// What requests are made of is called otherwise, or is something else.
    ChangeRequests {
        fields: Vec<String>,
        severity: Severity,
    },
    /// The same of answers.
    ChangeAnswers {
        fields: Vec<String>,
        severity: Severity,
    },
    AddField {
        field: String,
        /// A create without it is refused.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        required: bool,
    },
    RenameField {
        field: String,
        from: String,
    },
    /// A type that holds every old value as it is stored.
    WidenField {
        field: String,
        from: String,
        to: String,
    },
    /// A type that holds what is stored as it is, but not every value of the old one.
    NarrowField {
        field: String,
        from: String,
        to: String,
    },
    /// What is stored becomes another type's values.
    ConvertField {
        field: String,
        from: String,
        to: String,
    },
    /// The names in a list lead to rows from now on, or do so no more.
    LinkField {
        field: String,
        to: String,
    },
    UnlinkField {
        field: String,
        from: String,
    },
    /// An enum or message that a field holds has another name.
    RenameType {
        field: String,
    },
    /// The contract no longer has the field; its values stay.
    HideField {
        field: String,
    },
    /// A hidden field goes for good; its number is never another's.
    PurgeField {
        field: String,
    },
    /// A hidden field is back.
    ShowField {
        field: String,
    },
    RequireField {
        field: String,
    },
    /// The field may be unset now.
    RelaxField {
        field: String,
    },
    /// A value must satisfy something that it needed not before; perhaps other things no more.
    TightenField {
        field: String,
        more: Vec<String>,
        less: Vec<String>,
    },
    /// A value must satisfy less than before.
    LoosenField {
        field: String,
        less: Vec<String>,
    },
    /// A pattern that stands means something else than to the version that applied it.
    RereadPattern {
        field: String,
        pattern: String,
        differs: String,
    },
    ChangeJsonName {
        field: String,
        from: String,
        to: String,
    },
    /// Former names that are accepted, or no more.
    ChangeAliases {
        field: String,
        more: Vec<String>,
        less: Vec<String>,
    },
    /// An option of the resource or of a field says something else.
    ChangeOption {
        field: Option<String>,
        option: String,
        from: Option<String>,
        to: Option<String>,
        severity: Severity,
        #[serde(skip)]
        areas: &'static [Area],
    },
    ChangeDefault {
        field: String,
        from: Option<String>,
        to: Option<String>,
    },
    /// Clients may write what they could not (`less`), or no more what they could.
    ChangeBehavior {
        field: String,
        behavior: &'static str,
        less: bool,
    },
    /// Of a oneof's fields at most one is set, and these are among them from now on.
    JoinOneof {
        oneof: String,
        fields: Vec<String>,
    },
    /// These may be set beside the others.
    LeaveOneof {
        oneof: String,
        fields: Vec<String>,
    },
    AddEnumValue {
        field: String,
        value: String,
    },
    RenameEnumValue {
        field: String,
        from: String,
        to: String,
    },
    /// A number has more names, fewer, or is answered under another one of them.
    NameEnumValue {
        field: String,
        value: String,
        more: Vec<String>,
        less: Vec<String>,
        answered: Option<String>,
    },
    RemoveEnumValue {
        field: String,
        value: String,
    },
    /// Numbers that rows may hold mean something else.
    RenumberEnum {
        field: String,
        from: String,
        to: String,
    },
    /// The field is gone without being reserved.
    RemoveField {
        field: String,
    },
    /// The number means something else.
    ReuseNumber {
        field: String,
        number: u32,
    },
    /// A new field has the name that a hidden one had.
    ReuseName {
        field: String,
        number: u32,
    },
    ChangeField {
        field: String,
        from: String,
        to: String,
    },
    /// A column that is no field's has another name.
    RenameColumn {
        column: String,
    },
    /// What a role grants, or who has it. The step's `resource` is the role's name.
    ChangeRole {
        more: Vec<String>,
        less: Vec<String>,
        /// Who has it now, where others had it before.
        moved: Option<String>,
        severity: Severity,
    },
    /// Who may call a method of an upstream. The step's `resource` is the method.
    ChangeCallers {
        from: String,
        to: String,
        severity: Severity,
    },
    /// Rows are written in SQL, when all else is done. The step's `resource` is the migration's name.
    RunMigration {
        number: u32,
        hash: String,
        statements: usize,
    },
    /// A migration that ran says something else.
    ChangeMigration {
        number: u32,
    },
    AddIndex {
        index: IndexEntry,
    },
    DropIndex {
        index: IndexEntry,
    },
}

impl Change {
    /// The change in words, and what of the resource it is about (empty: all of it).
    #[expect(clippy::too_many_lines, reason = "a table of words")]
    pub(crate) fn words(&self) -> (&'static str, String) {
        let (verb, subject): (_, &str) = match self {
            Change::AddResource { .. } => ("add resource", ""),
            Change::MoveResource { .. } => ("move resource", ""),
            Change::HideResource { .. } => ("hide resource", ""),
            Change::PurgeResource { .. } => ("purge resource", ""),
            Change::ShowResource => ("show resource", ""),
            Change::ChangePattern { .. } => ("change pattern", ""),
            Change::ChangeTenancy { .. } => ("change tenancy", ""),
            Change::RenameVariable { .. } => ("rename variable", ""),
            Change::ChangeRule { verb, severity, .. } => (of_rule(*severity), verb),
            Change::ChangeDeletion { .. } => ("change deletion", ""),
            Change::MoveService { to, .. } => ("move service", to),
            Change::MoveMethod { to, .. } => ("move method", to),
            Change::AddMethod { method } => ("add method", method),
            Change::RemoveMethod { method } => ("remove method", method),
            Change::ChangeRoutes { .. } => ("change routes", ""),
            Change::ChangeRequests { .. } => ("change requests", ""),
            Change::ChangeAnswers { .. } => ("change answers", ""),
            Change::AddField { field, .. } => ("add field", field),
            Change::RenameField { field, .. } => ("rename field", field),
            Change::WidenField { field, .. } => ("widen field", field),
            Change::NarrowField { field, .. } => ("narrow field", field),
            Change::ConvertField { field, .. } => ("convert field", field),
            Change::RenameType { field } => ("rename type", field),
            Change::LinkField { field, .. } => ("link field", field),
            Change::UnlinkField { field, .. } => ("unlink field", field),
            Change::HideField { field } => ("hide field", field),
            Change::PurgeField { field } => ("purge field", field),
            Change::ShowField { field } => ("show field", field),
            Change::RequireField { field } => ("require field", field),
            Change::RelaxField { field } => ("relax field", field),
            Change::TightenField { field, .. } => ("tighten field", field),
            Change::LoosenField { field, .. } => ("loosen field", field),
            Change::RereadPattern { field, .. } => ("reread pattern", field),
            Change::ChangeJsonName { field, .. } => ("change json name", field),
            Change::ChangeAliases { field, .. } => ("change aliases", field),
            Change::ChangeOption { field, option, .. } => {
                let field = field.as_ref().map_or_else(String::new, |field| format!("{field}."));
                return ("change option", format!("{field}{option}"));
            }
            Change::ChangeDefault { field, .. } => ("change default", field),
            Change::ChangeBehavior { field, behavior, less: true } => {
                return ("drop behavior", format!("{field}.{behavior}"));
            }
            Change::ChangeBehavior { field, behavior, .. } => return ("add behavior", format!("{field}.{behavior}")),
            Change::JoinOneof { oneof, .. } => ("join oneof", oneof),
            Change::LeaveOneof { oneof, .. } => ("leave oneof", oneof),
            Change::AddEnumValue { field, value } => return ("add value", format!("{field}.{value}")),
            Change::RenameEnumValue { field, to, .. } => return ("rename value", format!("{field}.{to}")),
            Change::NameEnumValue { field, value, .. } => return ("name value", format!("{field}.{value}")),
            Change::RemoveEnumValue { field, value } => return ("remove value", format!("{field}.{value}")),
            Change::RenumberEnum { field, .. } => ("renumber enum", field),
            Change::RemoveField { field } => ("remove field", field),
            Change::ReuseNumber { field, .. } => ("reuse number", field),
            Change::ReuseName { field, .. } => ("reuse name", field),
            Change::ChangeField { field, .. } => ("change field", field),
            Change::RenameColumn { column } => ("rename column", column),
            Change::ChangeRole { severity, .. } => (of_role(*severity), ""),
            Change::ChangeCallers { severity, .. } => (of_callers(*severity), ""),
            Change::RunMigration { .. } => ("run migration", ""),
            Change::ChangeMigration { .. } => ("change migration", ""),
            Change::AddIndex { index } => ("add index", &index.name),
            Change::DropIndex { index } => ("drop index", &index.name),
        };
        (verb, subject.to_owned())
    }

    /// What the change is to whoever uses the contract.
    pub fn effect(&self) -> Effect {
        use Area::{Access, Index, Json, Storage, Validation, Wire};
        use Severity::{Changed, Narrowed, Widened};
        let (severity, areas): (Severity, &'static [Area]) = match self {
            Change::AddField { required: true, .. } => (Changed, &[Wire, Json, Storage, Validation]),
            Change::ChangeOption { severity, areas, .. } => (*severity, areas),
            Change::AddResource { .. } | Change::AddField { .. } => (Widened, &[Wire, Json, Storage]),
            Change::ShowResource | Change::ShowField { .. } | Change::AddMethod { .. } => (Widened, &[Wire, Json]),
            Change::AddEnumValue { .. } | Change::WidenField { .. } => (Widened, &[Wire, Json]),
            Change::HideResource { .. } | Change::HideField { .. } | Change::RemoveField { .. } => {
                (Narrowed, &[Wire, Json])
            }
            Change::RemoveMethod { .. } | Change::RemoveEnumValue { .. } | Change::NarrowField { .. } => {
                (Narrowed, &[Wire, Json])
            }
            Change::MoveResource { .. } => (Changed, &[Wire, Storage]),
            Change::ChangeDeletion { .. } => (Changed, &[Wire, Json, Storage]),
            Change::MoveService { .. } => (Changed, &[Wire, Json]),
            Change::MoveMethod { .. } => (Changed, &[Wire]),
            Change::RenumberEnum { .. }
            | Change::ReuseNumber { .. }
            | Change::ConvertField { .. }
            | Change::ChangeField { .. } => (Changed, &[Wire, Json, Storage]),
            Change::ChangePattern { .. } | Change::ChangeJsonName { .. } => (Changed, &[Json]),
            Change::RenameVariable { .. } => (Changed, &[Wire]),
            Change::ChangeTenancy { tenant } => (if *tenant { Narrowed } else { Widened }, &[Access, Storage]),
            Change::ChangeRoutes { severity, .. } => (*severity, &[Json]),
            Change::ChangeRequests { severity, .. } | Change::ChangeAnswers { severity, .. } => {
                (*severity, &[Wire, Json])
            }
            Change::RereadPattern { .. } => (Changed, &[Validation]),
            Change::NameEnumValue { answered: Some(_), .. } => (Changed, &[Wire, Json]),
            Change::NameEnumValue { more, less, .. } => (of_sets(more, less), &[Wire, Json]),
            Change::RenameEnumValue { .. } | Change::ReuseName { .. } => (Changed, &[Json]),
            Change::RenameField { .. } => (Changed, &[Json, Storage]),
            Change::JoinOneof { .. } => (Narrowed, &[Wire, Json, Validation]),
            Change::LeaveOneof { .. } => (Widened, &[Wire, Json, Validation]),
            Change::LinkField { .. } => (Narrowed, &[Storage, Validation]),
            Change::UnlinkField { .. } => (Widened, &[Storage, Validation]),
            Change::RenameType { .. } => (Changed, &[Wire]),
            Change::RenameColumn { .. } | Change::RunMigration { .. } | Change::ChangeMigration { .. } => {
                (Changed, &[Storage])
            }
            Change::PurgeResource { .. } | Change::PurgeField { .. } => (Narrowed, &[Storage]),
            Change::ChangeRule { severity, .. }
            | Change::ChangeRole { severity, .. }
            | Change::ChangeCallers { severity, .. } => (*severity, &[Access]),
            Change::RequireField { .. } => (Narrowed, &[Validation]),
            Change::RelaxField { .. } | Change::LoosenField { .. } => (Widened, &[Validation]),
            Change::TightenField { less, .. } => (if less.is_empty() { Narrowed } else { Changed }, &[Validation]),
            Change::ChangeAliases { more, less, .. } => (of_sets(more, less), &[Json]),
            Change::ChangeDefault { from, .. } => (if from.is_none() { Widened } else { Changed }, &[Validation]),
            Change::ChangeBehavior { less, .. } => (if *less { Widened } else { Narrowed }, &[Access, Validation]),
            Change::AddIndex { index } if index.unique => (Narrowed, &[Index, Validation]),
            Change::DropIndex { index } if index.unique => (Widened, &[Index, Validation]),
            Change::AddIndex { .. } | Change::DropIndex { .. } => (Changed, &[Index]),
        };
        Effect { severity, areas }
    }
}

fn of_rule(severity: Severity) -> &'static str {
    match severity {
        Severity::Widened => "widen rule",
        Severity::Narrowed => "narrow rule",
        Severity::Changed => "change rule",
    }
}

fn of_role(severity: Severity) -> &'static str {
    match severity {
        Severity::Widened => "widen role",
        Severity::Narrowed => "narrow role",
        Severity::Changed => "change role",
    }
}

fn of_callers(severity: Severity) -> &'static str {
    match severity {
        Severity::Widened => "widen callers",
        Severity::Narrowed => "narrow callers",
        Severity::Changed => "change callers",
    }
}

fn of_sets(more: &[String], less: &[String]) -> Severity {
    match (more.is_empty(), less.is_empty()) {
        (false, true) => Severity::Widened,
        (true, false) => Severity::Narrowed,
        _ => Severity::Changed,
    }
}
