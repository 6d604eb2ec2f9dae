#![doc = include_str!("../README.md")]

mod annotations;
mod callers;
pub mod capabilities;
mod check;
mod comments;
mod compile;
mod compound;
mod condition;
mod diagnostic;
mod each;
pub mod editor;
mod effect;
mod embedded;
mod export;
mod file;
mod format;
mod hash;
pub mod http;
mod index;
mod json_behaviors;
mod json_checks;
mod json_names;
mod known_check;
mod link;
mod lints;
mod machine;
mod method;
mod migration;
mod model;
mod names;
mod naming;
mod numeric;
mod options;
mod parse;
mod pattern;
mod report;
mod reserved;
mod resource;
mod roles;
mod rule;
mod service;
mod source;
mod stated;
mod stretch;
mod text;
mod upstream;
mod validate;

pub use annotations::{
    Behaviors, FieldOptions, OnDelete, aliases, classed, holds_classed, pattern, range, read as field_options,
};
pub use callers::Callers;
pub use check::{BytesCheck, Check, Integers, NowCheck};
pub use compile::{compile, compile_applied};
pub use compound::{Compound, MAX_MONEY_NANOS};
pub use condition::ValueRule;
pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity};
pub use effect::{Aim, Each, Effect, Goal, Put, Slot, Trigger, What};
pub use export::export;
pub use format::Format;
pub use json_behaviors::{JsonBehaviors, JsonFieldBehavior};
pub use json_checks::{Container, Items, JsonChecks, JsonFieldChecks, JsonOneof, Keys};
pub use known_check::KnownCheck;
pub use link::MAX_IMPORT_DEPTH;
pub use machine::MAX_TRANSITIONS;
pub use method::commit;
pub use method::{
    BATCH_ROWS, EXPANDED, EXPANDED_IN_ROW, FIRST_INPUT, Fields, Method, NEXT_PAGE_TOKEN, Policy, Request, Right, Role,
    SEARCH, Shape, Streams, UPDATE_MASK, Verb,
};
pub use migration::{MAX_MIGRATIONS, Migration, Script, Statement};
pub use model::{
    Access, AccountReference, Constraint, Contract, FieldModel, Index, IndexRows, Input, Link, Model, Oneof, Reference,
    Resource, SoftDelete, Span, States, Subject, Transition, TransitionRules,
};
pub use naming::MAX_IDENTIFIER_BYTES;
pub use numeric::Numeric;
pub use parse::MAX_NESTING;
pub use pattern::{ID_EXPRESSION, MAX_PATTERN_VARIABLES};
pub use report::MAX_DIAGNOSTICS;
pub use reserved::{RESERVED_PACKAGES, RESERVED_ROOTS, RESERVED_TABLES, is_reserved_package, reserved_beginning};
pub use resource::effects::MAX_EFFECTS;
pub use resource::index::{MAX_INDEX_COLUMNS, MAX_INDEXES};
pub use resource::json::MAX_JSON_DEPTH;
pub use resource::layout::{MAX_COLUMNS, MAX_MESSAGE_DEPTH, ORGANISATION_COLUMN};
pub use resource::soft_delete::MAX_PURGE_AFTER_HOURS;
pub use roles::{DeclaredRole, Granted, MAX_GRANTS, MAX_ROLES, ORGANISATION_ROLES, RoleScope, Roles};
pub use rule::Rule;
pub use source::{MAX_FILE_BYTES, MAX_FILES, MAX_FOLDER_DEPTH, MAX_TOTAL_BYTES, Source, is_migration, read_folder};
pub use stated::{stated_of_field, stated_of_message};
pub use upstream::{MAX_UPSTREAM_NAME_BYTES, is_upstream_name, upstream_of};
pub use validate::Violated;
