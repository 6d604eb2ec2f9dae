//! A look at the head of an HTTP/1.1 request, for what its parser takes away.
//!
//! Where a head says in two ways how long its body is, the parser follows one of them and drops the other, so that nobody
//! behind it sees what a proxy in front may have followed.

/// The longest name that is looked for, and its colon.
const NAME_BYTES: usize = "transfer-encoding:".len();

/// Follows a head as it comes, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The beginning of a line whose end has not come.
    carried: Vec<u8>,
    begun: bool,
    over: bool,
    length: bool,
    coding: bool,
}

impl Head {
    /// Reads on; what comes after the head is not looked at.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !self.over {
            let Some(end) = memchr::memchr(b'\n', bytes) else { return self.carry(bytes) };
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.carried.is_empty() {
                self.line(line);
            } else {
                self.carry(line);
                let line = std::mem::take(&mut self.carried);
                self.line(&line);
            }
        }
    }

    /// Whether the head has both `content-length` and `transfer-encoding`.
    pub(super) fn has_two_lengths(&self) -> bool {
        self.length && self.coding
    }

    fn carry(&mut self, part: &[u8]) {
        let room = NAME_BYTES - self.carried.len();
        self.carried.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn line(&mut self, line: &[u8]) {
        match line.first() {
            // Empty lines before a request line are passed over (RFC 9112, section 2.2).
            None | Some(b'\r') => self.over = self.begun,
            Some(b'c' | b'C') => self.length |= is_named(line, b"content-length"),
            Some(b't' | b'T') => self.coding |= is_named(line, b"transfer-encoding"),
            Some(_) => {}
        }
        self.begun |= line.len() > 1;
    }
}

fn is_named(line: &[u8], name: &[u8]) -> bool {
    line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTRANSFER-encoding: chunked\r\n\r\n";

    fn has_two_lengths(pieces: &[&[u8]]) -> bool {
        let mut head = Head::default();
        pieces.iter().for_each(|piece| head.read(piece));
        head.has_two_lengths()
    }

    #[test]
    fn two_lengths_are_seen_however_the_head_is_cut() {
        for cut in 0..BOTH.len() {
            let (first, rest) = BOTH.split_at(cut);
            assert!(has_two_lengths(&[first, rest]), "{cut}");
            assert!(has_two_lengths(&[b"\r\n", first, rest]), "{cut}");
        }
        let single: Vec<&[u8]> = BOTH.chunks(1).collect();
        assert!(has_two_lengths(&single));
    }

    #[test]
    fn one_length_is_not_two_and_a_body_is_not_looked_at() {
        for request in [
            &b"POST / HTTP/1.1\r\ncontent-length: 5\r\nx-transfer-encoding: chunked\r\n\r\n"[..],
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nx: content-length: 5\r\n\r\n",
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\ncontent-length: 5\r\n",
            b"POST / HTTP/1.1\ntransfer-encoding: chunked\n\ncontent-length: 5\n",
            b"TRACE / HTTP/1.1\r\ncontent-lengths: 5\r\ntransfer-encodin: x\r\n\r\n",
        ] {
            assert!(!has_two_lengths(&[request]), "{}", String::from_utf8_lossy(request));
        }
    }
}
