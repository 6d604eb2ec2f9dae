//! Organisations, as who runs the installation governs them.

pub(super) mod disabling;
pub(crate) mod on_store;
