//! Compresses answers for callers who say that they read it (RFC 9110, section 8.4).

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Response;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, VARY};
use http_body_util::Full;
use mainstay_fault::Fault;
use mainstay_layers::Body;
use mainstay_wire::JsonPieces;

use super::kept::BY_CODING;
use super::weight::wishes;

/// The smallest body that is compressed: below it, what is saved on the way is not worth the work.
pub const SMALLEST: usize = 1 << 10;

/// The largest body that is compressed between other requests; a larger one is given to a thread of its own.
const LARGEST_INLINE: usize = 64 << 10;

/// The quickest level: an answer is made once and read once.
const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

/// How far back a compressed stream remembers, as a power of two: the memory that each open one takes.
const STREAM_WINDOW_LOG: u32 = 16;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Zstd,
    Gzip,
}

impl Coding {
    /// In the order of choice, where a caller wants them alike.
    const ALL: [Coding; 2] = [Coding::Zstd, Coding::Gzip];

    /// Chooses by `Accept-Encoding`; nothing where the caller reads none of them, or rather reads what is not coded.
    pub fn of(headers: &HeaderMap) -> Option<Coding> {
        Coding::named(headers, &ACCEPT_ENCODING)
    }

    /// Chooses by a header of the same form.
    pub fn named(headers: &HeaderMap, header: &HeaderName) -> Option<Coding> {
        if !headers.contains_key(header) {
            return None;
        }
        let weight = |names: &[&str]| {
            let named = |name: &str| names.iter().any(|own| name.eq_ignore_ascii_case(own));
            let exact = wishes(headers, header).find(|wish| named(wish.named));
            exact.or_else(|| wishes(headers, header).find(|wish| wish.named == "*")).map(|wish| wish.weight)
        };
        let plain = wishes(headers, header).find(|wish| wish.named.eq_ignore_ascii_case("identity"));
        let least = plain.map_or(1, |wish| wish.weight.saturating_add(1).min(super::weight::WHOLLY));
        let wanted = Coding::ALL.map(|coding| (weight(coding.names()).unwrap_or(0), coding));
        let best = if wanted[1].0 > wanted[0].0 { wanted[1] } else { wanted[0] };
        (best.0 >= least).then_some(best.1)
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Coding::Zstd => &["zstd"],
            Coding::Gzip => &["gzip", "x-gzip"],
        }
    }

    /// What the answer says of itself.
    pub fn name(self) -> HeaderValue {
        HeaderValue::from_static(self.names()[0])
    }

    /// Compresses a message; nothing where it is small, or where that makes it no smaller.
    pub fn smaller(self, message: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if message.len() < SMALLEST {
            return Ok(None);
        }
        let coded = self.code(message).map_err(Fault::internal)?;
        Ok((coded.len() < message.len()).then_some(coded))
    }

    /// Compresses a body; nothing where that makes it no smaller.
    pub async fn whole(self, body: &Bytes) -> Result<Option<Bytes>, Fault> {
        let coded = if body.len() <= LARGEST_INLINE {
            self.code(body)
        } else {
            let body = body.clone();
            tokio::task::spawn_blocking(move || self.code(&body)).await.map_err(Fault::internal)?
        };
        let coded = coded.map_err(Fault::internal)?;
        Ok((coded.len() < body.len()).then(|| Bytes::from(coded)))
    }

    /// Compresses a body piece by piece as it is written, in a thread of its own; nothing where that makes it no smaller.
    pub async fn all(self, pieces: JsonPieces) -> Result<Option<Bytes>, Fault> {
        let coding = move || {
            let (mut coder, mut coded, mut plain) = (Coder::new(self)?, Vec::new(), 0);
            for piece in pieces {
                let piece = piece.map_err(Fault::internal)?;
                plain += piece.len();
                coded.extend(coder.part(&piece).map_err(Fault::internal)?);
            }
            coded.extend(coder.piece(&[], true).map_err(Fault::internal)?);
            // What waits for its client takes no more than it is.
            coded.shrink_to_fit();
            Ok((coded.len() < plain).then(|| Bytes::from(coded)))
        };
        tokio::task::spawn_blocking(coding).await.map_err(Fault::internal)?
    }

    fn code(self, body: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Coding::Zstd => zstd::bulk::compress(body, ZSTD_LEVEL),
            Coding::Gzip => {
                let mut coder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::new(GZIP_LEVEL));
                coder.write_all(body)?;
                coder.finish()
            }
        }
    }
}

/// An error as its caller reads it: compressed by the same measure. It is small enough to be made between other requests; where
/// that fails, it is told as it is.
pub fn told(coding: Option<Coding>, answer: Response<Bytes>) -> Response<Body> {
    let Some(coding) = coding else { return answer.map(|body| Body::new(Full::new(body))) };
    let (mut head, body) = answer.into_parts();
    head.headers.append(VARY, BY_CODING);
    let smaller = coding.smaller(&body).ok().flatten();
    head.headers.extend(smaller.is_some().then(|| (CONTENT_ENCODING, coding.name())));
    Response::from_parts(head, Body::new(Full::new(smaller.map_or(body, Bytes::from))))
}

/// A body that is compressed as it comes. What goes in comes out at once: a client sees each message when it is sent.
pub enum Coder {
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Gzip(GzEncoder<Vec<u8>>),
}

impl Coder {
    /// Begins a body.
    pub fn new(coding: Coding) -> Result<Coder, Fault> {
        Ok(match coding {
            Coding::Gzip => Coder::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Coding::Zstd => {
                let mut coder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(Fault::internal)?;
                coder.window_log(STREAM_WINDOW_LOG).map_err(Fault::internal)?;
                Coder::Zstd(coder)
            }
        })
    }

    /// Compresses a part of a body that nobody reads before its end; answers what came out so far.
    fn part(&mut self, part: &[u8]) -> io::Result<Vec<u8>> {
        Ok(match self {
            Coder::Zstd(coder) => {
                coder.write_all(part)?;
                std::mem::take(coder.get_mut())
            }
            Coder::Gzip(coder) => {
                coder.write_all(part)?;
                std::mem::take(coder.get_mut())
            }
        })
    }

    /// Compresses a piece. `last` ends the body.
    pub fn piece(&mut self, piece: &[u8], last: bool) -> io::Result<Vec<u8>> {
        match self {
            Coder::Zstd(coder) => {
                coder.write_all(piece)?;
                if last {
                    coder.do_finish()?;
                } else {
                    coder.flush()?;
                }
                Ok(std::mem::take(coder.get_mut()))
            }
            Coder::Gzip(coder) => {
                coder.write_all(piece)?;
                if last {
                    coder.try_finish()?;
                } else {
                    coder.flush()?;
                }
                Ok(std::mem::take(coder.get_mut()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coding_is_the_one_that_is_wanted_most() {
        for (accept, coding) in [
            ("gzip", Some(Coding::Gzip)),
            ("x-gzip", Some(Coding::Gzip)),
            ("GZIP", Some(Coding::Gzip)),
            ("zstd", Some(Coding::Zstd)),
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("gzip;q=1, zstd;q=0.9", Some(Coding::Gzip)),
            ("*", Some(Coding::Zstd)),
            ("*;q=0", None),
            ("zstd;q=0, *", Some(Coding::Gzip)),
            ("gzip;q=0", None),
            ("gzip;q=0.001", Some(Coding::Gzip)),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip", Some(Coding::Gzip)),
            ("identity, gzip", Some(Coding::Gzip)),
            ("br, deflate", None),
            ("", None),
            ("gzip;q=nonsense", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accept))]);
            assert_eq!(Coding::of(&headers), coding, "{accept:?}");
        }
        assert_eq!(Coding::of(&HeaderMap::new()), None);
    }
}
