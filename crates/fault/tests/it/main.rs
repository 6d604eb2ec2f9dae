//! Tests of the fault crate, one module per source file.

mod fault;
mod json;
mod reason;
mod status;
