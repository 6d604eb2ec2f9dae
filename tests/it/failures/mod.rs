//! What survives when processes die, are cut off, or come back.

mod acknowledged;
mod failpoints;
mod outages;
mod replicas;
mod silence;
mod transfers;
mod unread;
