//! What the gateway promises, as sentences.

mod own;
mod route;
mod serve;
mod snapshot;
mod support;
mod watch;
