//! New connections.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::SimpleAsyncConnection;
use tokio_postgres::config::Host;
use tokio_postgres::{CancelToken, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::link::Link;
use super::pulse::Pulse;
use super::{tls, url};
use crate::config::Config;
use crate::error::Error;

/// After how long without traffic a connection asks whether the other side still lives.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// How often it asks again, and how many questions may stay without an answer before the connection is lost.
const KEEPALIVE_AGAIN: Duration = Duration::from_secs(2);
const KEEPALIVES: u32 = 2;

/// How long what was sent may stay unacknowledged before the connection is lost.
const UNACKNOWLEDGED: Duration = Duration::from_secs(6);

/// How long asking the server to cancel something may take.
const CANCEL: Duration = Duration::from_secs(2);

/// Where PostgreSQL listens unless the URL says otherwise.
pub(super) const DEFAULT_PORT: u16 = 5432;

/// Errors that PostgreSQL reports without a code that Diesel passes on are told apart by their text. Only some roles
/// may choose the language of messages, so a refusal is no error.
const ENGLISH: &str = "SET lc_messages TO 'C'";

/// A server that works on a query looks so often whether its client is still there, from PostgreSQL 14 on: what could not be
/// cancelled ends with its connection.
const LOOKS_FOR_US: &str = "SET client_connection_check_interval TO '2s'";

/// Where to connect and how.
pub(super) struct Target {
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
    timeout: Duration,
    statement_timeout_ms: u64,
    /// The connections that requests use, as they are seen from outside.
    watched: Mutex<Vec<Weak<Pulse>>>,
}

impl Target {
    pub fn new(url: &str, config: &Config) -> Result<Target, Error> {
        let (mut parsed, protection) = url::parse(url)?;
        if parsed.get_application_name().is_none() {
            parsed.application_name("mainstay");
        }
        parsed.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE_AGAIN).keepalives_retries(KEEPALIVES);
        if parsed.get_tcp_user_timeout().is_none() {
            parsed.tcp_user_timeout(UNACKNOWLEDGED);
        }
        Ok(Target {
            config: parsed,
            tls: tls::connector(&protection)?,
            timeout: config.connect_timeout(),
            statement_timeout_ms: config.statement_timeout_ms,
            watched: Mutex::default(),
        })
    }

    /// Makes a connection for the pool.
    pub async fn connect(&self) -> Result<Link, ConnectionError> {
        let link = self.within(self.statement_timeout_ms).await?;
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|pulse| pulse.strong_count() > 0);
        watched.push(Arc::downgrade(link.pulse()));
        Ok(link)
    }

    /// The connections of the pool, lent or not.
    pub fn watched(&self) -> Vec<Arc<Pulse>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }

    /// Makes a connection for one long piece of work, without a limit for its statements.
    pub async fn connect_unlimited(&self) -> Result<Link, Error> {
        self.within(0).await.map_err(Error::unavailable)
    }

    async fn within(&self, statement_timeout_ms: u64) -> Result<Link, ConnectionError> {
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

    async fn establish(&self, statement_timeout_ms: u64) -> Result<Link, ConnectionError> {
        let mut config = self.config.clone();
        let given = config.get_options().map(|options| format!("{options} ")).unwrap_or_default();
        // What rules look at is estimated to cost far more than it does, and then compiling takes longer than the statement.
        config.options(format!("-c jit=off {given}-c statement_timeout={statement_timeout_ms}"));
        let mut link = match &self.tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await.map_err(refused)?;
                Link::drive(client, connection).await?
            }
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
                Link::drive(client, connection).await?
            }
        };
        for wish in [ENGLISH, LOOKS_FOR_US] {
            if let Err(error) = link.batch_execute(wish).await {
                tracing::debug!(%error, wish, "PostgreSQL does not grant a setting");
            }
        }
        Ok(link)
    }

    /// Asks the server to break off what a connection's last query does. The server does not say whether it did.
    pub async fn cancel(&self, token: &CancelToken) -> Result<(), String> {
        let sent = async {
            match &self.tls {
                Some(tls) => token.cancel_query(tls.clone()).await,
                None => token.cancel_query(NoTls).await,
            }
        };
        match tokio::time::timeout(CANCEL, sent).await {
            Ok(sent) => sent.map_err(|error| words(&error)),
            Err(_) => Err("it did not answer in time".to_owned()),
        }
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
