//! The PROXY protocol, versions 1 and 2: what a proxy that passes a connection on as it is says before its first byte of where it
//! comes from (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>).
//!
//! It is read from those who are trusted alone, who then have to send it: where it could be left out, whoever gets through to
//! the proxy could write it. What others send that looks like it is what it is to TLS and HTTP: nonsense.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What version 2 begins with. Nothing else does: it is no HTTP and no TLS.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// What version 1 begins with.
const WORD: &[u8] = b"PROXY ";

/// The longest line of version 1, with its end.
const MAX_LINE_BYTES: usize = 107;

/// Room for the addresses of version 2 that are read; what comes after them (names, certificates, checksums) is skipped.
const MAX_ADDRESSES_BYTES: usize = 36;

/// Says why a header cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("the connection does not begin with a header of the PROXY protocol")]
    None,
    #[error("the header of the PROXY protocol is malformed: {0}")]
    Malformed(&'static str),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a header, to its last byte and no further. Gives the address that the connection comes from; nothing where it is the
/// proxy's own, or one that is no address of the internet.
pub(super) async fn source<I: AsyncRead + Unpin>(io: &mut I) -> Result<Option<IpAddr>, HeaderError> {
    let mut first = [0; SIGNATURE.len()];
    io.read_exact(&mut first).await?;
    if first == SIGNATURE {
        binary(io).await
    } else if first.starts_with(WORD) {
        line(io, &first).await
    } else {
        Err(HeaderError::None)
    }
}

/// Version 1, whose first bytes were read already. Nothing says how long the line is, so it is read byte by byte.
async fn line<I: AsyncRead + Unpin>(io: &mut I, first: &[u8]) -> Result<Option<IpAddr>, HeaderError> {
    let mut line = Vec::with_capacity(MAX_LINE_BYTES);
    line.extend_from_slice(first);
    while !line.ends_with(b"\r\n") {
        if line.len() == MAX_LINE_BYTES {
            return Err(HeaderError::Malformed("its line is too long"));
        }
        line.push(io.read_u8().await?);
    }
    let text = std::str::from_utf8(&line).map_err(|_| HeaderError::Malformed("it is no text"))?;
    let mut words = text.trim_end_matches("\r\n").split(' ').skip(1);
    let family = words.next();
    if family == Some("UNKNOWN") {
        return Ok(None);
    }
    let addresses = (words.next(), words.next(), words.next(), words.next(), words.next());
    let (Some(source), Some(target), Some(source_port), Some(target_port), None) = addresses else {
        return Err(HeaderError::Malformed("it is not a family, two addresses and two ports"));
    };
    if !is_port(source_port) || !is_port(target_port) {
        return Err(HeaderError::Malformed("a port is none"));
    }
    let source: Option<IpAddr> = match family {
        Some("TCP4") => both::<Ipv4Addr>(source, target).map(IpAddr::V4),
        Some("TCP6") => both::<Ipv6Addr>(source, target).map(IpAddr::V6),
        _ => return Err(HeaderError::Malformed("its family is not known")),
    };
    source.map(Some).ok_or(HeaderError::Malformed("an address is none of its family"))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// The first of two addresses of one kind.
fn both<A: std::str::FromStr>(source: &str, target: &str) -> Option<A> {
    target.parse::<A>().ok().and_then(|_| source.parse().ok())
}

/// Version 2, after its signature.
async fn binary<I: AsyncRead + Unpin>(io: &mut I) -> Result<Option<IpAddr>, HeaderError> {
    let (command, family, length) = (io.read_u8().await?, io.read_u8().await?, io.read_u16().await?);
    let mut addresses = [0; MAX_ADDRESSES_BYTES];
    let known = usize::from(length).min(MAX_ADDRESSES_BYTES);
    io.read_exact(&mut addresses[..known]).await?;
    skip(io, usize::from(length) - known).await?;
    match command {
        // The proxy's own connection: it asks whether we live.
        0x20 => return Ok(None),
        0x21 => {}
        _ => return Err(HeaderError::Malformed("its version or command is not known")),
    }
    match (family, &addresses[..known]) {
        (0x11, [a, b, c, d, _, _, _, _, _, _, _, _, ..]) => Ok(Some(Ipv4Addr::new(*a, *b, *c, *d).into())),
        (0x21, [source @ .., _, _, _, _]) if known == MAX_ADDRESSES_BYTES => {
            let source = source.first_chunk::<16>().ok_or(HeaderError::Malformed("its addresses are cut off"))?;
            Ok(Some(Ipv6Addr::from(*source).into()))
        }
        (0x11 | 0x21, _) => Err(HeaderError::Malformed("its addresses are cut off")),
        // Of no family, or a socket of the proxy's own machine.
        (0x00 | 0x31, _) => Ok(None),
        _ => Err(HeaderError::Malformed("its family is no stream of bytes")),
    }
}

async fn skip<I: AsyncRead + Unpin>(io: &mut I, mut bytes: usize) -> io::Result<()> {
    let mut rest = [0; 512];
    while bytes > 0 {
        let now = bytes.min(rest.len());
        bytes -= io.read_exact(&mut rest[..now]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a header says, and what is left after it.
    fn read(bytes: &[u8]) -> (Result<Option<IpAddr>, HeaderError>, &[u8]) {
        let mut rest = bytes;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let said = runtime.block_on(source(&mut rest));
        (said, rest)
    }

    fn says(bytes: &[u8]) -> Option<IpAddr> {
        let whole = [bytes, b"GET / HTTP/1.1\r\n"].concat();
        let (said, rest) = read(&whole);
        assert_eq!(rest, b"GET / HTTP/1.1\r\n", "it is read to its end and no further");
        said.unwrap()
    }

    fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[test]
    fn a_line_says_where_a_connection_comes_from() {
        for (line, source) in [
            ("PROXY TCP4 198.51.100.1 10.0.0.1 56324 443", Some("198.51.100.1")),
            ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535", Some("255.255.255.255")),
            ("PROXY TCP6 2001:db8::1 ::1 1 2", Some("2001:db8::1")),
            ("PROXY UNKNOWN", None),
            ("PROXY UNKNOWN whatever it likes to say", None),
        ] {
            let source = source.map(|source| source.parse::<IpAddr>().unwrap());
            assert_eq!(says(format!("{line}\r\n").as_bytes()), source, "{line}");
        }
    }

    #[test]
    fn bytes_say_it_and_what_comes_after_the_addresses_is_skipped() {
        let v4 = [198, 51, 100, 1, 10, 0, 0, 1, 0xdc, 4, 1, 0xbb];
        let (source, target): (Ipv6Addr, Ipv6Addr) = ("2001:db8::1".parse().unwrap(), "::1".parse().unwrap());
        let v6 = [&source.octets()[..], &target.octets(), &[0, 1, 0, 2]].concat();
        let first: IpAddr = "198.51.100.1".parse().unwrap();
        assert_eq!(says(&binary(0x21, 0x11, &v4)), Some(first));
        assert_eq!(says(&binary(0x21, 0x11, &[&v4[..], &[4; 3_000]].concat())), Some(first));
        assert_eq!(says(&binary(0x21, 0x21, &v6)), Some(source.into()));
        assert_eq!(says(&binary(0x21, 0x21, &[&v6[..], &[0; 70]].concat())), Some(source.into()));
        for (command, family, rest) in
            [(0x20, 0x11, &v4[..]), (0x20, 0, &[]), (0x21, 0, &[1; 9]), (0x21, 0x31, &[7; 216])]
        {
            assert_eq!(says(&binary(command, family, rest)), None, "{command:x} {family:x}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(MAX_LINE_BYTES));
        for line in [
            "GET / HTTP/1.1\r\n\r\n",
            "proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
            "PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n",
            "PROXY TCP4 1.2.3.4 ::1 1 2\r\n",
            "PROXY TCP6 1.2.3.4 ::1 1 2\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
            "PROXY TCP4 1.2.3.400 1.2.3.4 1 2\r\n",
            "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
            "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\n\n",
            &long,
        ] {
            assert!(read(line.as_bytes()).0.is_err(), "{line:?}");
        }
        for (command, family, rest) in [
            (0x11, 0x11, &[0; 12][..]),
            (0x22, 0x11, &[0; 12]),
            (0x21, 0x11, &[0; 11]),
            (0x21, 0x21, &[0; 35]),
            (0x21, 0x12, &[0; 12]),
            (0x21, 0x41, &[0; 12]),
        ] {
            assert!(read(&binary(command, family, rest)).0.is_err(), "{command:x} {family:x} {}", rest.len());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much_for_it(begin in 0..3_usize, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let begin: &[u8] = [&b""[..], WORD, &SIGNATURE][begin];
            let _ = read(&[begin, &bytes].concat());
        }

        #[test]
        fn every_address_is_read_as_it_was_written(source: Ipv6Addr, v4: Ipv4Addr, port: u16) {
            prop_assert_eq!(says(format!("PROXY TCP6 {source} ::1 {port} 443\r\n").as_bytes()), Some(source.into()));
            prop_assert_eq!(says(format!("PROXY TCP4 {v4} 10.0.0.1 {port} 443\r\n").as_bytes()), Some(v4.into()));
            let v6 = [&source.octets()[..], &[0; 20]].concat();
            prop_assert_eq!(says(&binary(0x21, 0x21, &v6)), Some(source.into()));
            prop_assert_eq!(says(&binary(0x21, 0x11, &[&v4.octets()[..], &[0; 8]].concat())), Some(v4.into()));
        }
    }
}
