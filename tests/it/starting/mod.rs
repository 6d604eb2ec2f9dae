//! How servers start, refuse to start, and end.

mod drain;
mod refusals;
mod tls;
