//! Which fields of an answer the caller wants (AIP-157).

use http::{HeaderMap, HeaderValue};
use mainstay_contract::NEXT_PAGE_TOKEN;
use mainstay_fault::{Fault, Reason};
use mainstay_runtime::channel::{Call, FIELD_MASK};
use mainstay_wire::Selection;

use crate::snapshot::{Method, Snapshot};
use crate::transcode;

/// The fields that a request asks for.
#[derive(Debug)]
pub struct ReadMask {
    /// What is left of the answer, if it still is to be cut.
    pub selection: Selection,
    /// For the data service, which cuts the rows that it reads.
    forwarded: Option<HeaderValue>,
}

impl ReadMask {
    /// Reads what `$fields` of the query and the headers ask for, together; nothing where they want everything.
    ///
    /// Fails with INVALID_MASK where a path leads to no field of the method's answer.
    pub fn of(
        snapshot: &Snapshot,
        method: &Method,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Option<ReadMask>, Fault> {
        let mut paths = Vec::new();
        for header in headers.get_all(FIELD_MASK) {
            paths.extend(named(header.to_str().map_err(|_| unreadable())?));
        }
        paths.extend(query.into_iter().flat_map(named));
        if paths.is_empty() {
            return Ok(None);
        }
        let plans = &snapshot.plans;
        let selection = transcode::selection(plans, method.output, &paths)?;
        if selection.is_whole() {
            return Ok(None);
        }
        if !method.ruled {
            return Ok(Some(ReadMask { selection, forwarded: None }));
        }
        let forwarded = HeaderValue::from_str(&paths.join(",")).map_err(|_| unreadable())?;
        // Without it a client would believe the list complete.
        paths.push(NEXT_PAGE_TOKEN);
        let selection = plans.select(method.output, &paths).unwrap_or(selection);
        Ok(Some(ReadMask { selection, forwarded: Some(forwarded) }))
    }

    /// Reads what the headers of a gRPC call ask for. What the data service will apply is handed on unread: that service
    /// refuses a caller before it refuses a mask.
    pub fn of_grpc(snapshot: &Snapshot, method: &Method, headers: &HeaderMap) -> Result<Option<ReadMask>, Fault> {
        if !method.ruled {
            return ReadMask::of(snapshot, method, None, headers);
        }
        let masks: Vec<&[u8]> = headers.get_all(FIELD_MASK).iter().map(HeaderValue::as_bytes).collect();
        if masks.is_empty() {
            return Ok(None);
        }
        let forwarded = HeaderValue::from_bytes(&masks.join(&b',')).map_err(|_| unreadable())?;
        Ok(Some(ReadMask { selection: Selection::default(), forwarded: Some(forwarded) }))
    }

    /// Hands the mask on with the call, where the service behind applies it. Says whether it does.
    pub fn hand_on(&self, call: &mut Call) -> bool {
        let Some(mask) = &self.forwarded else { return false };
        call.metadata.insert(FIELD_MASK, mask.clone());
        true
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
