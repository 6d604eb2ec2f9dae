//! Fields that are changed by what they are when they are stored (`mainstay.v1.FieldTransform`).

use mainstay_contract::{Numeric, Role};
use mainstay_record::{Value, Violation, stored_json};
use mainstay_wire::{Decoded, MaskSelection, WireError, frame};
use serde_json::Value as Json;

use super::batch::MAX_BATCH;
use super::context::Operation;
use super::request::Message;
use crate::error::{Error, Result};
use crate::plans::same_json;

/// The numbers of a `FieldTransform`.
const FIELD: u32 = 1;
const OPERATIONS: [(u32, Operator); 5] = [
    (2, Operator::Add),
    (3, Operator::Min),
    (4, Operator::Max),
    (5, Operator::AppendMissing),
    (6, Operator::RemoveAll),
];

/// What is done to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Min,
    Max,
    AppendMissing,
    RemoveAll,
}

impl Operator {
    fn name(self) -> &'static str {
        match self {
            Operator::Add => "add",
            Operator::Min => "min",
            Operator::Max => "max",
            Operator::AppendMissing => "append_missing",
            Operator::RemoveAll => "remove_all",
        }
    }

    /// The message that holds its value.
    fn operand(self) -> &'static str {
        match self {
            Operator::Add | Operator::Min | Operator::Max => "google.protobuf.Value",
            Operator::AppendMissing | Operator::RemoveAll => "google.protobuf.ListValue",
        }
    }
}

/// Applies the transforms of an Update to the row as it would be without them, one after the other.
pub fn apply(op: &Operation, message: &Message, row: &mut [Value]) -> Result<()> {
    if !message.has(Role::Transforms) {
        return Ok(());
    }
    let transforms = message.each(Role::Transforms)?;
    if transforms.len() > MAX_BATCH {
        return Err(Error::Violations(vec![Violation {
            field: "transforms".to_owned(),
            description: format!("has {} elements: at most {MAX_BATCH} are taken", transforms.len()),
        }]));
    }
    let mut violations = Vec::new();
    for (index, transform) in transforms.into_iter().enumerate() {
        if let Err((field, description)) = Transform::read(transform)?.and_then(|transform| transform.apply(op, row)) {
            let dot = if field.is_empty() { "" } else { "." };
            violations.push(Violation { field: format!("transforms[{index}]{dot}{field}"), description });
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::Violations(violations)) }
}

/// What is wrong, and in which field of the transform.
type Problem = (&'static str, String);

struct Transform<'m> {
    path: &'m str,
    operator: Operator,
    operand: Vec<u8>,
}

impl<'m> Transform<'m> {
    fn read(message: &'m [u8]) -> std::result::Result<std::result::Result<Transform<'m>, Problem>, WireError> {
        let path = frame::string(message, FIELD)?.unwrap_or_default();
        let mut given = Vec::new();
        for (number, operator) in OPERATIONS {
            if let Some(operand) = frame::message(message, number)? {
                given.push((operator, operand.into_owned()));
            }
        }
        let one = given.pop().filter(|_| given.is_empty());
        Ok(match one {
            Some((operator, operand)) => Ok(Transform { path, operator, operand }),
            None => Err(("", "sets not one operation: add, min, max, append_missing or remove_all".to_owned())),
        })
    }

    fn apply(self, op: &Operation, row: &mut [Value]) -> std::result::Result<(), Problem> {
        let plan = op.plan();
        let selection = plan.record.resolve(&[self.path]).map_err(|error| ("field", error.to_string()))?;
        let [column] = selection.columns[..] else {
            return Err(("field", format!("`{}` is no single value that can be changed so", clipped(self.path))));
        };
        if !op.caller.is_system() && !plan.fields.is_writable(column) {
            return Err(("field", "is set by the server".to_owned()));
        }
        let mut incoming = self.operand(op)?.values;
        let operand = std::mem::take(&mut incoming[column]);
        let value = match self.operator {
            Operator::Add | Operator::Min | Operator::Max => self.number(op, column, &row[column], operand)?,
            Operator::AppendMissing | Operator::RemoveAll => self.list(&row[column], &operand)?,
        };
        incoming[column] = value;
        merge(op, &selection, row, &incoming);
        Ok(())
    }

    /// The operand as the field would have it: the text of its JSON is read as the resource's.
    fn operand(&self, op: &Operation) -> std::result::Result<Decoded, Problem> {
        let name = self.operator.name();
        let plans = op.snapshot.json();
        let unreadable = || (name, "cannot be read".to_owned());
        let value = plans.message(self.operator.operand()).ok_or_else(unreadable)?;
        let mut text = Vec::new();
        plans.to_json(value, &self.operand, &mut text).map_err(|error| (name, error.to_string()))?;
        let mut json: Json = serde_json::from_slice(&text).map_err(|_| unreadable())?;
        if json.is_null() {
            return Err((name, "must not be null".to_owned()));
        }
        for part in self.path.rsplit('.') {
            json = Json::Object([(part.to_owned(), json)].into_iter().collect());
        }
        let resource = plans.message(&op.plan().resource.message).ok_or_else(unreadable)?;
        let mut wire = Vec::new();
        let read = plans.from_json(resource, json.to_string().as_bytes(), &mut wire, None);
        read.map_err(|error| (name, error.message))?;
        op.plan().record.decode(&wire).map_err(|error| {
            (name, error.violations.into_iter().next().map_or_else(String::new, |violation| violation.description))
        })
    }

    fn number(
        &self,
        op: &Operation,
        column: usize,
        old: &Value,
        operand: Value,
    ) -> std::result::Result<Value, Problem> {
        let refused = || ("field", format!("is no field that `{}` can change", self.operator.name()));
        let range = range(op, column, self.operator).ok_or_else(refused)?;
        let kind = op.plan().resource.layout.columns[column].kind;
        let operand = if operand.is_null() { kind.zero() } else { operand };
        let old = match old {
            Value::Null if self.operator != Operator::Add => return Ok(operand),
            Value::Null => kind.zero(),
            old => old.clone(),
        };
        let least = |left: &Value, right: &Value| match (left, right) {
            (Value::Double(left), Value::Double(right)) => left <= right,
            (Value::Int(left), Value::Int(right)) | (Value::Timestamp(left), Value::Timestamp(right)) => left <= right,
            _ => true,
        };
        match (self.operator, &old, &operand) {
            (Operator::Add, Value::Int(left), Value::Int(right)) => {
                let sum = left.checked_add(*right).filter(|sum| range.contains(sum));
                sum.map(Value::Int).ok_or_else(|| ("add", format!("leaves the range of its field: {left} and {right}")))
            }
            (Operator::Add, Value::Double(left), Value::Double(right)) => {
                let sum = left + right;
                // No zero has a sign.
                if sum.is_nan() {
                    Err(("add", "has no number as its result".to_owned()))
                } else {
                    Ok(Value::Double(sum + 0.0))
                }
            }
            (Operator::Min, ..) => Ok(if least(&old, &operand) { old } else { operand }),
            (Operator::Max, ..) => Ok(if least(&old, &operand) { operand } else { old }),
            _ => Err(refused()),
        }
    }

    fn list(&self, old: &Value, operand: &Value) -> std::result::Result<Value, Problem> {
        let elements = |value: &Value| match value {
            Value::Null => Some(Vec::new()),
            Value::Json(text) => match stored_json(text) {
                Some(Json::Array(elements)) => Some(elements),
                _ => None,
            },
            _ => None,
        };
        let (Some(mut list), Some(given)) = (elements(old), elements(operand)) else {
            return Err(("field", format!("is no list, which `{}` is for", self.operator.name())));
        };
        if self.operator == Operator::RemoveAll {
            list.retain(|element| !given.iter().any(|other| same_json(element, other)));
        } else {
            for element in given {
                if !list.iter().any(|other| same_json(&element, other)) {
                    list.push(element);
                }
            }
        }
        Ok(if list.is_empty() { Value::Null } else { Value::Json(Json::Array(list).to_string()) })
    }
}

fn merge(op: &Operation, selection: &MaskSelection, row: &mut [Value], incoming: &[Value]) {
    op.plan().record.merge(selection, row, incoming);
}

/// What an integer field may hold; nothing where the operator is not for fields of this kind.
fn range(op: &Operation, column: usize, operator: Operator) -> Option<std::ops::RangeInclusive<i64>> {
    let whole = i64::MIN..=i64::MAX;
    match op.plan().resource.field_of(column)?.numeric? {
        Numeric::Int32 => Some(i64::from(i32::MIN)..=i64::from(i32::MAX)),
        Numeric::Uint32 => Some(0..=i64::from(u32::MAX)),
        Numeric::Uint64 => Some(0..=i64::MAX),
        Numeric::Int64 | Numeric::Double => Some(whole),
        Numeric::Time => (operator != Operator::Add).then_some(whole),
        Numeric::Float => None,
    }
}

fn clipped(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(80).collect()
}
