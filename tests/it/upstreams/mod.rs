//! The application's own services behind the gateway: a catalogue with a pricing service of another language,
//! and a service that answers what it is asked.

mod callers;
mod python;
mod routes;
mod shapes;
mod sockets;
