//! What the gateway promises, as sentences.

mod route;
mod serve;
mod snapshot;
mod support;
