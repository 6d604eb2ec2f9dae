//! Calls over WebSockets.

mod answered;
mod opened;
mod refused;
