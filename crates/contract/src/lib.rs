#![doc = include_str!("../README.md")]

mod check;
mod diagnostic;
mod model;
mod source;
mod validate;

pub use check::{Check, MAX_PATTERN_BYTES, MAX_PATTERN_MEMORY_BYTES, Pattern};
pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity};
pub use model::{Access, Behaviors, Contract, FieldModel, Index, Method, Reference, Resource, Rule, Service, Standard};
pub use source::{MAX_FILE_BYTES, MAX_FILES, MAX_FOLDER_DEPTH, MAX_TOTAL_BYTES, Source, read_folder};
pub use validate::{Container, JsonChecks, JsonFieldChecks, Violation};

/// Compiles a contract.
///
/// # Errors
/// Every problem of every file, warnings included.
pub fn compile(_sources: Vec<Source>) -> Result<Contract, Diagnostics> {
    Err(Diagnostics(vec![Diagnostic::general("not supported yet", None, None)]))
}

/// Writes the contract as `.proto` files that other tools make stubs of: the written files and the derived services.
pub fn export(contract: &Contract) -> Vec<Source> {
    contract.sources.iter().chain(&contract.derived).cloned().collect()
}
