//! Where to listen, as people write it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;

/// A host and a port: `127.0.0.1:8080`, `[::1]:8080`, or a name. `localhost` is the loopback of both families, another name
/// every address that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    written: String,
    /// At least one.
    addresses: Vec<SocketAddr>,
}

/// Says why a text is no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It has another form.
    #[error("{0:?} is no address to listen on; write 127.0.0.1:8080, [::1]:8080, or a name as in localhost:8080")]
    Form(String),
    /// Nobody knows the name.
    #[error("the host of {text:?} is not known ({why}); write an address of this machine, for example 127.0.0.1:8080")]
    Unknown {
        /// What was written.
        text: String,
        /// What the system says.
        why: String,
    },
}

impl ListenAddress {
    /// The addresses to listen on; the first one is the one to tell others.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The port; 0 lets the system choose.
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// The same host with another port.
    #[must_use]
    pub fn with_port(&self, port: u16) -> ListenAddress {
        let mut other = self.clone();
        other.addresses.iter_mut().for_each(|address| address.set_port(port));
        other.written = match self.written.rsplit_once(':') {
            Some((host, _)) => format!("{host}:{port}"),
            None => self.written.clone(),
        };
        other
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> ListenAddress {
        ListenAddress { written: address.to_string(), addresses: vec![address] }
    }
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<ListenAddress, AddressError> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let form = || AddressError::Form(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
        let port = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit())).ok_or_else(form)?;
        let port: u16 = port.parse().map_err(|_| form())?;
        let is_name = |host: &str| {
            let signs = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            // What is all digits and dots is meant as an address, and is none.
            host.bytes().all(signs) && host.bytes().any(|byte| byte.is_ascii_alphabetic())
        };
        if !is_name(host) {
            return Err(form());
        }
        let addresses = resolved(host, port).map_err(|why| AddressError::Unknown { text: text.to_owned(), why })?;
        Ok(ListenAddress { written: text.to_owned(), addresses })
    }
}

/// The addresses of a name. What `localhost` is does not depend on a resolver (RFC 6761, section 6.3).
fn resolved(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    if host.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    let mut addresses = Vec::new();
    for address in (host, port).to_socket_addrs().map_err(|error| error.to_string())? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err("it has no address".to_owned()) } else { Ok(addresses) }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ListenAddress, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_itself_and_localhost_is_both_loopbacks() {
        for (text, addresses) in [
            ("127.0.0.1:8080", &["127.0.0.1:8080"][..]),
            ("[::1]:0", &["[::1]:0"]),
            ("0.0.0.0:80", &["0.0.0.0:80"]),
            ("localhost:8080", &["127.0.0.1:8080", "[::1]:8080"]),
            ("LocalHost.:1", &["127.0.0.1:1", "[::1]:1"]),
        ] {
            let parsed: ListenAddress = text.parse().unwrap();
            let listed: Vec<String> = parsed.addresses().iter().map(SocketAddr::to_string).collect();
            assert_eq!(
                (listed, parsed.to_string().as_str()),
                (addresses.iter().map(ToString::to_string).collect(), text)
            );
        }
        let moved = "localhost:1".parse::<ListenAddress>().unwrap().with_port(2);
        assert_eq!((moved.to_string().as_str(), moved.port(), moved.addresses().len()), ("localhost:2", 2, 2));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_form_that_is_wanted() {
        for text in [
            "",
            "8080",
            ":8080",
            "localhost",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:99999",
            "::1:80",
            "127.1:80",
            "x:+1",
            "http://localhost:8080",
            "local host:80",
            "300.0.0.1:80",
            "*:80",
        ] {
            let error = text.parse::<ListenAddress>().unwrap_err();
            assert_eq!(error, AddressError::Form(text.to_owned()));
            assert!(error.to_string().contains("write 127.0.0.1:8080"), "{error}");
        }
        let unknown = "no-such-host.invalid:80".parse::<ListenAddress>().unwrap_err();
        assert!(matches!(unknown, AddressError::Unknown { .. }), "{unknown}");
    }
}
