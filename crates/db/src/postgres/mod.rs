//! PostgreSQL: a pool of asynchronous connections.

mod connect;
mod damage;
mod facts;
mod link;
mod links;
mod locks;
mod pipeline;
mod pool;
mod pulse;
mod store;
mod tls;
mod tools;
mod transaction;
mod url;
mod watch;

pub use facts::{Facts, Place, facts, place};
pub(crate) use pulse::Pulse;
pub(crate) use store::PostgresStore;
pub use tools::{ToolError, dump, restore, with_database};
pub(crate) use url::shown;
