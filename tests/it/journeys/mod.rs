//! What people do with a running system.

mod crud;
mod rename;
mod s09_identity;
mod trace;
mod unseen_contract;
mod walk_through;
