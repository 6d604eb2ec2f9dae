//! BatchUpdate (AIP-234).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{Role, Verb};

use super::answer::Form;
use super::batch::{Batch, Element, Parent, shared_terms};
use super::context::Operation;
use super::place::Holds;
use super::record::in_request;
use super::request::Request;
use super::update::Update;

const BATCH: Batch = Batch {
    verb: Verb::BatchUpdate,
    list: Role::Updates,
    holds: Holds::Requests("requests"),
    form: Form::Rows,
    element,
};

/// Reads a BatchUpdate.
pub fn read(op: Operation, message: Bytes) -> Request {
    BATCH.read(op, message)
}

fn element(op: Operation, message: &Bytes, parent: &Parent<'_>) -> Element {
    let message = Verb::Update.read(message.clone());
    let mut problems = shared_terms(&message);
    let plan = Arc::clone(op.plan());
    let update = Update::new(op, message);
    let name = update.name().unwrap_or_default();
    problems.extend(parent.mismatch_of_name(&plan, &in_request(&plan, "name"), name));
    Element { write: Arc::new(update), problems }
}
