//! One connection, and the task that moves its bytes.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{Client, Connection, SimpleQueryMessage, Socket};

use super::pulse::Pulse;

/// A connection. Its socket closes with it, also where the server still owes it an answer.
pub(super) struct Link {
    link: AsyncPgConnection,
    driver: Driver,
}

/// The task that moves a connection's bytes. It ends with this value, and the connection with it.
pub(super) struct Driver(Arc<Pulse>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What became of what a connection was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// All of it is answered.
    Quiet,
    Lost,
    /// Nothing was heard.
    Silent,
}

impl Link {
    /// Drives a connection that has just been made.
    pub async fn drive<S>(client: Client, connection: Connection<Socket, S>) -> Result<Link, ConnectionError>
    where
        S: TlsStream + Unpin + Send + 'static,
    {
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to PostgreSQL is lost");
            }
        });
        // Before anything else, so that it ends also where one of the next steps fails or is given up.
        let driver = Driver(Arc::new(Pulse::new(driver.abort_handle())));
        driver.0.is_served_by(own_pid(&client).await?);
        Ok(Link { link: AsyncPgConnection::try_from(client).await?, driver })
    }

    /// What others may know of the connection, and do to it, while it is in use.
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.driver.0
    }

    /// Diesel's connection, and where what is sent over it is noted.
    pub fn parts(&mut self) -> (&mut AsyncPgConnection, &Pulse) {
        (&mut self.link, &self.driver.0)
    }

    /// Says whether it is of no more use: lost, or left inside a transaction.
    pub fn is_spent(&mut self) -> bool {
        self.driver.0.is_over() || AnsiTransactionManager::is_broken_transaction_manager(&mut self.link)
    }

    /// Waits until the server has answered everything that it was sent, for a while.
    pub async fn settles(&self, within: Duration) -> Settled {
        // An empty query is answered also inside a transaction that has failed.
        match tokio::time::timeout(within, SimpleAsyncConnection::batch_execute(&mut &self.link, "")).await {
            Ok(Ok(())) => Settled::Quiet,
            Ok(Err(_)) => Settled::Lost,
            Err(_) => Settled::Silent,
        }
    }

    /// Hands out Diesel's connection, which works as long as the driver is kept.
    pub fn into_parts(self) -> (AsyncPgConnection, Driver) {
        (self.link, self.driver)
    }
}

/// The process that serves a connection.
async fn own_pid(client: &Client) -> Result<i32, ConnectionError> {
    let unknown = |why: String| ConnectionError::BadConnection(why);
    let answer = client.simple_query("SELECT pg_backend_pid()").await.map_err(|error| unknown(error.to_string()))?;
    let pid = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    pid.ok_or_else(|| unknown("it does not say which process serves the connection".to_owned()))
}

impl Deref for Link {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.link
    }
}

impl DerefMut for Link {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.link
    }
}
