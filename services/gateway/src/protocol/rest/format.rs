//! How a stream of messages is written over REST: server-sent events, JSON lines, or a JSON array.

use http::header::{ACCEPT, HeaderMap, HeaderValue};

use crate::protocol::weight::{Wish, wishes};
use crate::snapshot::ERROR;

/// After how long a client of server-sent events comes back when its stream has ended.
const RETRY_MS: u32 = 2_000;

/// The forms of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/event-stream`, which browsers read (WHATWG HTML, section 9.2).
    Events,
    /// `application/x-ndjson`: a line for each message.
    Lines,
    /// `application/json`: an array that ends when the stream does.
    Array,
}

/// What is written next.
#[derive(Debug)]
pub enum Item<'i> {
    /// What comes before the first message.
    Begin,
    Message {
        json: &'i [u8],
        /// Where the stream can be taken up again after this message.
        id: Option<&'i str>,
        /// What kind of message it is.
        kind: &'i str,
        first: bool,
    },
    /// What went wrong after the stream had begun, as the body of an error has it.
    Fault { json: &'i [u8], first: bool },
    /// The stream ended as it should.
    End,
    /// Nothing came for a while: what shows the client, and whoever is between, that the stream still lives.
    Heartbeat,
}

impl Format {
    /// Every form, the one that is taken where the caller has no wish first.
    const ALL: [Format; 3] = [Format::Array, Format::Events, Format::Lines];

    /// Chooses by `Accept` (RFC 9110, section 12.5.1): what is wanted most, and named most exactly. Who wants none of them gets
    /// an array.
    pub fn of(headers: &HeaderMap) -> Format {
        let mut best = (Format::Array, 0, 0);
        for format in Format::ALL {
            let ranges = wishes(headers, &ACCEPT).filter_map(|wish| format.wish(wish));
            let wish = ranges.max_by_key(|(exactness, _)| *exactness);
            if let Some((exactness, weight)) = wish
                && weight > 0
                && (weight, exactness) > (best.1, best.2)
            {
                best = (format, weight, exactness);
            }
        }
        best.0
    }

    /// How exactly a range of `Accept` names this form, and how much it is wanted, in thousandths.
    fn wish(self, Wish { named, weight }: Wish<'_>) -> Option<(u8, u16)> {
        let exactness = match named {
            "*/*" => 1,
            _ if named.strip_suffix("/*").is_some_and(|kind| self.is_below(kind)) => 2,
            _ if self.names().iter().any(|name| named.eq_ignore_ascii_case(name)) => 3,
            _ => return None,
        };
        Some((exactness, weight))
    }

    fn is_below(self, kind: &str) -> bool {
        self.names().iter().any(|name| name.split('/').next().is_some_and(|of| of.eq_ignore_ascii_case(kind)))
    }

    /// What the form is called; the first is what the answer says.
    fn names(self) -> &'static [&'static str] {
        match self {
            Format::Events => &["text/event-stream"],
            Format::Lines => &["application/x-ndjson", "application/ndjson", "application/jsonl"],
            Format::Array => &["application/json"],
        }
    }

    /// The content type of the answer.
    pub fn kind(self) -> HeaderValue {
        HeaderValue::from_static(self.names()[0])
    }

    /// Writes what comes next.
    pub fn write(self, item: &Item<'_>, out: &mut Vec<u8>) {
        match self {
            Format::Events => events(item, out),
            Format::Lines => lines(item, out),
            Format::Array => array(item, out),
        }
    }
}

fn events(item: &Item<'_>, out: &mut Vec<u8>) {
    match item {
        Item::Begin => out.extend_from_slice(format!("retry: {RETRY_MS}\n\n").as_bytes()),
        Item::Message { json, id, kind, .. } => {
            if let Some(id) = id {
                out.extend_from_slice(format!("id: {id}\n").as_bytes());
            }
            event(kind, json, out);
        }
        Item::Fault { json, .. } => event(ERROR, json, out),
        Item::Heartbeat => out.extend_from_slice(b":\n\n"),
        Item::End => {}
    }
}

/// Writes an event. JSON is written on one line, so that it is one line of data.
fn event(kind: &str, json: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("event: {kind}\ndata: ").as_bytes());
    out.extend_from_slice(json);
    out.extend_from_slice(b"\n\n");
}

/// An empty line would be a line without JSON, so that there is no heartbeat.
fn lines(item: &Item<'_>, out: &mut Vec<u8>) {
    if let Item::Message { json, .. } | Item::Fault { json, .. } = item {
        out.extend_from_slice(json);
        out.push(b'\n');
    }
}

/// Each element is a whole line when it is written: who reads lines need not wait for the next one.
fn array(item: &Item<'_>, out: &mut Vec<u8>) {
    match item {
        Item::Begin => out.extend_from_slice(b"[\n"),
        Item::Message { json, first, .. } => element(*first, json, out),
        Item::Fault { json, first } => {
            element(*first, json, out);
            out.extend_from_slice(b"]\n");
        }
        Item::Heartbeat => out.push(b'\n'),
        Item::End => out.extend_from_slice(b"]\n"),
    }
}

fn element(first: bool, json: &[u8], out: &mut Vec<u8>) {
    if !first {
        out.extend_from_slice(b",\n");
    }
    out.extend_from_slice(json);
    out.push(b'\n');
}
