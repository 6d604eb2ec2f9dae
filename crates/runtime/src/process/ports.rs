//! The two ports of a process: what each is for, how it is chosen, and where to go when it is taken.

use std::fmt;
use std::net::SocketAddr;

use crate::config::variable;
use crate::server::{BindError, ListenAddress};
use crate::{Operations, Server};

/// How many more ports are tried, each [`STEP`] further, before the system chooses one.
const TRIES: u16 = 10;
const STEP: u16 = 10;

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Clients,
    Operators,
    Redirect,
}

impl Purpose {
    /// The setting that says where it is.
    pub fn setting(self) -> &'static str {
        match self {
            Purpose::Clients => "listen",
            Purpose::Operators => "operations_listen",
            Purpose::Redirect => "tls.redirect_http",
        }
    }

    /// The flag that does, if one does.
    pub fn flag(self) -> Option<&'static str> {
        match self {
            Purpose::Clients => Some("--listen"),
            Purpose::Operators => Some("--operations-listen"),
            Purpose::Redirect => None,
        }
    }

    /// How another address is chosen.
    fn choices(self) -> String {
        let flag = self.flag().map(|flag| format!("{flag} ADDR, ")).unwrap_or_default();
        format!("{flag}{}=ADDR, or `{}` in the configuration", variable(self.setting()), self.setting())
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Purpose::Clients => "clients (gRPC, REST)",
            Purpose::Operators => "operators (metrics, probes)",
            Purpose::Redirect => "plain HTTP (the way to https)",
        })
    }
}

/// Where a port is to be.
#[derive(Debug, Clone)]
pub struct Listen {
    pub at: ListenAddress,
    /// Whether another one does as well where this one is taken: nobody chose it, and it is somebody's own machine.
    pub may_move: bool,
}

/// A port that is elsewhere than usual, since the usual one was taken.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    pub purpose: Purpose,
    pub usual: u16,
    pub to: SocketAddr,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {} is in use; the port for {} is {}", self.usual, self.purpose, self.to)
    }
}

/// A port cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "the port for {purpose} cannot be opened at {at}; choose another address with {} (port 0 lets the system choose)",
    purpose.choices()
)]
pub struct PortError {
    purpose: Purpose,
    at: ListenAddress,
    #[source]
    source: Box<BindError>,
}

/// The bound ports of a process.
#[derive(Debug)]
pub struct Ports {
    pub clients: Server,
    pub operations: Operations,
    /// The one that leads from plain HTTP to the first.
    pub redirect: Option<Server>,
    /// Those that are elsewhere than usual.
    pub moved: Vec<Moved>,
}

/// Opens a port where it is to be, or near by where it may move.
pub(super) fn open<T>(
    purpose: Purpose,
    listen: &Listen,
    bind: impl Fn(ListenAddress) -> Result<T, BindError>,
) -> Result<T, PortError> {
    let usual = listen.at.port();
    let further = (1..=TRIES).map(|step| usual.saturating_add(step * STEP)).chain([0]);
    let mut outcome = bind(listen.at.clone());
    for port in further.filter(|_| listen.may_move) {
        if !matches!(outcome, Err(BindError::InUse { .. })) {
            break;
        }
        outcome = bind(listen.at.with_port(port));
    }
    outcome.map_err(|source| PortError { purpose, at: listen.at.clone(), source: Box::new(source) })
}

/// Says so where a port is elsewhere than it was to be.
pub(super) fn moved(purpose: Purpose, listen: &Listen, to: SocketAddr) -> Option<Moved> {
    let usual = listen.at.port();
    (usual != 0 && usual != to.port()).then_some(Moved { purpose, usual, to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn open_at(address: SocketAddr, may_move: bool) -> Result<Server, PortError> {
        let listen = Listen { at: address.into(), may_move };
        open(Purpose::Operators, &listen, |at| {
            Server::bind(&crate::ServerConfig { listen: at, ..crate::ServerConfig::at(address) })
        })
    }

    #[tokio::test]
    async fn a_port_that_nobody_chose_moves_and_one_that_was_chosen_says_what_it_is_for() {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = holder.local_addr().unwrap();
        let elsewhere = open_at(taken, true).unwrap();
        assert_eq!(elsewhere.address().ip(), taken.ip());
        assert_ne!(elsewhere.address().port(), taken.port());
        let listen = Listen { at: taken.into(), may_move: true };
        let said = moved(Purpose::Operators, &listen, elsewhere.address()).unwrap().to_string();
        assert!(said.contains(&format!("port {} is in use", taken.port())), "{said}");
        assert!(said.contains(&elsewhere.address().to_string()), "{said}");

        let error = open_at(taken, false).unwrap_err();
        let text = error.to_string();
        for part in ["operators", "--operations-listen", "MAINSTAY__OPERATIONS_LISTEN", "`operations_listen`"] {
            assert!(text.contains(part), "{text}");
        }
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(&format!("port {} is in use", taken.port())), "{cause}");
    }

    #[tokio::test]
    async fn only_a_port_in_use_is_moved_away_from() {
        assert!(open_at("192.0.2.1:9999".parse().unwrap(), true).is_err(), "another machine's address stays an error");
    }
}
