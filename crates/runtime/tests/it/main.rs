//! Tests of the runtime: real ports, real clients.

mod channel;
mod config;
mod drain;
mod echo;
mod health;
mod operations;
mod policies;
mod reflection;
mod server;
mod threads;
mod trace;
