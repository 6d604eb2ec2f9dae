//! Laws of the code base, and what needs more than one service: the real binary, started as a person starts it.

#[path = "../chaos/mod.rs"]
mod chaos;
mod clients;
mod doctor;
mod failures;
mod golden;
mod journeys;
mod laws;
mod samples;
mod starting;
mod support;
mod upstreams;
