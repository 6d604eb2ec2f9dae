//! How servers start, refuse to start, and end.

mod drain;
mod founding;
mod hangup;
mod jobs;
mod logs;
mod ports;
mod refusals;
mod tls;
mod upgrades;
