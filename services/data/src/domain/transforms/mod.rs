//! Fields that are changed by what they are when they are stored (`mainstay.v1.FieldTransform`).

mod lists;
mod numbers;

use mainstay_contract::Role;
use mainstay_record::{Value, Violation};
use mainstay_wire::{Decoded, MaskSelection, UNSAID, WireError, frame};
use serde_json::Value as Json;

use self::lists::{Element, Lists, elements, known};
use self::numbers::{Range, changed, whole};
use super::batch::MAX_BATCH;
use super::content::Content;
use super::context::Operation;
use super::request::Message;
use crate::error::{Error, Result};

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

/// What is wrong, and in which field of the transform.
type Problem = (&'static str, String);

/// The transforms of an Update. They are read without a look at the row, so that little is left to do where others wait.
#[derive(Debug, Default)]
pub struct Transforms(Vec<std::result::Result<Transform, Problem>>);

impl Transforms {
    /// Reads them. What is wrong with one is told where it is applied.
    pub fn read(op: &Operation, message: &Message) -> Result<Transforms> {
        if !message.has(Role::Transforms) {
            return Ok(Transforms::default());
        }
        let transforms = message.each(Role::Transforms)?;
        if transforms.len() > MAX_BATCH {
            return Err(Error::Violations(vec![Violation {
                field: "transforms".to_owned(),
                description: format!("has {} elements: at most {MAX_BATCH} are taken", transforms.len()),
            }]));
        }
        let read = transforms.into_iter().map(|transform| {
            let asked = Asked::read(transform)?;
            Ok(asked.and_then(|asked| asked.compile(op)))
        });
        Ok(Transforms(read.collect::<std::result::Result<_, WireError>>()?))
    }

    /// Adds what they say.
    pub fn content(&self, op: &Operation, content: &mut Content) {
        for transform in &self.0 {
            match transform {
                Ok(transform) => transform.content(op, content),
                Err((field, description)) => [*field, description].into_iter().for_each(|text| content.text(text)),
            }
        }
    }

    /// The columns that they change, in no order.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        let known = self.0.iter().filter_map(|transform| transform.as_ref().ok());
        known.flat_map(|transform| transform.above.iter().copied().chain([transform.column]))
    }

    /// Applies them to the row as it would be without them, one after the other.
    pub fn apply(&self, op: &Operation, row: &mut [Value]) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (mut lists, mut incoming) = (Lists::default(), vec![Value::Null; row.len()]);
        let mut violations = Vec::new();
        for (index, transform) in self.0.iter().enumerate() {
            let applied = match transform {
                Ok(transform) => transform.apply(op, row, &mut incoming, &mut lists),
                Err(problem) => Err(problem.clone()),
            };
            if let Err((field, description)) = applied {
                // The sum of what was sent and what is there is said of no field that is never said.
                let unsaid = transform.as_ref().is_ok_and(|transform| transform.is_unsaid(op)) && field != "field";
                let description = if unsaid { UNSAID.to_owned() } else { description };
                let dot = if field.is_empty() { "" } else { "." };
                violations.push(Violation { field: format!("transforms[{index}]{dot}{field}"), description });
            }
        }
        lists.put_back(row);
        if violations.is_empty() { Ok(()) } else { Err(Error::Violations(violations)) }
    }
}

/// A transform as it was sent.
struct Asked<'m> {
    path: &'m str,
    operator: Operator,
    operand: Vec<u8>,
}

impl<'m> Asked<'m> {
    fn read(message: &'m [u8]) -> std::result::Result<std::result::Result<Asked<'m>, Problem>, WireError> {
        let path = frame::string(message, FIELD)?.unwrap_or_default();
        let mut given = Vec::new();
        for (number, operator) in OPERATIONS {
            if let Some(operand) = frame::message(message, number)? {
                given.push((operator, operand.into_owned()));
            }
        }
        let one = given.pop().filter(|_| given.is_empty());
        Ok(match one {
            Some((operator, operand)) => Ok(Asked { path, operator, operand }),
            None => Err(("", "sets not one operation: add, min, max, append_missing or remove_all".to_owned())),
        })
    }

    fn compile(self, op: &Operation) -> std::result::Result<Transform, Problem> {
        let plan = op.plan();
        let selection = plan.record.resolve(&[self.path]).map_err(|error| ("field", error.to_string()))?;
        let [column] = selection.columns[..] else {
            return Err(("field", format!("`{}` is no single value that can be changed so", clipped(self.path))));
        };
        if !op.caller.is_system() && !plan.fields.is_writable(column) {
            return Err(("field", "is set by the server".to_owned()));
        }
        let range = Range::of(op, column, self.operator);
        let (mut operand, mut summand) = (self.operand(op)?, None);
        if let (Operator::Add, Some(Range::Integers(_))) = (self.operator, &range) {
            // It may be negative where the field may not.
            let description = || ("add", "must be a whole number that 64 bits hold".to_owned());
            summand = Some(Value::Int(whole(&operand).ok_or_else(description)?));
            operand = Json::from(0);
        }
        let mut decoded = self.decoded(op, operand)?;
        let above = decoded.present.iter().copied().filter(|present| *present != column).collect();
        let operand = summand.unwrap_or_else(|| std::mem::take(&mut decoded.values[column]));
        let change = match self.operator {
            Operator::Add | Operator::Min | Operator::Max => self.number(op, column, operand, range)?,
            Operator::AppendMissing | Operator::RemoveAll => self.list(&operand)?,
        };
        Ok(Transform { selection, column, above, change })
    }

    /// The operand as JSON.
    fn operand(&self, op: &Operation) -> std::result::Result<Json, Problem> {
        let name = self.operator.name();
        let plans = op.snapshot.json();
        let unreadable = || (name, "cannot be read".to_owned());
        let value = plans.message(self.operator.operand()).ok_or_else(unreadable)?;
        let mut text = Vec::new();
        plans.to_json(value, &self.operand, &mut text).map_err(|error| (name, error.to_string()))?;
        match serde_json::from_slice(&text).map_err(|_| unreadable())? {
            Json::Null => Err((name, "must not be null".to_owned())),
            json => Ok(json),
        }
    }

    /// The operand as the field would have it: its JSON is read as the resource's.
    fn decoded(&self, op: &Operation, mut json: Json) -> std::result::Result<Decoded, Problem> {
        let (name, plans) = (self.operator.name(), op.snapshot.json());
        for part in self.path.rsplit('.') {
            json = Json::Object([(part.to_owned(), json)].into_iter().collect());
        }
        let resource = plans.message(&op.plan().resource.message);
        let resource = resource.ok_or_else(|| (name, "cannot be read".to_owned()))?;
        let mut wire = Vec::new();
        let read = plans.from_json(resource, json.to_string().as_bytes(), &mut wire, None);
        read.map_err(|error| (name, error.message))?;
        op.plan().record.decode(&wire).map_err(|error| {
            let first = error.violations.into_iter().next();
            (name, first.map_or_else(String::new, |violation| op.plan().classes.told(violation).description))
        })
    }

    fn number(
        &self,
        op: &Operation,
        column: usize,
        operand: Value,
        range: Option<Range>,
    ) -> std::result::Result<Change, Problem> {
        let refused = || ("field", format!("is no field that `{}` can change", self.operator.name()));
        let range = range.ok_or_else(refused)?;
        let zero = op.plan().resource.layout.columns[column].kind.zero();
        let operand = if operand.is_null() { zero.clone() } else { operand };
        Ok(Change::Number { operator: self.operator, operand, zero, range })
    }

    fn list(&self, operand: &Value) -> std::result::Result<Change, Problem> {
        let given = elements(operand);
        let given = given.ok_or_else(|| ("field", format!("is no list, which `{}` is for", self.operator.name())))?;
        Ok(Change::List { operator: self.operator, given: known(given) })
    }
}

/// A transform that is ready to be applied to any row.
#[derive(Debug)]
struct Transform {
    selection: MaskSelection,
    column: usize,
    /// The columns that say that the messages are set which the field is in.
    above: Vec<usize>,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Number { operator: Operator, operand: Value, zero: Value, range: Range },
    List { operator: Operator, given: Vec<Element> },
}

impl Transform {
    /// Whether it changes what is never said.
    fn is_unsaid(&self, op: &Operation) -> bool {
        let plan = op.plan();
        plan.resource.field_of(self.column).is_some_and(|field| plan.classes.unsaid(&field.field_path).is_some())
    }

    fn content(&self, op: &Operation, content: &mut Content) {
        let path = &op.plan().resource.layout.columns[self.column].path;
        content.text(&path.to_string());
        match &self.change {
            Change::Number { operator, operand, .. } => {
                content.text(operator.name());
                content.value(operand);
            }
            Change::List { operator, given } => {
                content.text(operator.name());
                content.bytes(&(given.len() as u64).to_le_bytes());
                given.iter().for_each(|(text, _)| content.text(text));
            }
        }
    }

    /// `incoming` is a row of nothing, and is left so.
    fn apply(
        &self,
        op: &Operation,
        row: &mut [Value],
        incoming: &mut [Value],
        lists: &mut Lists,
    ) -> std::result::Result<(), Problem> {
        let column = self.column;
        match &self.change {
            Change::Number { operator, operand, zero, range } => {
                incoming[column] = changed(*operator, &row[column], operand, zero, range)?;
            }
            // The list is put back with the others.
            Change::List { operator, given } => lists.taken(row, column, *operator)?.change(*operator, given),
        }
        for above in &self.above {
            incoming[*above] = Value::Bool(true);
        }
        op.plan().record.merge(&self.selection, row, incoming);
        for used in self.above.iter().chain([&column]) {
            incoming[*used] = Value::Null;
        }
        Ok(())
    }
}

fn clipped(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(80).collect()
}
