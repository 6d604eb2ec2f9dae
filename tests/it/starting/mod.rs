//! How servers start, refuse to start, and end.

mod drain;
mod logs;
mod refusals;
mod tls;
