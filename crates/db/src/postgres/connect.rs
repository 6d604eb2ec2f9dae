//! New connections.

use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::NoTls;
use tokio_postgres::config::Host;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{tls, url};
use crate::config::Config;
use crate::error::Error;

/// After how long without traffic a connection asks whether the other side still lives.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Where PostgreSQL listens unless the URL says otherwise.
const DEFAULT_PORT: u16 = 5432;

/// Errors that PostgreSQL reports without a code that Diesel passes on are told apart by their text. Only some roles
/// may choose the language of messages, so a refusal is no error.
const ENGLISH: &str = "SET lc_messages TO 'C'";

/// Where to connect and how.
pub(super) struct Target {
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
    timeout: Duration,
    statement_timeout_ms: u64,
}

impl Target {
    pub fn new(url: &str, config: &Config) -> Result<Target, Error> {
        let (mut parsed, protection) = url::parse(url)?;
        if parsed.get_application_name().is_none() {
            parsed.application_name("mainstay");
        }
        parsed.keepalives_idle(KEEPALIVE);
        Ok(Target {
            config: parsed,
            tls: tls::connector(&protection)?,
            timeout: config.connect_timeout(),
            statement_timeout_ms: config.statement_timeout_ms,
        })
    }

    /// Makes a connection for the pool.
    pub async fn connect(&self) -> Result<AsyncPgConnection, ConnectionError> {
        self.within(self.statement_timeout_ms).await
    }

    /// Makes a connection for one long piece of work, without a limit for its statements.
    pub async fn connect_unlimited(&self) -> Result<AsyncPgConnection, Error> {
        self.within(0).await.map_err(Error::unavailable)
    }

    async fn within(&self, statement_timeout_ms: u64) -> Result<AsyncPgConnection, ConnectionError> {
        match tokio::time::timeout(self.timeout, self.establish(statement_timeout_ms)).await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(error)) => Err(self.unreachable(&words(&error))),
            Err(_) => Err(self.unreachable("it did not answer in time")),
        }
    }

    /// Says which server it is, and never with which password.
    fn unreachable(&self, why: &str) -> ConnectionError {
        let ports = self.config.get_ports();
        let servers = self.config.get_hosts().iter().enumerate().map(|(index, host)| {
            // One port may stand for all hosts.
            let port = ports.get(index).or_else(|| ports.first()).copied().unwrap_or(DEFAULT_PORT);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(folder) => folder.display().to_string(),
            }
        });
        let servers: Vec<String> = servers.collect();
        ConnectionError::BadConnection(format!("no connection to PostgreSQL at {}: {why}", servers.join(", ")))
    }

    async fn establish(&self, statement_timeout_ms: u64) -> Result<AsyncPgConnection, ConnectionError> {
        let mut config = self.config.clone();
        let given = config.get_options().map(|options| format!("{options} ")).unwrap_or_default();
        config.options(format!("{given}-c statement_timeout={statement_timeout_ms}"));
        let mut link = match &self.tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await.map_err(refused)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await?
            }
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await?
            }
        };
        if let Err(error) = link.batch_execute(ENGLISH).await {
            tracing::debug!(%error, "PostgreSQL keeps its language for messages");
        }
        Ok(link)
    }
}

/// An error with its causes on one line.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn refused(error: tokio_postgres::Error) -> ConnectionError {
    ConnectionError::CouldntSetupConfiguration(diesel::result::Error::QueryBuilderError(error.into()))
}
