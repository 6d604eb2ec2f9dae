//! PostgreSQL: a pool of asynchronous connections.

mod connect;
mod locks;
mod pipeline;
mod pool;
mod store;
mod tls;
mod transaction;
mod url;

pub(crate) use store::PostgresStore;
