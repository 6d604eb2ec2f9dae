//! Tests of the fault crate, one module per source file.
