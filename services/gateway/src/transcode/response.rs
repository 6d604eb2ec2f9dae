//! Writes the JSON body of a REST answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::SMALL_ANSWER_BYTES;
use mainstay_wire::{JsonOptions, MessageId, Plans, Selection};
use serde_json::value::RawValue;

use super::query::shown;
use crate::snapshot::{Binding, Method, ResponseField};

/// What the caller wants of the answer.
#[derive(Debug, Default)]
pub struct Wanted {
    pub options: JsonOptions,
    /// Nothing wants every field.
    pub fields: Option<Selection>,
}

/// Compiles a list of field paths of an answer (AIP-157).
pub fn selection(plans: &Plans, output: MessageId, paths: &[&str]) -> Result<Selection, Fault> {
    plans.select(output, paths).map_err(|error| {
        Fault::new(Reason::InvalidMask)
            .message(format!("the wanted fields name `{}`: {}", shown(&error.path), error.message))
            .violation("$fields", error.message)
    })
}

/// Writes an answer's JSON. Fails only where a service answered with bytes that are no message of its type.
pub fn answer(plans: &Plans, binding: &Binding, wanted: &Wanted, wire: &[u8]) -> Result<Bytes, Fault> {
    let json = json(plans, &binding.method, wanted.options, wanted.fields.as_ref(), wire)?;
    match &binding.response_field {
        None => Ok(Bytes::from(json)),
        Some(field) => field_of(field, &json),
    }
}

/// Writes the JSON of a method's answer, or of the wanted fields of it.
pub fn json(
    plans: &Plans,
    method: &Method,
    options: JsonOptions,
    fields: Option<&Selection>,
    wire: &[u8],
) -> Result<Vec<u8>, Fault> {
    // JSON names its fields: about twice the size, so that the buffer seldom grows.
    let mut json = Vec::with_capacity(wire.len() * 2 + 64);
    let options = JsonOptions { emit_defaults: options.emit_defaults && !is_name_alone(plans, method, wire) };
    plans.to_json_with(method.output, wire, options, fields, &mut json).map_err(Fault::internal)?;
    // What waits for its client takes no more than it is.
    if json.len() > SMALL_ANSWER_BYTES {
        json.shrink_to_fit();
    }
    Ok(json)
}

/// Says whether all that a write answers is the resource's name: a writer who may not read the result is told no more, and
/// zeros beside it would be made up.
fn is_name_alone(plans: &Plans, method: &Method, wire: &[u8]) -> bool {
    const NAME: &str = "name";
    if !method.ruled || wire.is_empty() || !method.side_effects {
        return false;
    }
    let mut name = Vec::with_capacity(wire.len());
    let selection = plans.select(method.output, &[NAME]).ok();
    let pruned = selection.and_then(|selection| plans.prune(method.output, wire, &selection, &mut name).ok());
    pruned.is_some() && name == wire
}

fn field_of(field: &ResponseField, json: &[u8]) -> Result<Bytes, Fault> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(json).map_err(Fault::internal)?;
    let value = fields.get(field.json_name.as_ref()).map_or(field.when_unset, |value| value.get());
    Ok(Bytes::copy_from_slice(value.as_bytes()))
}
