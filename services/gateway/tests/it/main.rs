//! What the gateway promises, as sentences.

mod route;
