//! The data service on a fresh store of each engine, called as the gateway calls it.

mod crud;
mod support;
