//! Which fields of an answer the caller wants (AIP-157).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use mainstay_contract::{EXPANDED, NEXT_PAGE_TOKEN};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::rarely;
use mainstay_runtime::channel::FIELD_MASK;
use mainstay_wire::{MessageId, Plans, Selection};

use super::Found;
use crate::snapshot::ETAG;
use crate::transcode;

/// The fields that a request asks for.
#[derive(Debug, Default)]
pub struct ReadMask {
    /// What is to be left of the answer, where it is to be cut here.
    pub cut: Option<Cut>,
    /// For the data service, which reads no more than that of the rows.
    pub forwarded: Option<HeaderValue>,
}

/// What is to be left of an answer.
#[derive(Debug)]
pub struct Cut {
    plans: Arc<Plans>,
    output: MessageId,
    pub fields: Selection,
}

impl Cut {
    /// Cuts a message.
    pub fn of(&self, message: &[u8]) -> Result<Bytes, Fault> {
        let mut pruned = Vec::with_capacity(message.len());
        self.plans.prune(self.output, message, &self.fields, &mut pruned).map_err(Fault::internal)?;
        Ok(Bytes::from(pruned))
    }
}

impl ReadMask {
    /// Reads what `$fields` of the query and the headers ask for, together; nothing where they want everything.
    ///
    /// Fails with INVALID_MASK where a path leads to no field of the method's answer.
    pub fn of(found: &Found, query: Option<&str>, headers: &HeaderMap) -> Result<ReadMask, Fault> {
        let (plans, method) = (&found.snapshot.plans, found.method());
        let mut paths = Vec::new();
        for header in rarely(headers, &FIELD_MASK).into_iter().flat_map(|_| headers.get_all(&FIELD_MASK)) {
            paths.extend(named(header.to_str().map_err(|_| unreadable())?));
        }
        paths.extend(query.into_iter().flat_map(named));
        if paths.is_empty() {
            return Ok(ReadMask::default());
        }
        let fields = transcode::selection(plans, method.output, &paths)?;
        if fields.is_whole() {
            return Ok(ReadMask::default());
        }
        let cut = |fields| Some(Cut { plans: plans.clone(), output: method.output, fields });
        if !method.ruled {
            return Ok(ReadMask { cut: cut(fields), forwarded: None });
        }
        let mut forwarded = paths.join(",");
        if method.etag.is_some() && found.rule().is_some() {
            // For the head of the answer.
            forwarded.extend([",", ETAG]);
        }
        let forwarded = HeaderValue::from_str(&forwarded).map_err(|_| unreadable())?;
        // Without it a client would believe the list complete.
        for other in [NEXT_PAGE_TOKEN, EXPANDED] {
            paths.push(other);
            if plans.select(method.output, &paths).is_err() {
                paths.pop();
            }
        }
        let fields = plans.select(method.output, &paths).unwrap_or(fields);
        Ok(ReadMask { cut: cut(fields), forwarded: Some(forwarded) })
    }

    /// Reads what the headers of an RPC ask for. What the data service will apply is handed on unread: that service refuses a
    /// caller before it refuses a mask.
    pub fn of_rpc(found: &Found, headers: &HeaderMap) -> Result<ReadMask, Fault> {
        if !found.method().ruled {
            return ReadMask::of(found, None, headers);
        }
        let masks: Vec<&[u8]> = headers.get_all(FIELD_MASK).iter().map(HeaderValue::as_bytes).collect();
        if masks.is_empty() {
            return Ok(ReadMask::default());
        }
        let forwarded = HeaderValue::from_bytes(&masks.join(&b',')).map_err(|_| unreadable())?;
        Ok(ReadMask { cut: None, forwarded: Some(forwarded) })
    }
}

fn named(mask: &str) -> impl Iterator<Item = &str> {
    mask.split(',').map(str::trim).filter(|path| !path.is_empty())
}

fn unreadable() -> Fault {
    Fault::new(Reason::InvalidMask)
        .message("the wanted fields cannot be read: separate the names of fields by commas, as in `name,price.units`")
        .violation("$fields", "must be names of fields, separated by commas")
}
