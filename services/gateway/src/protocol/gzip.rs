//! Messages that come compressed.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, HeaderValue};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::too_large;

/// What is taken.
const TAKEN: &str = "gzip, identity";

/// How a message is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
}

impl Compression {
    /// Reads the compression that a header names.
    pub fn named(headers: &HeaderMap, header: &'static str) -> Result<Compression, Fault> {
        Compression::of(headers.get(header).map_or(&b""[..], HeaderValue::as_bytes), header)
    }

    /// Reads a compression's name; `place` says where it stands.
    pub fn of(name: &[u8], place: &str) -> Result<Compression, Fault> {
        match name.trim_ascii() {
            b"" => Ok(Compression::None),
            name if name.eq_ignore_ascii_case(b"identity") => Ok(Compression::None),
            name if name.eq_ignore_ascii_case(b"gzip") => Ok(Compression::Gzip),
            _ => Err(Fault::new(Reason::Unimplemented)
                .message(format!("the compression that {place} names is not supported; taken here: {TAKEN}"))
                .meta("accept_encoding", TAKEN)),
        }
    }

    /// Decompresses a message, as far as the limit: a few bytes can stand for gigabytes.
    pub fn undone(self, message: Bytes, limit: usize) -> Result<Bytes, Fault> {
        if self == Compression::None || message.is_empty() {
            return Ok(message);
        }
        let mut plain = Vec::with_capacity(message.len().saturating_mul(2).min(limit));
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        MultiGzDecoder::new(&*message).take(most).read_to_end(&mut plain).map_err(|_| {
            Fault::new(Reason::MalformedRequest).message("the message says that it is gzip, and cannot be decompressed")
        })?;
        if plain.len() > limit {
            return Err(too_large(Some(limit)));
        }
        Ok(plain.into())
    }
}
