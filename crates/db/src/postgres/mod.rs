//! PostgreSQL: a pool of asynchronous connections.

mod connect;
mod link;
mod links;
mod locks;
mod pipeline;
mod pool;
mod pulse;
mod store;
mod tls;
mod transaction;
mod url;
mod watch;

pub(crate) use pulse::Pulse;
pub(crate) use store::PostgresStore;
pub(crate) use url::shown;
