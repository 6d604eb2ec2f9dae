//! Follows where the requests of an HTTP/1.1 connection begin and end, for what its parser takes away.
//!
//! Where a head says in two ways how long its body is, the parser follows one of them and drops the other, so that nobody
//! behind it sees what a proxy in front may have followed. Where a line of a head ends without a carriage return, the parser takes
//! it for one all the same, and a proxy may not. Requests may come before the ones before them are answered, many in one packet,
//! so they are counted here as the parser counts them.

/// How much of a line is kept where its end has not come: room for a name and a number.
const LINE_BYTES: usize = 64;

/// Follows requests as they come, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Framing {
    place: Place,
    /// The beginning of a line whose end has not come.
    carried: Vec<u8>,
    /// The last byte of what has come of it.
    ended: Option<u8>,
    head: Head,
    /// The number of the request whose head comes, or has come.
    number: u64,
}

/// What makes two readers take a head for two different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It has both `content-length` and `transfer-encoding`.
    TwoLengths,
    /// A line of it ends without a carriage return (RFC 9112, section 2.2).
    BareLineFeed,
}

/// What comes next.
#[derive(Debug, Default)]
enum Place {
    #[default]
    Head,
    /// So many bytes of a body.
    Body(u64),
    /// The line with the size of a chunk.
    Size,
    /// So many bytes of a chunk, and the end of its line.
    Chunk(u64),
    /// The lines after the last chunk.
    Trailer,
    /// No requests of HTTP/1.1, or none that the parser takes.
    Unknown,
}

/// What is known of a head.
#[derive(Debug, Default)]
struct Head {
    begun: bool,
    length: Option<u64>,
    coding: bool,
    bare: bool,
}

impl Framing {
    /// Reads on. Gives the number of the first request, from 0, that came to the end of its head and has a flaw; after it nothing
    /// is known.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Option<(u64, Flaw)> {
        while !bytes.is_empty() {
            match &mut self.place {
                Place::Unknown => return None,
                Place::Body(left) | Place::Chunk(left) => {
                    let skipped = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= skipped as u64;
                    bytes = &bytes[skipped..];
                    self.skipped();
                }
                Place::Head | Place::Size | Place::Trailer => {
                    let Some(end) = memchr::memchr(b'\n', bytes) else {
                        self.carry(bytes);
                        return None;
                    };
                    let (line, rest) = bytes.split_at(end);
                    bytes = &rest[1..];
                    if let Some(flawed) = self.whole(line) {
                        return Some(flawed);
                    }
                }
            }
        }
        None
    }

    fn skipped(&mut self) {
        match self.place {
            Place::Body(0) => self.place = Place::Head,
            Place::Chunk(0) => self.place = Place::Size,
            _ => {}
        }
    }

    fn carry(&mut self, part: &[u8]) {
        let room = LINE_BYTES - self.carried.len();
        self.carried.extend_from_slice(&part[..part.len().min(room)]);
        self.ended = part.last().copied().or(self.ended);
    }

    /// A line is there, with what was kept of it.
    fn whole(&mut self, line: &[u8]) -> Option<(u64, Flaw)> {
        // Of a line that is longer than what is kept, the end is in what came last, or nothing but the line feed did.
        let ended = line.last().or(self.ended.as_ref()) == Some(&b'\r');
        if self.carried.is_empty() {
            return self.line(line, true, ended);
        }
        self.carry(line);
        self.ended = None;
        let line = std::mem::take(&mut self.carried);
        self.line(&line, line.len() < LINE_BYTES, ended)
    }

    /// `is_whole`: not only its beginning. `ended`: by a carriage return too.
    fn line(&mut self, line: &[u8], is_whole: bool, ended: bool) -> Option<(u64, Flaw)> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.head.bare |= !ended && matches!(self.place, Place::Head);
        match self.place {
            Place::Head if line.is_empty() => return self.head_ended(),
            Place::Head => self.in_head(line, is_whole),
            Place::Size => self.place = chunk(line),
            Place::Trailer if line.is_empty() => self.place = Place::Head,
            _ => {}
        }
        None
    }

    fn in_head(&mut self, line: &[u8], is_whole: bool) {
        if !self.head.begun && line.starts_with(b"PRI ") {
            // The first words of HTTP/2 (RFC 9113, section 3.4).
            self.place = Place::Unknown;
        }
        self.head.begun = true;
        match line.first() {
            Some(b'c' | b'C') => {
                if let Some(value) = value(line, b"content-length") {
                    match number(value, 10).filter(|_| is_whole) {
                        Some(length) => self.head.length = Some(length),
                        None => self.place = Place::Unknown,
                    }
                }
            }
            Some(b't' | b'T') => self.head.coding |= value(line, b"transfer-encoding").is_some(),
            _ => {}
        }
    }

    fn head_ended(&mut self) -> Option<(u64, Flaw)> {
        // Empty lines before a request line are passed over (RFC 9112, section 2.2).
        if !self.head.begun {
            return None;
        }
        let (head, number) = (std::mem::take(&mut self.head), self.number);
        self.number += 1;
        if head.bare {
            self.place = Place::Unknown;
            return Some((number, Flaw::BareLineFeed));
        }
        self.place = match (head.coding, head.length) {
            (true, Some(_)) => {
                self.place = Place::Unknown;
                return Some((number, Flaw::TwoLengths));
            }
            (true, None) => Place::Size,
            (false, None | Some(0)) => Place::Head,
            (false, Some(length)) => Place::Body(length),
        };
        None
    }
}

/// What comes after the line with a chunk's size (RFC 9112, section 7.1).
fn chunk(line: &[u8]) -> Place {
    let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
    match number(size, 16) {
        None => Place::Unknown,
        Some(0) => Place::Trailer,
        Some(size) => Place::Chunk(size.saturating_add(2)),
    }
}

/// What a header line says, where it has this name.
fn value<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let is_named = line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name);
    is_named.then(|| &line[name.len() + 1..])
}

fn number(text: &[u8], radix: u32) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text.trim_ascii()).ok()?, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTRANSFER-encoding: chunked\r\n\r\n";

    /// What comes before a request with two lengths, and how many requests that are.
    const BEFORE: [(&str, u64); 8] = [
        ("", 0),
        ("\r\n\r\n", 0),
        ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", 1),
        ("GET /a HTTP/1.1\r\nhost: x\r\n\r\nHEAD /b HTTP/1.1\r\nhost: x\r\n\r\n", 2),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length:5\r\n\r\nbytes", 1),
        ("POST / HTTP/1.1\r\nhost: x\r\nContent-Length:   0 \r\n\r\n\r\n", 1),
        (
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12\r\n5\r\nA;ext=\"1\"\r\n0123456789\r\n0\r\n\r\n",
            1,
        ),
        (
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-trailer: content-length: 7\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            2,
        ),
    ];

    fn flaw(pieces: &[&[u8]]) -> Option<(u64, Flaw)> {
        let mut framing = Framing::default();
        pieces.iter().find_map(|piece| framing.read(piece))
    }

    fn found(pieces: &[&[u8]]) -> Option<u64> {
        flaw(pieces).map(|(number, flaw)| {
            assert_eq!(flaw, Flaw::TwoLengths);
            number
        })
    }

    #[test]
    fn a_line_of_a_head_that_ends_without_a_carriage_return_is_seen_however_it_is_cut() {
        let long = "x".repeat(3 * LINE_BYTES);
        for head in [
            "GET / HTTP/1.1\nhost: x\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nhost: x\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nhost: x\r\n\n".to_owned(),
            "\nGET / HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
            format!("GET /{long} HTTP/1.1\nhost: x\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nlong: {long}\n\r\n"),
            "POST / HTTP/1.1\ncontent-length: 2\ntransfer-encoding: chunked\n\n".to_owned(),
        ] {
            for (before, number) in BEFORE {
                let all = format!("{before}{head}");
                let expected = Some((number, Flaw::BareLineFeed));
                assert_eq!(flaw(&[all.as_bytes()]), expected, "{all:?}");
                for size in [1, 2, 5, LINE_BYTES - 1, LINE_BYTES, LINE_BYTES + 1] {
                    let pieces: Vec<&[u8]> = all.as_bytes().chunks(size).collect();
                    assert_eq!(flaw(&pieces), expected, "{all:?} in pieces of {size}");
                }
            }
        }
        for fine in
            [format!("GET /{long} HTTP/1.1\r\nlong: {long}\r\n\r\n"), "\r\n\r\nGET / HTTP/1.1\r\n\r\n".to_owned()]
        {
            for size in [1, 2, 5, LINE_BYTES - 1, LINE_BYTES, LINE_BYTES + 1, fine.len()] {
                let pieces: Vec<&[u8]> = fine.as_bytes().chunks(size).collect();
                assert_eq!(flaw(&pieces), None, "{fine:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn two_lengths_are_seen_wherever_the_request_comes_and_however_it_is_cut() {
        for (before, number) in BEFORE {
            let all = format!("{before}{BOTH}GET / HTTP/1.1\r\n\r\n");
            let all = all.as_bytes();
            assert_eq!(found(&[all]), Some(number), "{before}");
            for cut in 0..all.len() {
                let (first, rest) = all.split_at(cut);
                assert_eq!(found(&[first, rest]), Some(number), "{before} cut at {cut}");
            }
            for size in [1, 2, 3, 7] {
                let pieces: Vec<&[u8]> = all.chunks(size).collect();
                assert_eq!(found(&pieces), Some(number), "{before} in pieces of {size}");
            }
        }
    }

    #[test]
    fn one_length_is_not_two_and_a_body_is_not_looked_at() {
        for request in [
            "POST / HTTP/1.1\r\ncontent-length: 5\r\nx-transfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nx: content-length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nf\r\ncontent-length: \r\n0\r\n\r\n",
            "TRACE / HTTP/1.1\r\ncontent-lengths: 5\r\ntransfer-encodin: x\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ncontent-length: 1\r\ntransfer-encoding: x\r\n\r\n",
        ] {
            assert_eq!(found(&[request.as_bytes()]), None, "{request}");
        }
        let inside = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{BOTH}", BOTH.len());
        assert_eq!(found(&[inside.as_bytes()]), None, "a body that looks like a request");
    }

    #[test]
    fn what_the_parser_refuses_is_not_followed() {
        for head in ["content-length: 18446744073709551616", "content-length: 5, 5", "content-length: x"] {
            assert_eq!(found(&[format!("POST / HTTP/1.1\r\n{head}\r\n\r\n{BOTH}").as_bytes()]), None, "{head}");
        }
        let sizes = ["x", "", "-1", "10000000000000000"];
        for size in sizes {
            let text = format!("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{size}\r\n{BOTH}");
            assert_eq!(found(&[text.as_bytes()]), None, "{size}");
        }
    }
}
