//! A message as JSON that is the message and nothing else: no path, no query, no binding beside it.

use bytes::Bytes;
use mainstay_fault::Fault;

use super::Found;
use crate::transcode::{Origin, json_fault};

/// Reads the request message of a method: as it travels inside, as far as it can be read, and what is wrong with the rest.
pub fn read(found: &Found, text: &[u8]) -> (Bytes, Result<(), Fault>) {
    let mut out = Vec::with_capacity(text.len());
    let read = found.snapshot.plans.from_json(found.method().input, text, &mut out, None);
    (out.into(), read.map_err(|error| json_fault(error, Origin::Body { field: "" })))
}
