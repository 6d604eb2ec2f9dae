//! BatchCreate (AIP-233).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{Role, Verb};
use mainstay_record::Violation;

use super::answer::Form;
use super::batch::{Batch, Element, Parent, shared_terms};
use super::context::Operation;
use super::create::Create;
use super::place::Holds;
use super::request::{Message, Request};

const BATCH: Batch = Batch {
    verb: Verb::BatchCreate,
    list: Role::Creates,
    holds: Holds::Requests("requests"),
    form: Form::Rows,
    element,
};

/// Reads a BatchCreate.
pub fn read(op: Operation, message: Bytes) -> Request {
    BATCH.read(op, message)
}

fn element(op: Operation, message: &Bytes, parent: &Parent<'_>) -> Element {
    let message = Verb::Create.read(message.clone());
    let mut problems = shared_terms(&message);
    let (below, problem) = match &message {
        Ok(message) => below(&op, message, parent),
        Err(_) => (None, None),
    };
    problems.extend(problem);
    Element { write: Arc::new(Create::new(op, message, below)), problems }
}

/// The parent that the element does not name itself, and what is wrong with the one that it names.
fn below(op: &Operation, message: &Message, parent: &Parent<'_>) -> (Option<String>, Option<Violation>) {
    match message.text(Role::Parent) {
        Ok("") => (parent.whole().map(str::to_owned), None),
        Ok(own) => (None, op.plan().parse_parent(own).and_then(|own| parent.mismatch("parent", own.into_iter()))),
        // It is told with the other things that are wrong with the element.
        Err(_) => (None, None),
    }
}
