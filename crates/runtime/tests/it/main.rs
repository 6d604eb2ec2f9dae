//! Tests of the runtime: real ports, real clients.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod balance;
mod channel;
mod config;
mod drain;
mod drips;
mod echo;
mod floods;
mod health;
mod jobs;
mod limits;
mod lingering;
mod operations;
mod policies;
mod proxied;
mod reflection;
mod server;
mod silence;
mod slow_bodies;
mod threads;
mod tls;
mod trace;
mod unread;
