//! What a `postgres://` URL asks for.

use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::config::{Host, SslMode};

use crate::error::Error;

/// How the connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Protection {
    /// In plain text.
    Disable,
    /// Encrypted where the server offers it; the server is not verified.
    Prefer,
    /// Encrypted; the server is not verified.
    Require,
    /// Encrypted, with a certificate for this host by a known authority, or by one of those in the file.
    VerifyFull { roots: Option<PathBuf> },
}

/// Takes apart what tokio-postgres does not know itself: `sslmode=verify-full` and `sslrootcert`. No error repeats the
/// URL, which may hold a password.
pub(super) fn parse(url: &str) -> Result<(tokio_postgres::Config, Protection), Error> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(Error::Config("the database URL must begin with `postgres://`".to_owned()));
    }
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut mode = "prefer";
    let mut roots = None;
    let mut rest = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = value,
            Some(("sslrootcert", value)) => roots = Some(PathBuf::from(decode(value)?)),
            Some((name @ ("sslcert" | "sslkey"), _)) => {
                return Err(Error::Config(format!("the database URL: `{name}` is not supported yet: use a password")));
            }
            _ => rest.push(parameter),
        }
    }
    let protection = protection(mode, roots)?;
    let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    let mut config = tokio_postgres::Config::from_str(&plain)
        .map_err(|error| Error::Config(format!("the database URL cannot be read: {}", cause(&error))))?;
    config.ssl_mode(match protection {
        Protection::Disable => SslMode::Disable,
        Protection::Prefer => SslMode::Prefer,
        Protection::Require | Protection::VerifyFull { .. } => SslMode::Require,
    });
    Ok((config, protection))
}

/// A database as an operator is told of it: where it is and what it is called, and no password.
pub(crate) fn shown(url: &str) -> String {
    let Ok((config, _)) = parse(url) else { return "the PostgreSQL database".to_owned() };
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    });
    let (name, hosts) = (config.get_dbname().unwrap_or_default(), hosts.collect::<Vec<_>>().join(", "));
    format!("the PostgreSQL database {name} at {hosts}")
}

fn protection(mode: &str, roots: Option<PathBuf>) -> Result<Protection, Error> {
    Ok(match mode {
        "disable" => Protection::Disable,
        "prefer" => Protection::Prefer,
        "require" => Protection::Require,
        "verify-full" => Protection::VerifyFull { roots },
        _ => {
            return Err(Error::Config(
                "the database URL: `sslmode` is one of disable, prefer, require, verify-full".to_owned(),
            ));
        }
    })
}

fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Decodes `%2F`.
fn decode(text: &str) -> Result<String, Error> {
    let bad = || Error::Config("the database URL: a `%` is not followed by two hexadecimal digits".to_owned());
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| u8::try_from(char::from(byte?).to_digit(16)?).ok();
        let (high, low) = (digit(bytes.next()).ok_or_else(bad)?, digit(bytes.next()).ok_or_else(bad)?);
        out.push(high * 16 + low);
    }
    String::from_utf8(out).map_err(|_| Error::Config("the database URL is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_full_and_its_roots_are_taken_out_of_the_url() {
        let (config, protection) =
            parse("postgres://u:p@h:5/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&options=-c%20a%3Db").unwrap();
        assert_eq!(protection, Protection::VerifyFull { roots: Some(PathBuf::from("/etc/ca.pem")) });
        assert_eq!(config.get_options(), Some("-c a=b"));
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn without_sslmode_encryption_is_preferred() {
        assert_eq!(parse("postgresql://u@h/d").unwrap().1, Protection::Prefer);
    }

    #[test]
    fn an_error_never_repeats_the_password() {
        for url in ["mysql://u:hunter2@h/d", "postgres://u:hunter2@h/d?sslmode=maybe", "postgres://u:hunter2@h:x/d"] {
            let Err(error) = parse(url) else { panic!("{url} was accepted") };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
