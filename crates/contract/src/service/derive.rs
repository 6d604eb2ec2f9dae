//! Writes the `.proto` file of a resource's derived service.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::method::{Field, Message, Role, Verb, spaced};
use crate::resource::head::Head;
use crate::{Source, naming};

/// File options that generated code depends on; the derived file goes the way of the resource's.
const LANGUAGE_OPTIONS: [&str; 9] = [
    "java_package",
    "java_multiple_files",
    "go_package",
    "csharp_namespace",
    "objc_class_prefix",
    "php_namespace",
    "php_class_prefix",
    "ruby_package",
    "swift_prefix",
];

/// Where the file of a resource's derived service lies.
pub(crate) fn path(head: &Head) -> String {
    format!("{}/{}_service.proto", head.package().replace('.', "/"), naming::snake(head.short_name()))
}

/// Writes the derived service of a resource. The same resource always gives the same text.
pub(crate) fn derive(head: &Head, comment: &str) -> Source {
    let mut out = String::new();
    header(&mut out, head);
    service(&mut out, head, comment);
    for verb in Verb::of(head) {
        for own in verb.messages(head) {
            message(&mut out, &own, head);
        }
    }
    Source { path: path(head), text: out }
}

fn header(out: &mut String, head: &Head) {
    let file = head.message.parent_file();
    let mut imports: BTreeSet<String> = [
        "google/api/annotations.proto",
        "google/api/field_behavior.proto",
        "google/api/resource.proto",
        "google/protobuf/any.proto",
        "google/protobuf/empty.proto",
        "google/protobuf/field_mask.proto",
        "mainstay/v1/transform.proto",
        file.name(),
    ]
    .map(str::to_owned)
    .into();
    imports.extend((!head.transitions.is_empty()).then(|| "google/protobuf/timestamp.proto".to_owned()));
    for input in Verb::of(head).flat_map(|verb| verb.inputs(head)) {
        imports.extend(input.import());
        imports.extend(input.has_own_options().then(|| "mainstay/v1/options.proto".to_owned()));
    }
    let _ = writeln!(
        out,
        "// Derived by Mainstay from {} in {}. Not to be edited.\n",
        head.message.full_name(),
        file.name()
    );
    let _ = writeln!(out, "syntax = \"proto3\";\n\npackage {};\n", head.package());
    for import in imports {
        let _ = writeln!(out, "import \"{import}\";");
    }
    let options = language_options(head);
    if !options.is_empty() {
        let _ = write!(out, "\n{options}");
    }
}

pub(super) fn language_options(head: &Head) -> String {
    let file = head.message.parent_file();
    let options = file.options();
    let mut out = String::new();
    for name in LANGUAGE_OPTIONS {
        let Some(field) = options.fields().find(|(field, _)| field.name() == name).map(|(_, value)| value.clone())
        else {
            continue;
        };
        match field {
            prost_reflect::Value::String(text) => {
                let _ = writeln!(out, "option {name} = \"{}\";", escaped(&text));
            }
            prost_reflect::Value::Bool(value) => {
                let _ = writeln!(out, "option {name} = {value};");
            }
            _ => {}
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c) & 0xff);
            }
            c => out.push(c),
        }
    }
    out
}

fn service(out: &mut String, head: &Head, comment: &str) {
    let plural = spaced(&head.plural);
    let _ = writeln!(out, "\n// Serves {plural}.");
    if !comment.is_empty() {
        out.push_str("//\n");
        // A `*/` or a line break in the comment cannot leave it: every line gets its own marks.
        comment.lines().for_each(|line| line_comment(out, "", line));
    }
    let _ = writeln!(out, "service {} {{", head.service_name());
    for (i, verb) in Verb::of(head).enumerate() {
        if i > 0 {
            out.push('\n');
        }
        method(out, head, verb);
    }
    out.push_str("}\n");
}

fn line_comment(out: &mut String, indent: &str, line: &str) {
    let line = line.trim();
    let _ = if line.is_empty() { writeln!(out, "{indent}//") } else { writeln!(out, "{indent}// {line}") };
}

fn method(out: &mut String, head: &Head, verb: Verb) {
    let (name, output, definition) = (verb.method_name(head), verb.output(head), verb.definition());
    let own = output.strip_prefix(head.package()).and_then(|rest| rest.strip_prefix('.'));
    let answer = own.unwrap_or(&output);
    let _ = writeln!(out, "  // {}", verb.comment(head));
    let _ = writeln!(out, "  rpc {name}({name}Request) returns ({answer}) {{");
    let _ = writeln!(out, "    option (google.api.http) = {};", verb.route(head));
    // What is asked by GET changes nothing, and may be asked by GET over other protocols too.
    if definition.route.method == "get" {
        out.push_str("    option idempotency_level = NO_SIDE_EFFECTS;\n");
    }
    out.push_str("  }\n");
}

fn message(out: &mut String, own: &Message<'_>, head: &Head) {
    let _ = writeln!(out, "\n// {}\nmessage {} {{", own.comment, own.name);
    for (i, field) in own.fields.list.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        line_comment(out, "  ", &(field.comment)(head));
        let ty = field.role.ty().written(head);
        let _ = writeln!(out, "  {ty} {} = {}{};", field.role.name(head), field.number, annotations(field, head));
    }
    for input in &own.inputs {
        let line = input.line();
        let line = line.trim_end_matches(';');
        let _ = writeln!(out, "\n  // `{}` of the {}.", input.0.name(), spaced(&head.singular));
        let _ = writeln!(out, "  {line}{};", listed(&input.annotations()));
    }
    out.push_str("}\n");
}

/// Annotations, as they stand behind a field.
fn listed(annotations: &[String]) -> String {
    if annotations.is_empty() { String::new() } else { format!(" [{}]", annotations.join(", ")) }
}

fn annotations(field: &Field, head: &Head) -> String {
    let mut all = Vec::new();
    if field.required {
        all.push("(google.api.field_behavior) = REQUIRED".to_owned());
    }
    match field.role {
        Role::Name | Role::Names => all.push(format!("(google.api.resource_reference).type = \"{}\"", head.type_name)),
        Role::Parent if head.pattern.parent.is_some() => {
            all.push(format!("(google.api.resource_reference).child_type = \"{}\"", head.type_name));
        }
        _ => {}
    }
    listed(&all)
}
