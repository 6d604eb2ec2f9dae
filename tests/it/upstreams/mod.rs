//! The application's own services behind the gateway: a catalogue with a pricing service of another language.

mod callers;
mod python;
mod shapes;
mod sockets;
