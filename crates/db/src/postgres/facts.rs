//! What a PostgreSQL server is like.

use std::collections::BTreeMap;

use mainstay_record::{Kind, Piece, Row as _, Value};
use secrecy::SecretString;
use tokio_postgres::config::Host;

use super::url::{self, Protection};
use crate::conn::Conn;
use crate::error::Error;
use crate::statement::Statement;

/// Where a URL leads, without what is secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `db.example.org:5432`
    pub address: String,
    /// On this machine.
    pub is_here: bool,
    /// The server has to prove who it is.
    pub is_verified: bool,
    /// The password is the user's name, or one that everybody knows.
    pub password_is_known: bool,
}

/// Reads a database's URL.
pub fn place(database: &SecretString) -> Result<Place, Error> {
    let (config, protection) = url::parse(secrecy::ExposeSecret::expose_secret(database))?;
    let ports = config.get_ports();
    let port =
        |index: usize| ports.get(index).or_else(|| ports.first()).copied().unwrap_or(super::connect::DEFAULT_PORT);
    let hosts = config.get_hosts();
    let words = hosts.iter().enumerate().map(|(index, host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(index)),
        Host::Unix(folder) => folder.display().to_string(),
    });
    let is_loopback =
        |name: &str| name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let password = config.get_password().map(String::from_utf8_lossy);
    let is_known = |password: &str| {
        ["postgres", "password", "mainstay", "changeme"].contains(&password) || config.get_user() == Some(password)
    };
    Ok(Place {
        address: words.collect::<Vec<_>>().join(", "),
        is_here: hosts.iter().all(|host| if let Host::Tcp(name) = host { is_loopback(name) } else { true }),
        is_verified: matches!(protection, Protection::VerifyFull { .. }),
        password_is_known: password.is_some_and(|password| is_known(&password)),
    })
}

/// What a server says of itself, to one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Settings by their names, as PostgreSQL writes them.
    pub settings: BTreeMap<String, String>,
    /// Its clock, microseconds since 1970 UTC.
    pub now_micros: i64,
    /// The same for all databases of one server.
    pub server: String,
    pub is_superuser: bool,
}

/// The settings that matter here.
const SETTINGS: &str = "'server_version', 'server_version_num', 'fsync', 'synchronous_commit', 'full_page_writes', 'autovacuum', \
     'max_connections', 'superuser_reserved_connections', 'server_encoding'";

/// Asks a server.
pub async fn facts(conn: &mut Conn<'_>) -> Result<Facts, Error> {
    let mut facts = Facts::default();
    let sql = format!("SELECT name, setting FROM pg_settings WHERE name IN ({SETTINGS})");
    let settings = Statement::new(vec![Piece::Text(sql)], false);
    conn.query(&settings, &[], &mut |row| {
        if let (Value::Text(name), Value::Text(value)) = (row.get(0, Kind::Text), row.get(1, Kind::Text)) {
            facts.settings.insert(name, value);
        }
    })
    .await?;
    let sql = "SELECT clock_timestamp(), current_setting('port') || ' ' || coalesce(host(inet_server_addr()), 'local') || ' ' || \
               pg_postmaster_start_time(), (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)";
    let itself = Statement::new(vec![Piece::Text(sql.to_owned())], false);
    conn.query(&itself, &[], &mut |row| {
        if let (Value::Timestamp(now), Value::Text(server)) = (row.get(0, Kind::Timestamp), row.get(1, Kind::Text)) {
            (facts.now_micros, facts.server) = (now, server);
        }
        facts.is_superuser = row.get(2, Kind::Bool) == Value::Bool(true);
    })
    .await?;
    Ok(facts)
}
