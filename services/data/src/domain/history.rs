//! History: what happened to a row, for whoever may read it.

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{FieldModel, Role, Verb};
use mainstay_record::{NumberPath, Value};
use mainstay_wire::frame;

use super::context::{Context, Operation};
use super::list::{DEFAULT_PAGE_SIZE, MAX_PAGE_BYTES, MAX_PAGE_SIZE};
use super::page_token::{self, Binding};
use super::read_mask;
use super::record::shape;
use crate::error::{Error, Result};
use crate::plans::{Position, lane_for};
use crate::rights::Obstacle;
use crate::store::transitions::{self, Passage};

const MICROS: i64 = 1_000_000;

/// Answers one page.
pub async fn history(cx: &Context, op: &Operation, message: &[u8]) -> Result<Bytes> {
    let plan = op.plan();
    if plan.read.is_none() && !op.caller.is_system() {
        return Err(op.caller.denied(Obstacle::NoRule).into());
    }
    op.sound()?;
    read_mask::none(op)?;
    let asked = Verb::History.read(message)?;
    let name = asked.text(Role::Name)?;
    let size = match asked.int32(Role::PageSize) {
        0 => DEFAULT_PAGE_SIZE,
        size => usize::try_from(size).map_err(|_| Error::PageSize)?.min(MAX_PAGE_SIZE),
    };
    let of = format!("{} transitions", plan.resource.type_name);
    let binding = Binding {
        resource_type: &of,
        parent: name,
        filter: "",
        order_by: "",
        show_deleted: false,
        principal: op.caller.key(),
    };
    let before = before(cx, op, &binding, asked.text(Role::PageToken)?)?;
    let key = op.key("name", name)?;
    let passages = find(cx, op, key, before, size + 1).await?;
    let mut out = Vec::new();
    for (at, passage) in passages.iter().enumerate() {
        if at == size || (at > 0 && out.len() > MAX_PAGE_BYTES) {
            let last = Value::Int(passages[at - 1].revision);
            let position = Position { keys: vec![(NumberPath::default(), last)] };
            let token =
                page_token::seal(&cx.page_key, &binding, &position, op.caller.now / MICROS).map_err(Error::Key)?;
            frame::put_bytes(const { number(Role::NextPageToken) }, token.as_bytes(), &mut out);
            break;
        }
        put(op, passage, &mut out);
    }
    Ok(Bytes::from(out))
}

/// The revision that a page is before.
fn before(cx: &Context, op: &Operation, binding: &Binding<'_>, token: &str) -> Result<i64> {
    if token.is_empty() {
        return Ok(i64::MAX);
    }
    let position = page_token::open(&cx.page_key, binding, token, op.caller.now / MICROS).map_err(Error::PageToken)?;
    match position.keys.as_slice() {
        [(_, Value::Int(revision))] => Ok(*revision),
        _ => Err(Error::PageToken(page_token::TokenError::Invalid)),
    }
}

async fn find(cx: &Context, op: &Operation, key: Vec<Value>, before: i64, limit: usize) -> Result<Vec<Passage>> {
    let asked = Arc::new((op.clone(), key));
    let found = cx.db.read(lane_for(limit), move |conn| {
        let asked = Arc::clone(&asked);
        Box::pin(async move {
            let (op, key) = &*asked;
            let plan = op.plan();
            let Some((_, hidden)) = op.find_seen(conn, key).await? else { return Ok(None) };
            let whose = transitions::whose(&plan.resource.type_name, key);
            let mut passages = transitions::list(conn, whose, before, limit).await?;
            // What the caller does not see of the row he does not see of its past.
            if !hidden.is_empty() {
                passages.iter_mut().try_for_each(|passage| hide(op, &hidden, &mut passage.inputs))?;
            }
            Ok(Some(passages))
        })
    });
    let found: Result<Option<Vec<Passage>>> = found.await;
    let plan = op.plan();
    found?.ok_or_else(|| op.caller.not_readable(plan.get(&op.caller).is_public()).into())
}

/// Leaves out of what was given what is hidden.
fn hide(op: &Operation, hidden: &[usize], inputs: &mut Vec<u8>) -> Result<()> {
    let plan = op.plan();
    let given = plan.record.decode(inputs).map_err(|error| shape(plan, error))?;
    let is_seen = |field: &&FieldModel| {
        let columns = field.all_columns();
        let is_among = |columns: &[usize], other: &[usize]| columns.iter().any(|own| other.contains(own));
        is_among(&columns, &given.present) && !is_among(&columns, hidden)
    };
    let names: Vec<&str> = plan.resource.fields.iter().filter(is_seen).map(|field| field.name.as_str()).collect();
    inputs.clear();
    if !names.is_empty() {
        let selection = plan.record.select(&names).map_err(|_| Error::OutOfTurn)?;
        plan.record.encode_masked(&given.values, &selection, inputs).map_err(Error::Damaged)?;
    }
    Ok(())
}

const fn number(role: Role) -> u32 {
    match Verb::History.answer() {
        Some(fields) => fields.number(role),
        None => panic!("it has an answer of its own"),
    }
}

fn put(op: &Operation, passage: &Passage, out: &mut Vec<u8>) {
    let resource = &op.plan().resource;
    let Some(fields) = Verb::History.element() else { return };
    let states = resource.states.iter().find(|states| i64::from(states.number) == passage.field);
    let name =
        |state: i64| states.and_then(|states| states.names.get(&state)).cloned().unwrap_or_else(|| state.to_string());
    let mut one = Vec::with_capacity(128);
    let texts = [
        (Role::Transition, &passage.transition),
        (Role::FromState, &name(passage.from)),
        (Role::ToState, &name(passage.to)),
        (Role::Actor, &passage.actor),
    ];
    for (role, text) in texts {
        frame::put_bytes(fields.number(role), text.as_bytes(), &mut one);
    }
    let mut time = Vec::with_capacity(16);
    frame::put_varint(1, passage.at.div_euclid(MICROS).cast_unsigned(), &mut time);
    frame::put_varint(2, (passage.at.rem_euclid(MICROS) * 1_000).cast_unsigned(), &mut time);
    frame::put_message(fields.number(Role::CreateTime), &time, &mut one);
    if !passage.inputs.is_empty() {
        frame::put_message(fields.number(Role::Inputs), &passage.inputs, &mut one);
    }
    frame::put_message(const { number(Role::Passages) }, &one, out);
}
