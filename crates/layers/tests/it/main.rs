//! Tests of the layers: what each concern does, and that nothing escapes the observers.

mod access;
mod desk;
mod identity_headers;
mod in_memory;
mod protocols;
mod refusals;
mod request_id;
