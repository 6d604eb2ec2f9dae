//! Those who are measured.

pub mod client;
pub mod mainstay;
pub mod pocketbase;
pub mod postgres;
