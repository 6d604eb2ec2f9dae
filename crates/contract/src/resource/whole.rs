//! Conditions on what is stored: on messages as a whole (`(buf.validate.message)`), on fields, elements and keys
//! (`(buf.validate.field).cel`).
//!
//! What lies in columns is compared in its row. What lies in a document is a value by itself: a condition on it is compiled for
//! a row of that value alone, wherever it stands.

use std::collections::HashSet;
use std::sync::Arc;

use mainstay_expr::{
    Expr, Field, Program, RecordType, RuleScope, Storage, Type, compile_constraint, compile_predefined,
};
use mainstay_record::{JsonShape, Kind};
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value};

use crate::annotations;
use crate::check::Check;
use crate::file::{Spot, tag};
use crate::model::{FieldModel, Rule};
use crate::options::{items, message_option};
use crate::report::Report;
use crate::resource::access::Rules;
use crate::resource::constraints::FIELD;
use crate::resource::constraints::conditions::{self, On};
use crate::resource::constraints::written::{Predefined, Written};
use crate::resource::types::map_value;
use crate::text::Step;
use crate::{Constraint, JsonChecks, ValueRule};

const MESSAGE: &str = "buf.validate.message";

/// Which constraint it is that of some fields no two are set (protovalidate's id of it).
const ONEOF: &str = "message.oneof";

/// The number under which a condition on a value finds it.
const THIS: u32 = 1;

/// Says whether a message carries such constraints.
pub(crate) fn is_on(message: &MessageDescriptor) -> bool {
    message_option(message.parent_pool(), &message.options(), MESSAGE).is_some()
}

/// Reads the conditions on a resource, and gives those on its fields and on the messages in them to its fields.
pub(super) fn read(report: &mut Report<'_>, rules: &Rules<'_>, fields: &mut [FieldModel]) -> Vec<Constraint> {
    let reader = Reader { rules, classed: false };
    reader.inside(report, &rules.head.message, &rules.record, fields);
    reader.of(report, &rules.head.message, &rules.record)
}

struct Reader<'a> {
    rules: &'a Rules<'a>,
    /// Whether what it reads conditions on is never said (`class`).
    classed: bool,
}

/// What a condition is about: the record that it is on, and which field of it, if it is on one.
struct About<'a> {
    record: &'a Arc<RecordType>,
    field: Option<u32>,
}

impl<'r> Reader<'r> {
    /// The same for what is in a field.
    fn on(&self, field: &FieldDescriptor) -> Reader<'r> {
        Reader { rules: self.rules, classed: self.classed || annotations::read(field).classed }
    }

    /// The same for what is said of all that is in a message.
    fn over(&self, message: &MessageDescriptor) -> Reader<'r> {
        Reader { rules: self.rules, classed: self.classed || annotations::holds_classed(message) }
    }

    fn inside(
        &self,
        report: &mut Report<'_>,
        message: &MessageDescriptor,
        record: &Arc<RecordType>,
        fields: &mut [FieldModel],
    ) {
        for field in fields {
            let known = record.fields.iter().find(|known| known.number == field.number);
            let (Some(known), Some(held)) = (known, message.get_field(field.number)) else { continue };
            let own = self.on(&held);
            match (&known.storage, &known.ty, held.kind().as_message()) {
                (Storage::Message { .. }, Type::Message(inner), Some(message)) => {
                    own.inside(report, message, inner, &mut field.children);
                    let about = About { record, field: Some(field.number) };
                    field.constraints = own.over(message).on_field(report, &held, &about);
                    field.constraints.extend(own.of(report, message, inner));
                }
                (Storage::Column { .. }, ty, _) => {
                    field.checks.extend(own.values(report, &held, On::Field, ty, &JsonShape::default()));
                }
                (Storage::Json { shape, .. }, ty, _) => {
                    // One message may stand in many places of a document: what is never said in one of them is said in none.
                    let own =
                        map_value(&held).kind().as_message().map_or_else(|| self.on(&held), |held| own.over(held));
                    field.checks.extend(own.values(report, &held, On::Field, ty, shape));
                    if let Some(checks) = &mut field.json_checks {
                        let parts = own.parts(report, &held, ty, shape);
                        checks.items.checks.extend(parts.items);
                        checks.keys.checks.extend(parts.keys);
                        let mut document = Document { reader: &own, shape, checks, seen: HashSet::new() };
                        document.held(report, &held, ty, 0);
                    }
                }
                _ => {}
            }
        }
    }

    /// What is on a message in columns.
    fn of(&self, report: &mut Report<'_>, message: &MessageDescriptor, record: &Arc<RecordType>) -> Vec<Constraint> {
        let mut found = Vec::new();
        for (written, spot) in on_message(report, message) {
            let about = About { record, field: None };
            found.extend(self.over(message).constraint(report, written, &spot, &about));
        }
        let place = |report: &Report<'_>, spot: &Spot| report.files.place(spot);
        for (asked, spot) in self.oneofs(report, message, &About { record, field: None }) {
            let ValueRule { id, message, source, program } = asked;
            found.push(Constraint { id, message, rule: Rule { source, program, place: place(report, &spot) } });
        }
        found
    }

    fn on_field(&self, report: &mut Report<'_>, held: &FieldDescriptor, about: &About<'_>) -> Vec<Constraint> {
        let written = conditions::on(held, On::Field).into_iter();
        let found = written.filter_map(|written| {
            let spot = spot_of(report, held, On::Field, &written);
            self.constraint(report, written, &spot, about)
        });
        found.collect()
    }

    fn constraint(
        &self,
        report: &mut Report<'_>,
        written: Written,
        spot: &Spot,
        about: &About<'_>,
    ) -> Option<Constraint> {
        let program = self.program(report, &written, spot, about)?;
        let place = report.files.place(&report.files.within(spot, 0..1));
        let Written { id, message, source, .. } = written;
        Some(Constraint { id, message, rule: Rule { source, program, place } })
    }

    /// What is on a field, its elements or its keys, as checks of a value of this type.
    fn values(
        &self,
        report: &mut Report<'_>,
        field: &FieldDescriptor,
        on: On,
        ty: &Type,
        shape: &JsonShape,
    ) -> Vec<Check> {
        let written = conditions::on(field, on);
        if written.is_empty() {
            return Vec::new();
        }
        let record = alone(field.parent_message(), ty, shape);
        let about = About { record: &record, field: Some(THIS) };
        let found = written.into_iter().filter_map(|written| {
            let spot = spot_of(report, field, on, &written);
            self.check(report, written, &spot, &about)
        });
        found.collect()
    }

    fn check(&self, report: &mut Report<'_>, written: Written, spot: &Spot, about: &About<'_>) -> Option<Check> {
        let program = self.program(report, &written, spot, about)?;
        let Written { id, message, source, predefined, .. } = written;
        let source = predefined.map_or(source.clone(), |predefined| predefined.source(&source));
        Some(Check::Rule(Arc::new(ValueRule { id, message, source, program })))
    }

    /// What is on the elements and the keys of a field.
    fn parts(&self, report: &mut Report<'_>, field: &FieldDescriptor, ty: &Type, shape: &JsonShape) -> Parts {
        let Some(element) = element(ty) else { return Parts::default() };
        let on = if matches!(ty, Type::List(_)) { On::Items } else { On::Values };
        let key = match ty {
            Type::Map(_) => Some(Type::Text),
            Type::MapOther { key: mainstay_expr::MapKey::Int, .. } => Some(Type::Int),
            Type::MapOther { key: mainstay_expr::MapKey::Bool, .. } => Some(Type::Bool),
            _ => None,
        };
        let keys = key.map(|key| self.values(report, field, On::Keys, &key, &JsonShape::default()));
        Parts { items: self.values(report, field, on, element, shape), keys: keys.unwrap_or_default() }
    }

    fn program(&self, report: &mut Report<'_>, written: &Written, spot: &Spot, about: &About<'_>) -> Option<Program> {
        if !written.bare && written.id.is_empty() {
            report
                .error(spot, "the constraint has no id")
                .because("clients tell constraints by their ids")
                .help("add id: \"dates_in_order\", for example");
            return None;
        }
        let scope = self.scope(about);
        let compiled = match &written.predefined {
            None => compile_constraint(&written.source, &scope),
            Some(Predefined { said: Some(said), .. }) => compile_predefined(&written.source, &scope, said),
            Some(Predefined { extension, said: None }) => {
                report
                    .error(spot, format!("{} is given what no condition is asked with", extension.full_name()))
                    .because("`rule` is a scalar that can be stored, a duration, a timestamp, or a list of them")
                    .help("give the extension such a type, and a value within its range");
                return None;
            }
        };
        let program = match compiled {
            Ok(program) => program,
            Err(problems) => {
                let asked = written.predefined.as_ref().map(|predefined| predefined.extension.full_name().to_owned());
                let what = asked.map_or_else(|| "a constraint".to_owned(), |name| format!("{name} on a field"));
                self.rules.report(report, &what, &written.source, spot, problems);
                return None;
            }
        };
        let elsewhere = |node: &Expr| matches!(node, Expr::Auth(_) | Expr::Now { .. });
        if program.root.any_node(&mut |node| elsewhere(node)) || !program.root.tables().is_empty() {
            report
                .error(spot, "the constraint is not about the message alone")
                .because("it asks who calls, for the time or another row, and a message is valid or not by itself")
                .help("write it into the access rules, which may ask for these");
            return None;
        }
        if self.classed && repeats(&program.root) {
            report
                .error(spot, "the constraint says what is in a field with a class")
                .because("what such a field holds is in no error text, and this text is made of it")
                .help("say what is wrong in words of its own, without the value");
            return None;
        }
        Some(program)
    }

    fn scope(&self, about: &About<'_>) -> RuleScope {
        RuleScope { field: about.field, ..self.rules.vocabulary.of_message(about.record) }
    }

    /// The fields of which no two may be set, or one must: each as two conditions, so that a client is told which it is.
    fn oneofs(
        &self,
        report: &mut Report<'_>,
        message: &MessageDescriptor,
        about: &About<'_>,
    ) -> Vec<(ValueRule, Spot)> {
        let option = message_option(message.parent_pool(), &message.options(), MESSAGE);
        let written = option.map(|option| items(&option, "oneof")).unwrap_or_default();
        let mut found = Vec::new();
        for (i, value) in written.iter().enumerate() {
            let Value::Message(written) = value else { continue };
            let spot = message_spot(report, message, &[Step::Item("oneof", i)]);
            let Some(fields) = named(report, message, written, &spot) else { continue };
            let asked: Option<Vec<Expr>> = fields.iter().map(|field| self.has(field, about)).collect();
            let Some(asked) = asked else { continue };
            let names = fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
            let rule = |source: String, message: String, root: Expr| ValueRule {
                id: ONEOF.to_owned(),
                message,
                source,
                program: Program { root },
            };
            let source = format!("at most one of {} is set", fields.join(", "));
            found.push((rule(source, format!("only one of {names} may be set"), no_two(&asked)), spot.clone()));
            if written.get_field_by_name("required").is_some_and(|required| required.as_bool() == Some(true)) {
                let source = format!("one of {} is set", fields.join(", "));
                found.push((rule(source, format!("one of {names} must be set"), Expr::Or(asked)), spot));
            }
        }
        found
    }

    /// Whether a field is set. A field with problems of its own is told already.
    fn has(&self, field: &str, about: &About<'_>) -> Option<Expr> {
        compile_constraint(&format!("has(this.{field})"), &self.scope(about)).ok().map(|program| program.root)
    }
}

/// What is on the elements of a field, and on its keys.
#[derive(Default)]
struct Parts {
    items: Vec<Check>,
    keys: Vec<Check>,
}

/// Goes through the messages of one document.
struct Document<'a, 'r> {
    reader: &'a Reader<'r>,
    shape: &'a JsonShape,
    checks: &'a mut JsonChecks,
    seen: HashSet<usize>,
}

impl Document<'_, '_> {
    /// The message that a field holds, singly or in elements.
    fn held(&mut self, report: &mut Report<'_>, field: &FieldDescriptor, ty: &Type, entry: usize) {
        let value = map_value(field).kind();
        if let (Some(message), Type::Message(record)) = (value.as_message(), element(ty).unwrap_or(ty)) {
            self.message(report, message, record, entry);
        }
    }

    fn message(
        &mut self,
        report: &mut Report<'_>,
        message: &MessageDescriptor,
        record: &Arc<RecordType>,
        entry: usize,
    ) {
        let Some(inner) = self.shape.messages.get(entry).filter(|_| self.seen.insert(entry)) else { return };
        let whole = alone(message, &Type::Message(Arc::clone(record)), &rooted(self.shape, entry));
        let about = About { record: &whole, field: Some(THIS) };
        let mut found = Vec::new();
        for (written, spot) in on_message(report, message) {
            found.extend(self.reader.check(report, written, &spot, &about));
        }
        let oneofs = self.reader.oneofs(report, message, &about).into_iter();
        found.extend(oneofs.map(|(rule, _)| Check::Rule(Arc::new(rule))));
        if let Some(wholes) = self.checks.wholes.get_mut(entry) {
            wholes.extend(found);
        }
        for field in &inner.fields {
            let known = record.fields.iter().find(|known| known.number == field.number);
            let (Some(known), Some(held)) = (known, message.get_field(field.number)) else { continue };
            let shape = field.message.map_or_else(JsonShape::default, |entry| rooted(self.shape, entry));
            let own = self.reader.values(report, &held, On::Field, &known.ty, &shape);
            let parts = self.reader.parts(report, &held, &known.ty, &shape);
            let checks = self.checks.messages.get_mut(entry);
            if let Some(checks) = checks.and_then(|all| all.iter_mut().find(|checks| checks.number == field.number)) {
                checks.checks.extend(own);
                checks.items.checks.extend(parts.items);
                checks.keys.checks.extend(parts.keys);
            }
            if let Some(entry) = field.message {
                self.held(report, &held, &known.ty, entry);
            }
        }
    }
}

/// Whether what a condition says of itself is made of what it is about.
fn repeats(expr: &Expr) -> bool {
    match expr {
        Expr::If { then, otherwise, .. } => repeats(then) || repeats(otherwise),
        Expr::Coalesce(first, second) => repeats(first) || repeats(second),
        Expr::Literal(_) => false,
        text => text.kind() == Some(Kind::Text),
    }
}

/// The conditions on a message, and where each stands.
fn on_message(report: &Report<'_>, message: &MessageDescriptor) -> Vec<(Written, Spot)> {
    let option = message_option(message.parent_pool(), &message.options(), MESSAGE);
    let written = option.map(|option| conditions::of(&option)).unwrap_or_default();
    let found = written.into_iter().map(|written| {
        let mut steps = vec![Step::Item(written.list, written.position)];
        steps.extend((!written.bare).then_some(Step::Field("expression")));
        let spot = message_spot(report, message, &steps);
        (written, spot)
    });
    found.collect()
}

fn message_spot(report: &Report<'_>, message: &MessageDescriptor, steps: &[Step<'_>]) -> Spot {
    report.option(message.parent_file().name(), message.path(), tag::MESSAGE_OPTIONS, MESSAGE, steps)
}

fn spot_of(report: &Report<'_>, field: &FieldDescriptor, on: On, written: &Written) -> Spot {
    if let Some(predefined) = &written.predefined {
        return predefined.spot(report, written.position);
    }
    let mut steps: Vec<Step<'_>> = on.steps().iter().map(|step| Step::Field(step)).collect();
    steps.push(Step::Item(written.list, written.position));
    steps.extend((!written.bare).then_some(Step::Field("expression")));
    report.option(field.parent_file().name(), field.path(), tag::FIELD_OPTIONS, FIELD, &steps)
}

/// The type of the elements of a list, or of the values of a map.
fn element(ty: &Type) -> Option<&Type> {
    match ty {
        Type::List(element) | Type::Map(element) | Type::MapOther { value: element, .. } => Some(element),
        _ => None,
    }
}

/// A record of one value, which has no other name than `this`. Enums are named from where it stands.
fn alone(within: &MessageDescriptor, ty: &Type, shape: &JsonShape) -> Arc<RecordType> {
    let is_document =
        matches!(ty, Type::Message(_) | Type::List(_) | Type::Map(_) | Type::MapOther { .. } | Type::Struct);
    let storage = match is_document {
        true => Storage::Json { column: 0, shape: shape.clone() },
        false => Storage::Column { index: 0, nullable: false },
    };
    let field = Field {
        name: String::new(),
        json_name: String::new(),
        aliases: Vec::new(),
        number: THIS,
        ty: ty.clone(),
        storage,
        acyclic: false,
    };
    Arc::new(RecordType { name: within.full_name().to_owned(), fields: vec![field], ..RecordType::default() })
}

/// The same shape, seen from another of its messages.
fn rooted(shape: &JsonShape, entry: usize) -> JsonShape {
    let mut shape = shape.clone();
    if entry >= shape.messages.len() {
        return shape;
    }
    shape.messages.swap(0, entry);
    for field in shape.messages.iter_mut().flat_map(|message| &mut message.fields) {
        field.message = field.message.map(|other| match other {
            0 => entry,
            other if other == entry => 0,
            other => other,
        });
    }
    shape
}

/// That no two of these are so.
fn no_two(asked: &[Expr]) -> Expr {
    let pairs = asked.iter().enumerate().filter(|(i, _)| i + 1 < asked.len()).map(|(i, one)| {
        let others = Expr::Or(asked[i + 1..].to_vec());
        Expr::negate(Expr::And(vec![one.clone(), others]))
    });
    Expr::And(pairs.collect())
}

/// The fields that a oneof of the option names, each once.
fn named(
    report: &mut Report<'_>,
    message: &MessageDescriptor,
    written: &DynamicMessage,
    spot: &Spot,
) -> Option<Vec<String>> {
    let names = items(written, "fields");
    let names: Vec<String> = names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    if names.is_empty() {
        report.error(spot, "the oneof names no field").help("add fields: \"a\" fields: \"b\", for example");
        return None;
    }
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            report.error(spot, format!("the oneof names `{name}` twice")).help("name each field once");
            return None;
        }
        let Some(field) = message.get_field_by_name(name) else {
            let fields: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
            report
                .error(spot, format!("{} has no field `{name}`", message.full_name()))
                .help(format!("it has {}", fields.join(", ")));
            return None;
        };
        if report.undefined.contains(field.full_name()) {
            return None;
        }
    }
    Some(names)
}
