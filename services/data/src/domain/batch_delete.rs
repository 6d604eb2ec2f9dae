//! BatchDelete (AIP-235).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{Role, Verb};
use mainstay_wire::frame;

use super::answer::Form;
use super::batch::{Batch, Element, Parent};
use super::context::Operation;
use super::delete::Delete;
use super::place::Holds;
use super::request::Request;

const BATCH: Batch =
    Batch { verb: Verb::BatchDelete, list: Role::Names, holds: Holds::Names("names"), form: Form::Nothing, element };

/// Reads a BatchDelete.
pub fn read(op: Operation, message: Bytes) -> Request {
    BATCH.read(op, message)
}

/// An element is a name: it is the Delete that has no other field.
fn element(op: Operation, name: &Bytes, parent: &Parent<'_>) -> Element {
    let mut message = Vec::with_capacity(name.len() + 4);
    frame::put_bytes(const { Verb::Delete.request().number(Role::Name) }, name, &mut message);
    let problem = std::str::from_utf8(name).ok().and_then(|name| parent.mismatch_of_name(op.plan(), "name", name));
    let write = Arc::new(Delete::new(op, Verb::Delete.read(Bytes::from(message))));
    Element { write, problems: problem.into_iter().collect() }
}
