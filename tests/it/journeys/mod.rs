//! What people do with a running system.

mod backup;
mod bad_input;
mod command_line;
mod commit;
mod conditions;
mod crud;
mod denials;
mod explain;
mod explicit_zeros;
mod masks;
mod names;
mod rename;
mod repairs;
mod s05_brute_force;
mod s09_identity;
mod s11_revocation;
mod s29_classes;
mod s32_no_rules;
mod streams;
mod streams_end;
mod swaps;
mod trace;
mod undelete;
mod unseen_contract;
mod walk_through;
mod who_may;
