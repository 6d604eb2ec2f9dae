//! How much a fault may say.
//!
//! Over gRPC all of it travels in the head of an answer, and encoded: the message percent-encoded and once more inside the
//! details, the details in base64. Clients refuse heads above 8 KiB altogether, and their users then see RESOURCE_EXHAUSTED
//! instead of what was wrong. So message, metadata and violations share one budget, counted as they travel. Over REST the
//! same is said.

use crate::fault::{Inner, Origin};
use std::borrow::Cow;

/// Most bytes of a status as it travels: `grpc-message` and `grpc-status-details-bin` together. The rest of the 8 KiB that
/// every client takes is for the other headers.
pub const MAX_STATUS_BYTES: usize = 7 << 10;

/// The message's share.
const MESSAGE_BYTES: usize = 3 << 10;

/// The metadata's share.
const METADATA_BYTES: usize = 1 << 10;

/// What the names of the details take, and what is short in them: the reason, the delay, the request's id.
const FRAME_BYTES: usize = 600;

/// Longest request id.
const REQUEST_ID_BYTES: usize = 128;

/// Where there is too much of them, each field, description and value is cut to so many bytes, that others have room too.
const FIELD_BYTES: usize = 256;
const DESCRIPTION_BYTES: usize = 512;
const VALUE_BYTES: usize = 256;

/// What protobuf adds to a violation or an entry: tags and lengths.
const TAGS_BYTES: usize = 12;

/// What the count of that which was left out may take.
const COUNT_BYTES: usize = 80;

/// The metadata that counts entries which were left out.
const OMITTED: &str = "omitted";

/// Stands where a text was cut.
const CUT: char = '…';

/// What a fault says, within the budget.
pub(crate) struct Said<'f> {
    pub(crate) message: Cow<'f, str>,
    pub(crate) metadata: Vec<(&'f str, Cow<'f, str>)>,
    /// Field and description.
    pub(crate) violations: Vec<(Cow<'f, str>, Cow<'f, str>)>,
    pub(crate) request_id: Option<&'f str>,
    /// Another service's details, whole or not at all.
    pub(crate) foreign: &'f [u8],
}

impl<'f> Said<'f> {
    pub(crate) fn of(fault: &'f Inner) -> Said<'f> {
        let message = cut(&fault.message, MESSAGE_BYTES, in_message);
        let spent = FRAME_BYTES + cost(&message, in_message);
        let metadata = metadata(&fault.metadata);
        let spent = spent + metadata.iter().map(|(key, value)| in_details(key.len() + value.len())).sum::<usize>();
        let violations = violations(fault, MAX_STATUS_BYTES - spent);
        let foreign = match &fault.origin {
            Origin::Foreign { details, .. } if base64(details.len()) + MESSAGE_BYTES <= MAX_STATUS_BYTES => {
                &details[..]
            }
            _ => &[],
        };
        let request_id = fault.request_id.as_deref().map(|id| prefix(id, REQUEST_ID_BYTES, |sign| sign.len_utf8()));
        Said { message, metadata, violations, request_id, foreign }
    }
}

fn metadata<'f>(entries: &'f [(Cow<'static, str>, String)]) -> Vec<(&'f str, Cow<'f, str>)> {
    let whole = || entries.iter().map(|(key, value)| (&**key, Cow::Borrowed(value.as_str())));
    let size = |(key, value): &(&str, Cow<'_, str>)| in_details(key.len() + value.len());
    if whole().map(|entry| size(&entry)).sum::<usize>() <= METADATA_BYTES {
        return whole().collect();
    }
    let short = entries.iter().map(|(key, value)| (&**key, cut(value, VALUE_BYTES, |sign| sign.len_utf8())));
    let mut kept = fitting(short, size, METADATA_BYTES - in_details(COUNT_BYTES));
    if kept.len() < entries.len() {
        kept.push((OMITTED, Cow::Owned(format!("{} more", entries.len() - kept.len()))));
    }
    kept
}

fn violations(fault: &Inner, room: usize) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    let all = &fault.violations;
    let size = |(field, description): &(Cow<'_, str>, Cow<'_, str>)| in_details(field.len() + description.len());
    let whole = || all.iter().map(|v| (Cow::Borrowed(v.field.as_str()), Cow::Borrowed(v.description.as_str())));
    if whole().map(|violation| size(&violation)).sum::<usize>() <= room {
        return whole().collect();
    }
    let bytes = |sign: char| sign.len_utf8();
    let short = all.iter().map(|v| (cut(&v.field, FIELD_BYTES, bytes), cut(&v.description, DESCRIPTION_BYTES, bytes)));
    let mut kept = fitting(short, size, room - in_details(COUNT_BYTES));
    if kept.len() < all.len() {
        let rest = all.len() - kept.len();
        kept.push((
            Cow::Borrowed(""),
            Cow::Owned(format!("and {rest} more violations, which do not fit into an answer")),
        ));
    }
    kept
}

/// Keeps what comes first, as far as there is room.
fn fitting<T>(all: impl Iterator<Item = T>, size: impl Fn(&T) -> usize, mut room: usize) -> Vec<T> {
    let fits = |one: &T| {
        let left = room.checked_sub(size(one));
        room = left.unwrap_or(0);
        left.is_some()
    };
    all.take_while(fits).collect()
}

/// Cuts a text between characters where it costs more than `most`, and shows that it was cut.
fn cut(text: &str, most: usize, price: impl Fn(char) -> usize) -> Cow<'_, str> {
    if cost(text, &price) <= most {
        return Cow::Borrowed(text);
    }
    let kept = prefix(text, most - price(CUT), price);
    Cow::Owned(format!("{kept}{CUT}"))
}

fn prefix(text: &str, most: usize, price: impl Fn(char) -> usize) -> &str {
    let mut spent = 0;
    let end = text.char_indices().find(|(_, sign)| {
        spent += price(*sign);
        spent > most
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

fn cost(text: &str, price: impl Fn(char) -> usize) -> usize {
    text.chars().map(price).sum()
}

/// What a character of the message takes: percent-encoded where it has to be, and in base64.
fn in_message(sign: char) -> usize {
    let length = sign.len_utf8();
    let plain = matches!(sign, '!' | '$' | '&'..=';' | '=' | '@'..='_' | 'a'..='z' | '|' | '~');
    (if plain { length } else { 3 * length }) + base64(length)
}

/// What so many bytes of texts take as an entry of the details.
fn in_details(bytes: usize) -> usize {
    base64(bytes + TAGS_BYTES)
}

fn base64(bytes: usize) -> usize {
    (4 * bytes).div_ceil(3)
}
