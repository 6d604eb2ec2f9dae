//! Reads options, and refuses those that the capability table does not have as implemented.

use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, ReflectMessage, Value};

use crate::capabilities::{Capability, Support, find, is_of_elements, refuse};
use crate::file::{Spot, tag};
use crate::report::Report;
use crate::text::Step;

/// Refuses every option of the written files that is not implemented.
pub(crate) fn check_options(report: &mut Report<'_>, pool: &DescriptorPool) {
    for file in pool.files().filter(|file| report.files.index(file.name()).is_some()) {
        let mut elements = Elements { report, file: file.name() };
        elements.check(&[], tag::FILE_OPTIONS, &file.options());
        file.messages().for_each(|message| elements.message(&message));
        file.enums().for_each(|ty| elements.enumeration(&ty));
        file.extensions().for_each(|extension| elements.extension(&extension));
        for service in file.services() {
            elements.check(service.path(), tag::SERVICE_OPTIONS, &service.options());
            for method in service.methods() {
                elements.check(method.path(), tag::METHOD_OPTIONS, &method.options());
            }
        }
    }
}

struct Elements<'a, 'f> {
    report: &'a mut Report<'f>,
    file: &'a str,
}

impl Elements<'_, '_> {
    fn message(&mut self, message: &prost_reflect::MessageDescriptor) {
        if message.is_map_entry() {
            return;
        }
        self.check(message.path(), tag::MESSAGE_OPTIONS, &message.options());
        for field in message.fields() {
            let Some(options) = of_field(&field) else { continue };
            self.check(field.path(), tag::FIELD_OPTIONS, &options);
            self.refuse_predefined(message.parent_pool(), field.path(), &options);
        }
        message.child_extensions().for_each(|extension| self.extension(&extension));
        message.oneofs().for_each(|oneof| self.check(oneof.path(), tag::ONEOF_OPTIONS, &oneof.options()));
        message.child_enums().for_each(|ty| self.enumeration(&ty));
        message.child_messages().for_each(|child| self.message(&child));
    }

    fn extension(&mut self, extension: &prost_reflect::ExtensionDescriptor) {
        let options = extension.options();
        self.check(extension.path(), tag::FIELD_OPTIONS, &options);
        if !extends_rules(extension) {
            self.refuse_predefined(extension.parent_pool(), extension.path(), &options);
        }
    }

    /// A condition that no field can name.
    fn refuse_predefined(&mut self, pool: &DescriptorPool, path: &[i32], options: &DynamicMessage) {
        if message_option(pool, options, PREDEFINED).is_some() {
            let spot = self.report.option(self.file, path, tag::FIELD_OPTIONS, PREDEFINED, &[]);
            self.report
                .error(&spot, format!("({PREDEFINED}) stands where no field can name it"))
                .because("it is of what extends constraints, such as buf.validate.StringRules")
                .help("write `extend buf.validate.StringRules { … }` into a file with syntax = \"proto2\", or (buf.validate.field).cel here");
        }
    }

    fn enumeration(&mut self, ty: &prost_reflect::EnumDescriptor) {
        self.check(ty.path(), tag::ENUM_OPTIONS, &ty.options());
        for value in ty.values().filter(|value| value.enum_value_descriptor_proto().options.is_some()) {
            self.check(value.path(), tag::ENUM_VALUE_OPTIONS, &value.options());
        }
    }

    fn check(&mut self, path: &[i32], options: i32, message: &DynamicMessage) {
        for (extension, value) in message.extensions() {
            let name = extension.full_name();
            if !["mainstay.v1.", "buf.validate.", "google.api."].iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let place = OptionPlace { file: self.file, path, options, extension: name };
            let mut walk = Walk { report: self.report, place, steps: Vec::new() };
            walk.value(&format!("({name})"), value);
        }
    }
}

struct OptionPlace<'a> {
    file: &'a str,
    path: &'a [i32],
    options: i32,
    extension: &'a str,
}

/// Goes through what is set in one option.
struct Walk<'a, 'f> {
    report: &'a mut Report<'f>,
    place: OptionPlace<'a>,
    steps: Vec<(String, Option<usize>)>,
}

impl Walk<'_, '_> {
    fn value(&mut self, name: &str, value: &Value) {
        match (find(name), value) {
            (Some(Capability { support: Support::NotYet, .. }), _) => self.refuse(name),
            // Rows of the values decide, not one of the option.
            (None, Value::List(values)) if self.steps.is_empty() => self.values(name, values),
            (row, Value::List(values)) if values.iter().any(|value| matches!(value, Value::Message(_))) => {
                if row.is_some_and(|row| row.name == "(google.api.http)") {
                    return;
                }
                for (i, value) in values.iter().enumerate() {
                    let step = self.steps.pop();
                    self.steps.extend(step.as_ref().map(|(step, _)| (step.clone(), Some(i))));
                    self.value(name, value);
                    self.steps.pop();
                    self.steps.extend(step);
                }
            }
            (Some(row), Value::Message(_)) if row.name == "(google.api.http)" => {}
            // A bound that is a duration or a timestamp.
            (Some(_), Value::Message(bound)) if bound.descriptor().full_name().starts_with("google.protobuf.") => {}
            (_, Value::Message(message)) => self.message(name, message),
            (Some(_), _) => {}
            (None, _) => self.refuse(name),
        }
    }

    fn message(&mut self, name: &str, message: &DynamicMessage) {
        // Constraints on elements are those on fields.
        let name = if is_of_elements(name) { "(buf.validate.field)" } else { name };
        for (field, value) in message.fields() {
            self.steps.push((field.name().to_owned(), None));
            self.value(&format!("{name}.{}", generic(name, field.name())), value);
            self.steps.pop();
        }
        for (extension, _) in message.extensions().filter(|(extension, _)| predefined(extension).is_none()) {
            if extends_rules(&extension) {
                self.refuse_bare(extension.full_name());
            } else {
                self.refuse(&format!("{name}.[{}]", extension.full_name()));
            }
        }
    }

    /// An extension of constraints that says nothing.
    fn refuse_bare(&mut self, extension: &str) {
        let spot = self.spot();
        self.report
            .error(&spot, format!("{extension} is no constraint"))
            .because("an extension of constraints is one by what (buf.validate.predefined) says of it")
            .help("add to it: [(buf.validate.predefined).cel = {id: \"…\" expression: \"…\"}]");
    }

    fn spot(&self) -> Spot {
        let steps: Vec<Step<'_>> = self
            .steps
            .iter()
            .map(|(name, index)| index.map_or(Step::Field(name), |index| Step::Item(name, index)))
            .collect();
        let place = &self.place;
        self.report.option(place.file, place.path, place.options, place.extension, &steps)
    }

    /// An option that is a list of enum values has one statement for each.
    fn values(&mut self, name: &str, values: &[Value]) {
        let spots = {
            let OptionPlace { file, path, options, extension } = self.place;
            self.report.files.option_text(file, path, options, extension)
        };
        let file = self.report.files.index(self.place.file).unwrap_or(0);
        let ty = crate::embedded::pool().get_extension_by_name(self.place.extension).map(|extension| extension.kind());
        for (i, value) in values.iter().enumerate() {
            let written = match (value, ty.as_ref().and_then(|kind| kind.as_enum())) {
                (Value::EnumNumber(number), Some(ty)) => {
                    ty.get_value(*number).map_or(number.to_string(), |value| value.name().to_owned())
                }
                _ => String::new(),
            };
            let name = format!("{name} = {written}");
            let spot = spots.statement(i).map(|range| Spot { file, range });
            let spot = spot.unwrap_or_else(|| self.report.name(self.place.file, self.place.path));
            if find(&name).is_none_or(|row| row.support == Support::NotYet) {
                refuse(self.report, &spot, &name, &format!("`{name}`"));
            }
        }
    }

    fn refuse(&mut self, name: &str) {
        let (spot, place) = (self.spot(), &self.place);
        let written =
            self.steps.iter().fold(format!("({})", place.extension), |all, (step, _)| format!("{all}.{step}"));
        refuse(self.report, &spot, name, &format!("`{written}`"));
    }
}

/// The twelve numeric types share their rows.
pub(crate) fn generic<'n>(parent: &str, name: &'n str) -> &'n str {
    const NUMBERS: [&str; 12] = [
        "float", "double", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
        "sfixed64",
    ];
    if parent == "(buf.validate.field)" && NUMBERS.contains(&name) { "<number>" } else { name }
}

/// Whether a message carries options of Mainstay or constraints, in a place where nothing reads them.
pub(crate) fn has_enforced_options(options: &DynamicMessage) -> Option<String> {
    options
        .extensions()
        .map(|(extension, _)| extension.full_name().to_owned())
        .find(|name| name.starts_with("mainstay.v1.") || name.starts_with("buf.validate."))
}

/// The options of a field; nothing where none is written, as of most fields: to look costs nothing beside decoding them.
pub(crate) fn of_field(field: &FieldDescriptor) -> Option<DynamicMessage> {
    field.field_descriptor_proto().options.is_some().then(|| field.options())
}

/// Reads a message-valued option; nothing where it is not set.
pub(crate) fn message_option(
    pool: &DescriptorPool,
    options: &DynamicMessage,
    extension: &str,
) -> Option<DynamicMessage> {
    let extension = pool.get_extension_by_name(extension)?;
    if !options.has_extension(&extension) {
        return None;
    }
    match options.get_extension(&extension).into_owned() {
        Value::Message(message) => Some(message),
        _ => None,
    }
}

/// Reads a string field of an option's value.
pub(crate) fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The same, or nothing where the field is not set.
pub(crate) fn optional_text(message: &DynamicMessage, field: &str) -> Option<String> {
    let descriptor = message.descriptor().get_field_by_name(field)?;
    message.has_field(&descriptor).then(|| text(message, field))
}

/// Reads a repeated field of an option's value.
pub(crate) fn items(message: &DynamicMessage, field: &str) -> Vec<Value> {
    message.get_field_by_name(field).and_then(|value| value.as_list().map(<[Value]>::to_vec)).unwrap_or_default()
}

/// The option of an extension of constraints that is a constraint itself.
pub(crate) const PREDEFINED: &str = "buf.validate.predefined";

/// What makes an extension a constraint; nothing where it is none.
pub(crate) fn predefined(extension: &ExtensionDescriptor) -> Option<DynamicMessage> {
    let option = || message_option(extension.parent_pool(), &extension.options(), PREDEFINED);
    extends_rules(extension).then(option).flatten()
}

/// Says whether something extends the messages that hold constraints, such as `buf.validate.StringRules`.
fn extends_rules(extension: &ExtensionDescriptor) -> bool {
    let extended = extension.containing_message();
    extended.full_name().strip_prefix("buf.validate.").is_some_and(|name| name.ends_with("Rules"))
}
