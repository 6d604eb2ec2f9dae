//! What fields are called in JSON: names that every input can say, and that are one field's alone.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor};

use crate::report::Report;

/// Checks the fields of every message of the written files.
pub(crate) fn check(report: &mut Report<'_>, pool: &DescriptorPool) {
    for file in pool.files().filter(|file| report.files.index(file.name()).is_some()) {
        file.messages().for_each(|message| of_message(report, &message));
    }
}

fn of_message(report: &mut Report<'_>, message: &MessageDescriptor) {
    if message.is_map_entry() {
        return;
    }
    let mut taken: HashMap<String, String> =
        message.fields().map(|field| (field.name().to_owned(), field.name().to_owned())).collect();
    for field in message.fields() {
        let name = field.json_name().to_owned();
        if !is_name(&name) {
            refuse(report, &field);
        } else if let Some(other) =
            taken.insert(name.clone(), field.name().to_owned()).filter(|other| other != field.name())
        {
            let spot = report.json_name(message.parent_file().name(), field.path());
            report
                .tightened(&spot, format!("`{name}` is the name of two fields in JSON"))
                .because(format!("input takes a field's JSON name and its own, and {other} is called so, too"))
                .help("give one of the two another json_name");
        }
    }
    message.child_messages().for_each(|child| of_message(report, &child));
}

fn refuse(report: &mut Report<'_>, field: &FieldDescriptor) {
    let name = field.json_name();
    let spot = report.json_name(field.parent_file().name(), field.path());
    let (message, help) = if name.is_empty() {
        (format!("{} has no name in JSON", field.name()), "write a json_name that is a name, or leave it out")
    } else {
        (format!("`{}` cannot be a name in JSON", name.escape_debug()), "choose another json_name, or leave it out")
    };
    report
        .tightened(&spot, message)
        .because("such a name is letters, digits, `_` and `-`, and begins with a letter or `_`: dots lead into messages, and `@type` is Any's")
        .help(help);
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
