//! Writes the JSON body of a REST answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::EXPANDED_IN_ROW;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::SMALL_ANSWER_BYTES;
use mainstay_wire::{JsonOptions, JsonPieces, MessageId, Plans, Selection, frame};
use serde_json::value::RawValue;

use super::query::shown;
use crate::snapshot::{Binding, Method, ResponseField};

/// The message of what a Get expands.
const EXPANDED: &str = "mainstay.v1.Expanded";

/// From which size on a message's JSON is written as it is sent. Below it, a text whose length is known is worth more.
pub const LONG_MESSAGE_BYTES: usize = 64 << 10;

/// How much of a long answer's JSON there is at a time.
const PIECE_BYTES: usize = 16 << 10;

/// The text of an answer.
#[derive(Debug)]
pub enum Text {
    Whole(Bytes),
    /// Written as it is sent, from a message of so many bytes.
    Pieces {
        pieces: JsonPieces,
        held: usize,
    },
}

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

/// Writes an answer's JSON, or has it written as it is sent.
pub fn answer(plans: &Arc<Plans>, binding: &Binding, wanted: &Wanted, wire: Bytes) -> Result<Text, Fault> {
    match binding.response_field {
        None => text(plans, &binding.method, wanted.options, wanted.fields.as_ref(), wire),
        // What is part of a text is cut out of it.
        Some(_) => element(plans, binding, wanted, &wire).map(Text::Whole),
    }
}

/// Writes the JSON of one message of a stream, or of an answer. Fails only where a service answered with bytes that are no
/// message of its type.
pub fn element(plans: &Plans, binding: &Binding, wanted: &Wanted, wire: &[u8]) -> Result<Bytes, Fault> {
    let json = json(plans, &binding.method, wanted.options, wanted.fields.as_ref(), wire)?;
    match &binding.response_field {
        None => Ok(Bytes::from(json)),
        Some(field) => field_of(field, &json),
    }
}

/// Writes the JSON of a method's answer, or of the wanted fields of it: at once where it is short.
pub fn text(
    plans: &Arc<Plans>,
    method: &Method,
    options: JsonOptions,
    fields: Option<&Selection>,
    wire: Bytes,
) -> Result<Text, Fault> {
    // What a Get expands is put behind the whole.
    if wire.len() < LONG_MESSAGE_BYTES || expands(method, &wire) {
        return json(plans, method, options, fields, &wire).map(|json| Text::Whole(Bytes::from(json)));
    }
    let (options, held) = (written_as(plans, method, options, &wire), wire.len());
    let pieces = JsonPieces::new(plans.clone(), method.output, wire, options, fields.cloned(), PIECE_BYTES);
    Ok(Text::Pieces { pieces, held })
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
    let options = written_as(plans, method, options, wire);
    plans.to_json_with(method.output, wire, options, fields, &mut json).map_err(Fault::internal)?;
    put_expanded(plans, method, wire, &mut json)?;
    // What waits for its client takes no more than it is.
    if json.len() > SMALL_ANSWER_BYTES {
        json.shrink_to_fit();
    }
    Ok(json)
}

/// How an answer is written: without defaults where it is a name alone.
fn written_as(plans: &Plans, method: &Method, options: JsonOptions, wire: &[u8]) -> JsonOptions {
    JsonOptions { emit_defaults: options.emit_defaults && !is_name_alone(plans, method, wire) }
}

/// Says whether an answer has something that a Get expands.
fn expands(method: &Method, wire: &[u8]) -> bool {
    method.ruled && !method.side_effects && frame::has_message(wire, EXPANDED_IN_ROW)
}

/// Writes what a Get expands behind the fields of the resource, among which it is none.
fn put_expanded(plans: &Plans, method: &Method, wire: &[u8], json: &mut Vec<u8>) -> Result<(), Fault> {
    if !expands(method, wire) {
        return Ok(());
    }
    let Some(expanded) = plans.message(EXPANDED) else { return Ok(()) };
    let mut beside = Vec::new();
    plans.to_json(expanded, wire, &mut beside).map_err(Fault::internal)?;
    json.pop();
    if json.len() > 1 {
        json.push(b',');
    }
    json.extend_from_slice(&beside[1..]);
    Ok(())
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
