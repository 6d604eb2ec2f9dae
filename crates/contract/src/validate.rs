//! Validates the record that a write would leave behind.

use mainstay_record::{Column, JsonShape, Kind, Layout, Role, Value, Violation, stored_json};

use crate::check::{Check, document, is_set, is_zero, scalar};
use crate::{Constraint, Container, FieldModel, Items, JsonChecks, JsonFieldChecks, Keys, Oneof, Resource};

/// Something that is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violated {
    pub violation: Violation,
    /// The columns that a condition compares, where it is more than the field that is named.
    pub over: Vec<usize>,
}

impl Resource {
    /// Checks a whole record (columns in layout order) against REQUIRED and every constraint; all violations at once, in
    /// the order of the fields. Key, revision and server-made values are not looked at. `now`: the time of the write, in
    /// microseconds; what hangs on it is not checked where it is not known.
    pub fn violations(&self, row: &[Value], now: Option<i64>) -> Vec<Violated> {
        let mut found = Found { now, all: Vec::new() };
        fields(&self.fields, &self.layout, row, &mut found);
        one_of_each("", &self.oneofs, &self.fields, &self.layout, row, &mut found);
        whole("", &self.constraints, row, &mut found);
        found.all
    }
}

/// What was found so far, and when the record is written.
struct Found {
    now: Option<i64>,
    all: Vec<Violated>,
}

impl Found {
    fn add(&mut self, field: &str, description: String) {
        self.all.push(Violated { violation: Violation { field: field.to_owned(), description }, over: Vec::new() });
    }

    /// Takes in what the parts of a message are not together.
    fn gather(&mut self, check: impl FnOnce(&mut Vec<Violation>)) {
        let mut wrong = Vec::new();
        check(&mut wrong);
        self.all.extend(wrong.into_iter().map(|violation| Violated { violation, over: Vec::new() }));
    }

    /// Misses a field of a oneof.
    fn one_missing<'n>(&mut self, path: &str, oneof: &str, members: impl Iterator<Item = &'n str>) {
        let field = if path.is_empty() { oneof.to_owned() } else { format!("{path}.{oneof}") };
        let members: Vec<&str> = members.collect();
        self.add(&field, format!("is required: set one of {}", members.join(", ")));
    }

    /// Holds a value to its checks.
    fn check(&mut self, path: &str, checks: &[Check], value: &Value) {
        for check in checks {
            if let Some(description) = check.violated_by(value, self.now) {
                self.add(path, description);
            }
        }
    }
}

fn fields(models: &[FieldModel], layout: &Layout, row: &[Value], found: &mut Found) {
    for model in models.iter().filter(|model| !model.behaviors.identifier && !model.columns.is_empty()) {
        field(model, layout, row, found);
    }
}

/// Whether a field may hold whatever it can: most are held to nothing.
fn is_free(model: &FieldModel) -> bool {
    model.checks.is_empty()
        && !model.behaviors.required
        && model.json_checks.is_none()
        && model.children.is_empty()
        && model.oneofs.is_empty()
        && model.constraints.is_empty()
        && model.compound.is_none()
}

fn field(model: &FieldModel, layout: &Layout, row: &[Value], found: &mut Found) {
    if is_free(model) {
        return;
    }
    let (Some(column), value) = (layout.columns.get(model.columns[0]), value_at(row, model.columns[0])) else { return };
    let set = is_field_set(column, value);
    if !set && model.behaviors.required && !model.behaviors.output_only {
        found.add(&model.field_path, "is required".into());
        return;
    }
    match &column.role {
        Role::Presence if set => {
            fields(&model.children, layout, row, found);
            one_of_each(&model.field_path, &model.oneofs, &model.children, layout, row, found);
            whole(&model.field_path, &model.constraints, row, found);
            if let Some(compound) = model.compound {
                let part = |number| part(&model.children, number, row);
                found.gather(|wrong| compound.check(&model.field_path, part, wrong));
            }
        }
        Role::Presence => {}
        Role::Json(shape) => json(model, shape, value, found),
        _ => {
            let problems: Vec<String> = scalar_problems(model, column.nullable, value, found.now).collect();
            problems.into_iter().for_each(|description| found.add(&model.field_path, description));
        }
    }
}

/// Says whether the field is set whose first column has this value.
fn is_field_set(column: &Column, value: &Value) -> bool {
    match column.role {
        Role::Presence => *value == Value::Bool(true),
        _ => is_set(value.borrow(), column.nullable),
    }
}

/// Misses a field where one of a oneof must be set.
fn one_of_each(path: &str, oneofs: &[Oneof], models: &[FieldModel], layout: &Layout, row: &[Value], found: &mut Found) {
    for (place, oneof) in oneofs.iter().enumerate().filter(|(_, oneof)| oneof.required) {
        let members = || models.iter().filter(|model| model.oneof == Some(place));
        let is_set = |model: &FieldModel| {
            let first = model.columns.first();
            let column = first.and_then(|index| Some((layout.columns.get(*index)?, value_at(row, *index))));
            column.is_some_and(|(column, value)| is_field_set(column, value))
        };
        if !members().any(is_set) {
            found.one_missing(path, &oneof.name, members().map(|model| model.name.as_str()));
        }
    }
}

/// What must hold of a message as a whole.
fn whole(path: &str, constraints: &[Constraint], row: &[Value], found: &mut Found) {
    for constraint in constraints {
        let Some(description) = constraint.violated_by(row) else { continue };
        let over = constraint.rule.program.columns().into_iter().map(|(_, column)| column).collect();
        found.all.push(Violated { violation: Violation { field: path.to_owned(), description }, over });
    }
}

/// What a scalar is not, of all that its field's constraints want. A field with presence is checked only where it is set;
/// one without always, its zero included.
pub(crate) fn scalar_problems<'a>(
    model: &'a FieldModel,
    presence: bool,
    value: &'a Value,
    now: Option<i64>,
) -> impl Iterator<Item = String> + 'a {
    let skipped = !is_set(value.borrow(), presence) && (presence || model.ignore_zero);
    model.checks.iter().filter(move |_| !skipped).filter_map(move |check| check.violated_by(value, now))
}

/// The value of the field with a number.
fn part(models: &[FieldModel], number: u32, row: &[Value]) -> Value {
    let model = models.iter().find(|model| model.number == number);
    model.and_then(|model| model.columns.first()).map_or(Value::Null, |column| value_at(row, *column).clone())
}

fn value_at(row: &[Value], column: usize) -> &Value {
    row.get(column).unwrap_or(&Value::Null)
}

fn json(model: &FieldModel, shape: &JsonShape, value: &Value, found: &mut Found) {
    if model.checks.is_empty() && model.json_checks.is_none() {
        return;
    }
    let parsed = match value {
        Value::Json(text) => stored_json(text).unwrap_or(serde_json::Value::Null),
        _ => serde_json::Value::Null,
    };
    let one = model.json_checks.as_ref().is_some_and(|checks| checks.container == Container::One);
    if !((model.ignore_zero || one) && count(&parsed) == 0) {
        let violated = model.checks.iter().filter_map(|check| check.violated_by_elements(&parsed));
        violated.for_each(|description| found.add(&model.field_path, description));
    }
    let Some(checks) = &model.json_checks else { return };
    let element = (!shape.messages.is_empty()).then_some(0);
    let mut walk = Walk { shape, checks, found };
    let elements = Elements { container: checks.container, items: &checks.items, keys: &checks.keys };
    walk.elements(&model.field_path, &parsed, elements, checks.item_kind, element);
}

fn count(value: &serde_json::Value) -> u64 {
    match value {
        serde_json::Value::Array(items) => items.len() as u64,
        serde_json::Value::Object(entries) => entries.len() as u64,
        _ => 0,
    }
}

struct Walk<'a> {
    shape: &'a JsonShape,
    checks: &'a JsonChecks,
    found: &'a mut Found,
}

/// What is checked on the elements of a value.
#[derive(Clone, Copy)]
struct Elements<'a> {
    container: Container,
    items: &'a Items,
    keys: &'a Keys,
}

impl Walk<'_> {
    fn elements(
        &mut self,
        path: &str,
        value: &serde_json::Value,
        Elements { container, items, keys }: Elements<'_>,
        kind: Option<Kind>,
        message: Option<usize>,
    ) {
        match (container, value) {
            (Container::List, serde_json::Value::Array(elements)) => {
                for (i, element) in elements.iter().enumerate() {
                    self.element(&format!("{path}[{i}]"), element, items, kind, message);
                }
            }
            (Container::Map, serde_json::Value::Object(entries)) => {
                for (key, element) in entries {
                    let path = format!("{path}[{key:?}]");
                    self.key(&path, key, keys);
                    self.element(&path, element, items, kind, message);
                }
            }
            (Container::One, serde_json::Value::Object(_)) => {
                self.element(path, value, &Items::default(), None, message);
            }
            _ => {}
        }
    }

    fn key(&mut self, path: &str, key: &str, keys: &Keys) {
        if keys.checks.is_empty() {
            return;
        }
        let value = match keys.kind {
            Some(Kind::Int) => key.parse().map_or(Value::Null, Value::Int),
            Some(Kind::Bool) => Value::Bool(key == "true"),
            _ => Value::Text(key.to_owned()),
        };
        for check in &keys.checks {
            if let Some(description) = check.violated_by(&value, self.found.now) {
                self.found.add(path, format!("has a key that {description}"));
            }
        }
    }

    fn element(
        &mut self,
        path: &str,
        value: &serde_json::Value,
        items: &Items,
        kind: Option<Kind>,
        message: Option<usize>,
    ) {
        match message {
            Some(message) => {
                let violated = items.checks.iter().filter_map(|check| check.violated_by_elements(value));
                violated.for_each(|description| self.found.add(path, description));
                self.message(path, value, message);
            }
            None => {
                let whole = value.is_object() || value.is_array();
                let value = if whole { document(value) } else { scalar(value, kind.unwrap_or(Kind::Text)) };
                if !(items.ignore_zero && is_zero(value.borrow())) {
                    self.found.check(path, &items.checks, &value);
                }
            }
        }
    }

    fn message(&mut self, path: &str, value: &serde_json::Value, message: usize) {
        let (shape, all) = (self.shape, self.checks);
        let (Some(shape), Some(checks)) = (shape.messages.get(message), all.messages.get(message)) else { return };
        let stored = |number: u32| shape.fields.iter().find(|stored| stored.number == number);
        for field in checks {
            let Some(stored) = stored(field.number) else { continue };
            let value = value.get(&stored.key).unwrap_or(&serde_json::Value::Null);
            self.field(&format!("{path}.{}", field.name), value, field, stored.message);
        }
        for oneof in all.oneofs.get(message).into_iter().flatten() {
            let is_set = |number: &u32| stored(*number).is_some_and(|stored| value.get(&stored.key).is_some());
            if !oneof.members.iter().any(is_set) {
                let members = checks.iter().filter(|field| oneof.members.contains(&field.number));
                self.found.one_missing(path, &oneof.name, members.map(|field| field.name.as_str()));
            }
        }
        if let Some((_, compound)) = all.compounds.iter().find(|(entry, _)| *entry == message) {
            let kind =
                |number| checks.iter().find(|field| field.number == number).map_or(Kind::Text, |field| field.kind);
            let part = |number| {
                let value = stored(number).and_then(|stored| value.get(&stored.key));
                value.map_or(Value::Null, |value| scalar(value, kind(number)))
            };
            self.found.gather(|wrong| compound.check(path, part, wrong));
        }
        if let Some(wholes) = all.wholes.get(message).filter(|wholes| !wholes.is_empty()) {
            self.found.check(path, wholes, &document(value));
        }
    }

    fn field(&mut self, path: &str, json: &serde_json::Value, checks: &JsonFieldChecks, message: Option<usize>) {
        let value = scalar(json, checks.kind);
        let set = match (checks.container, json) {
            (_, serde_json::Value::Null) => false,
            (Container::One, _) => checks.presence || !is_zero(value.borrow()),
            _ => count(json) > 0,
        };
        if !set && checks.required {
            self.found.add(path, "is required".into());
        } else if !set && (checks.presence || checks.ignore_zero) {
            // An unset value is checked only where its zero is a value of its own.
        } else if checks.container == Container::One && message.is_none() {
            self.found.check(path, &checks.checks, &value);
        } else {
            let violated = checks.checks.iter().filter_map(|check| check.violated_by_elements(json));
            violated.for_each(|description| self.found.add(path, description));
            let elements = Elements { container: checks.container, items: &checks.items, keys: &checks.keys };
            self.elements(path, json, elements, Some(checks.kind), message);
        }
    }
}
