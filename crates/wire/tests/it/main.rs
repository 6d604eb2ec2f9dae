//! The tests of `mainstay-wire`, with prost-reflect as the oracle.

mod frame;
mod json;
mod record;
mod schema;
