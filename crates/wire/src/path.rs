//! Dotted paths: query parameters, path captures, nested bodies, read masks.

use mainstay_record::time::{Duration, Timestamp};

use crate::{
    JsonErrorKind, MaskError, Selection,
    fail::{Fail, parsed, shown},
    field_mask,
    from_json::{Given, enum_number, put_duration, put_timestamp, read_bytes},
    table::{FieldPlan, Leaf, MessagePlan, Shape, Special, Table},
    writer::{Tag, WireType, close, open, put_length_delimited, put_varint},
};

/// One message of one [`Plans`](crate::Plans).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId(pub(crate) u32);

/// What a dotted path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldInfo {
    /// The path in proto names: `price.currency_code`.
    pub path: String,
    /// Whether it may be given several times.
    pub repeated: bool,
    /// Whether it is a map, which has no text form.
    pub map: bool,
    /// The type, where the last field is a message (also one with a text form, such as a Timestamp).
    pub message: Option<MessageId>,
}

/// Finds the fields along a path. Only the last one may be repeated or a value with a form of its own.
fn walk<'t>(table: &'t Table, message: u32, path: &str) -> Result<Vec<&'t FieldPlan>, Fail> {
    let mut plan = table.message(message);
    let mut fields: Vec<&FieldPlan> = Vec::with_capacity(1);
    for name in path.split('.') {
        let nowhere = |message| nowhere(path, &fields, message);
        if let Some(field) = fields.last() {
            plan = inside(table, field).ok_or_else(|| nowhere(format!("{} has no fields", field.name)))?;
        }
        let index =
            plan.named(name, 0).ok_or_else(|| nowhere(format!("{} has no field \"{}\"", plan.name, shown(name))))?;
        fields.push(&plan.fields[index]);
    }
    Ok(fields)
}

/// A path that leads nowhere behind the fields that it has passed. What it says below a field whose values are not repeated may be
/// such a value: a key of a map is one.
fn nowhere(path: &str, passed: &[&FieldPlan], message: String) -> Fail {
    let fail = Fail::new(JsonErrorKind::UnknownField, message);
    match passed.iter().position(|field| field.unsaid) {
        Some(last) => fail.unsaid().at_field(&names(&passed[..=last])),
        None => fail.at_field(&shown(path)),
    }
}

/// The message into which a path may go on.
fn inside<'t>(table: &'t Table, field: &FieldPlan) -> Option<&'t MessagePlan> {
    match field.leaf {
        Leaf::Message(index) | Leaf::Group(index) if field.is_singular() => {
            Some(table.message(index)).filter(|plan| plan.special == Special::None)
        }
        _ => None,
    }
}

pub(crate) fn info(table: &Table, message: u32, path: &str) -> Result<FieldInfo, Fail> {
    let fields = walk(table, message, path)?;
    let last = fields[fields.len() - 1];
    let map = matches!(last.shape, Shape::Map(_));
    let message = match last.leaf {
        Leaf::Message(index) | Leaf::Group(index) if !map => Some(MessageId(index)),
        _ => None,
    };
    Ok(FieldInfo { path: names(&fields), repeated: matches!(last.shape, Shape::Repeated { .. }), map, message })
}

/// The path in proto names.
fn names(fields: &[&FieldPlan]) -> String {
    fields.iter().map(|field| &*field.name).collect::<Vec<&str>>().join(".")
}

pub(crate) fn set_text(table: &Table, message: u32, path: &str, text: &str, out: &mut Vec<u8>) -> Result<(), Fail> {
    let fields = walk(table, message, path)?;
    nested(&fields, out, &mut |field, out| text_field(table, field, text, out)).map_err(|fail| {
        let fail = if fields.iter().any(|field| field.unsaid) { fail.unsaid() } else { fail };
        fail.at_field(&names(&fields))
    })
}

pub(crate) fn wrap(table: &Table, message: u32, path: &str, body: &[u8], out: &mut Vec<u8>) -> Result<(), Fail> {
    let fields = walk(table, message, path)?;
    nested(&fields, out, &mut |field, out| match field.leaf {
        Leaf::Message(_) if field.is_singular() => {
            field.tag.put(out);
            put_length_delimited(body, out);
            Ok(())
        }
        _ => Err(Fail::value("not a singular message").at_field(&shown(path))),
    })
}

/// Writes one field, tag and value.
type PutField<'a> = &'a mut dyn FnMut(&FieldPlan, &mut Vec<u8>) -> Result<(), Fail>;

/// Writes the messages along a path, and in the innermost what `last` writes.
fn nested(fields: &[&FieldPlan], out: &mut Vec<u8>, last: PutField<'_>) -> Result<(), Fail> {
    let Some((field, rest)) = fields.split_first() else { return Ok(()) };
    if rest.is_empty() {
        return last(field, out);
    }
    field.tag.put(out);
    if matches!(field.leaf, Leaf::Group(_)) {
        nested(rest, out, last)?;
        Tag::new(field.number, WireType::EndGroup).put(out);
        return Ok(());
    }
    let body = open(out);
    nested(rest, out, last)?;
    close(body, out);
    Ok(())
}

/// Writes one field from text, with its tag.
fn text_field(table: &Table, field: &FieldPlan, text: &str, out: &mut Vec<u8>) -> Result<(), Fail> {
    if matches!(field.shape, Shape::Map(_)) {
        return Err(Fail::value("a map cannot be given as text; send it in the body"));
    }
    field.tag.put(out);
    match field.leaf {
        Leaf::Message(index) => {
            let body = open(out);
            text_message(table, (field, table.message(index)), text, out)?;
            close(body, out);
            Ok(())
        }
        leaf => text_scalar(table, leaf, text, out),
    }
}

fn text_scalar(table: &Table, leaf: Leaf, text: &str, out: &mut Vec<u8>) -> Result<(), Fail> {
    match leaf {
        Leaf::String => put_length_delimited(text.as_bytes(), out),
        Leaf::Bytes => put_length_delimited(&read_bytes(text)?, out),
        Leaf::Bool => match text {
            "true" => out.push(1),
            "false" => out.push(0),
            _ => return Err(Fail::value(format!("expected true or false, found \"{}\"", shown(text)))),
        },
        Leaf::Enum(index) => {
            put_varint(i64::from(enum_number(table.enumeration(index), text)?).cast_unsigned(), out);
        }
        Leaf::Message(_) | Leaf::Group(_) => return Err(no_text_form()),
        number => return Given::Text(text.into()).put(number, out),
    }
    Ok(())
}

fn text_message(
    table: &Table,
    (field, plan): (&FieldPlan, &MessagePlan),
    text: &str,
    out: &mut Vec<u8>,
) -> Result<(), Fail> {
    match plan.special {
        Special::Timestamp => put_timestamp(parsed(text, Timestamp::parse)?, out),
        Special::Duration => put_duration(parsed(text, Duration::parse)?, out),
        Special::Wrapper => match plan.fields.first() {
            Some(field) => text_field(table, field, text, out)?,
            None => return Err(no_text_form()),
        },
        Special::FieldMask => {
            for path in field_mask::paths(text) {
                let path = match field.mask_of {
                    Some(of) => table.in_proto_names(of, path),
                    // a path with an underscore is in the contract's own names already
                    None => field_mask::to_snake(path).unwrap_or_else(|| path.to_owned()),
                };
                Tag::new(1, WireType::Bytes).put(out);
                put_length_delimited(path.as_bytes(), out);
            }
        }
        _ => return Err(no_text_form()),
    }
    Ok(())
}

fn no_text_form() -> Fail {
    Fail::value("a message cannot be given as text; name one of its fields or send it in the body")
}

pub(crate) fn select(table: &Table, message: u32, paths: &[&str]) -> Result<Selection, MaskError> {
    let mut selection = Selection::default();
    let mut numbers = Vec::new();
    for path in paths {
        if *path == "*" {
            return Ok(Selection::default());
        }
        numbers.clear();
        let names: Vec<&str> = path.split('.').collect();
        let plan = table.message(message);
        select_in(table, plan, &names, &mut numbers).map_err(|message| match until_unsaid(table, plan, &names) {
            Some(field) => MaskError { path: shown(&field), message: UNSAID_MASK.to_owned() },
            None => MaskError { path: shown(path), message },
        })?;
        selection.add(&numbers);
    }
    Ok(selection)
}

/// What is said of a mask that goes on below a field whose values are not repeated: what stands there may be such a value.
const UNSAID_MASK: &str = "what the mask names in this field cannot be named; name the field itself";

/// The beginning of a mask's path, up to the first field whose values are not repeated; nothing where none is passed.
fn until_unsaid<'t>(table: &'t Table, mut plan: &'t MessagePlan, names: &[&str]) -> Option<String> {
    for (place, name) in names.iter().enumerate() {
        let field = plan.in_contract(name)?;
        if field.unsaid {
            return Some(names[..=place].join("."));
        }
        let (Leaf::Message(index) | Leaf::Group(index)) = field.leaf else { return None };
        plan = table.message(index);
    }
    None
}

/// Follows the names of a read mask through a message, lists included; gathers the field numbers.
pub(crate) fn select_in(
    table: &Table,
    plan: &MessagePlan,
    names: &[&str],
    numbers: &mut Vec<u32>,
) -> Result<(), String> {
    let Some((name, rest)) = names.split_first() else { return Ok(()) };
    if *name == "*" && rest.is_empty() && !numbers.is_empty() {
        return Ok(());
    }
    let field = plan.in_contract(name).ok_or_else(|| format!("{} has no field \"{}\"", plan.name, shown(name)))?;
    numbers.push(field.number);
    select_below(table, field, rest, numbers)
}

/// Follows the names of a read mask that come after a field.
pub(crate) fn select_below(
    table: &Table,
    field: &FieldPlan,
    names: &[&str],
    numbers: &mut Vec<u32>,
) -> Result<(), String> {
    if names.is_empty() || names == ["*"] {
        return Ok(());
    }
    if matches!(field.shape, Shape::Map(_)) {
        return Err("map keys in masks are not supported yet; name the map itself".to_owned());
    }
    match field.leaf {
        Leaf::Message(index) | Leaf::Group(index) if table.message(index).special == Special::None => {
            select_in(table, table.message(index), names, numbers)
        }
        _ => Err(format!("\"{}\" is a single value, without fields", field.name)),
    }
}
