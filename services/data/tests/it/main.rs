//! The data service on a fresh store of each engine, called as the gateway calls it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;
mod behaviors;
mod building;
mod commits;
mod concurrency;
mod contract_service;
mod contracts;
mod crud;
mod defaults;
mod defects;
mod denials;
mod endpoint;
mod etags;
mod field_paths;
mod filters;
mod kinds;
mod masks;
mod money;
mod names;
mod page_tokens;
mod pages;
mod patterns;
mod proto2;
mod record_size;
mod references;
mod relations;
mod request_ids;
mod restart;
mod s10_told;
mod s10_two_worlds;
mod s12_order_of_checks;
mod s15_mass_assignment;
mod s21_injection;
mod s22_hostile_values;
mod s32_ruleless;
mod seeds;
mod support;
mod swaps;
mod times;
mod undelete;
mod uniqueness;
mod validate_only;
mod waiting;
mod wide_rows;
