//! PostgreSQL's own programs for copies of a database.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;
use tokio_postgres::config::Host;

use super::connect::DEFAULT_PORT;
use super::url::{self, Protection};
use crate::error::Error;

/// Where Debian and its like keep the programs of each version.
const PACKAGED: &str = "/usr/lib/postgresql";

/// How long a copy waits for a table that somebody changes.
const LOCK_WAIT: &str = "--lock-wait-timeout=60s";

/// How much of what a program says is repeated.
const MAX_SAID: usize = 2_000;

/// Why one of the programs did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    #[error(
        "{program} is not found: it copies a database on PostgreSQL. Install PostgreSQL's client programs of the server's version \
         or a newer one (Debian, Ubuntu: `apt-get install postgresql-client`), or copy the database with what operates it, as \
         deploy/README.md says"
    )]
    Missing { program: &'static str },
    #[error("{program} cannot be run")]
    Run {
        program: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("{program} failed: {said}")]
    Failed { program: &'static str, said: String },
    #[error(transparent)]
    Url(#[from] Error),
}

/// Writes what the exported `snapshot` sees of a schema to the file `to`, in PostgreSQL's custom format.
pub async fn dump(database: &SecretString, (schema, snapshot): (&str, &str), to: &Path) -> Result<(), ToolError> {
    let mut command = program("pg_dump", database)?;
    command.args(["--format=custom", "--no-owner", "--no-acl", "--no-password", LOCK_WAIT]);
    command.arg(format!("--schema={}", pattern(schema))).arg(format!("--snapshot={snapshot}"));
    command.arg("--file").arg(to);
    run("pg_dump", command).await
}

/// Reads such a file into a database, all of it or nothing. The schema is there, and empty.
pub async fn restore(database: &SecretString, schema: &str, from: &Path) -> Result<(), ToolError> {
    let mut command = program("pg_restore", database)?;
    command.args(["--no-owner", "--no-acl", "--no-password", "--exit-on-error", "--single-transaction"]);
    // The schema's own entry is left out: it is there.
    command.arg(format!("--schema={schema}")).arg("--dbname").arg(name(database)?).arg(from);
    run("pg_restore", command).await
}

/// The same URL with another database.
pub fn with_database(database: &SecretString, name: &str) -> SecretString {
    let url = database.expose_secret();
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let server = base.match_indices('/').nth(2).map_or(base, |(slash, _)| &base[..slash]);
    SecretString::from(format!("{server}/{name}{query}"))
}

/// A schema's name that stands for itself in a pattern.
fn pattern(schema: &str) -> String {
    format!("\"{}\"", schema.replace('"', "\"\""))
}

fn name(database: &SecretString) -> Result<String, Error> {
    let (config, _) = url::parse(database.expose_secret())?;
    Ok(config.get_dbname().or(config.get_user()).unwrap_or("postgres").to_owned())
}

/// A program that connects as we do. What it needs to know is in its environment: arguments are seen by every user.
fn program(name: &'static str, database: &SecretString) -> Result<Command, Error> {
    let (config, protection) = url::parse(database.expose_secret())?;
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    });
    let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
    let ports = if ports.is_empty() { DEFAULT_PORT.to_string() } else { ports.join(",") };
    let mut command = Command::new(found(name));
    for other in ["PGSERVICE", "PGHOSTADDR", "PGPASSFILE", "PGTZ", "PGSSLCERT", "PGSSLKEY"] {
        command.env_remove(other);
    }
    command.env("PGHOST", hosts.collect::<Vec<_>>().join(",")).env("PGPORT", ports);
    command.env("PGDATABASE", self::name(database)?);
    for (variable, value) in [("PGUSER", config.get_user()), ("PGOPTIONS", config.get_options())] {
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
    match config.get_password() {
        Some(password) => command.env("PGPASSWORD", os(password)),
        None => command.env_remove("PGPASSWORD"),
    };
    let (mode, roots) = match protection {
        Protection::Disable => ("disable", None),
        Protection::Prefer => ("prefer", None),
        Protection::Require => ("require", None),
        // The public authorities, as we have them.
        Protection::VerifyFull { roots } => ("verify-full", Some(roots.unwrap_or_else(|| PathBuf::from("system")))),
    };
    command.env("PGSSLMODE", mode);
    match roots {
        Some(roots) => command.env("PGSSLROOTCERT", roots),
        None => command.env_remove("PGSSLROOTCERT"),
    };
    Ok(command)
}

#[cfg(unix)]
fn os(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn os(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The newest of the packaged versions, which knows every older server; else whatever the path has.
fn found(name: &str) -> PathBuf {
    let versions = fs::read_dir(PACKAGED).into_iter().flatten().flatten();
    let version = |folder: &fs::DirEntry| folder.file_name().to_string_lossy().parse::<u32>().ok();
    let newest = versions
        .filter_map(|folder| Some((version(&folder)?, folder.path().join("bin").join(name))))
        .filter(|(_, program)| program.is_file())
        .max();
    newest.map_or_else(|| PathBuf::from(name), |(_, program)| program)
}

/// Runs a program to its end; it ends with its caller.
async fn run(program: &'static str, mut command: Command) -> Result<(), ToolError> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = command.output().await.map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ToolError::Missing { program },
        _ => ToolError::Run { program, source },
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: String = said.trim().chars().take(MAX_SAID).collect();
    Err(ToolError::Failed { program, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(url: &str) -> Vec<(String, Option<String>)> {
        let command = program("pg_dump", &SecretString::from(url.to_owned())).unwrap();
        let words = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
        assert!(command.as_std().get_args().next().is_none());
        command.as_std().get_envs().map(|(name, value)| (words(name), value.map(words))).collect()
    }

    #[test]
    fn a_program_connects_as_the_url_says_and_no_argument_tells_the_password() {
        let found = variables("postgres://u:p%40ss@a:1,b:2/d?sslmode=verify-full&options=-c%20search_path%3Dauth");
        for (name, value) in [
            ("PGHOST", "a,b"),
            ("PGPORT", "1,2"),
            ("PGUSER", "u"),
            ("PGPASSWORD", "p@ss"),
            ("PGDATABASE", "d"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "system"),
            ("PGOPTIONS", "-c search_path=auth"),
        ] {
            assert!(found.contains(&(name.to_owned(), Some(value.to_owned()))), "{name}: {found:?}");
        }
        let found = variables("postgres://u@a/d");
        assert!(found.contains(&("PGPASSWORD".to_owned(), None)), "another one's is not taken over: {found:?}");
        assert!(found.contains(&("PGPORT".to_owned(), Some("5432".to_owned()))));
    }

    #[test]
    fn another_database_of_the_same_server_is_named() {
        for (url, wanted) in [
            ("postgres://u:p@h:1/d?sslmode=disable", "postgres://u:p@h:1/x?sslmode=disable"),
            ("postgres://h/d", "postgres://h/x"),
            ("postgres://h", "postgres://h/x"),
        ] {
            assert_eq!(with_database(&SecretString::from(url.to_owned()), "x").expose_secret(), wanted);
        }
    }
}
