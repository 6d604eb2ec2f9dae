//! Writes the `.proto` file of a resource's derived service.

use std::fmt::Write as _;

use crate::resource::head::Head;
use crate::service::shape::{self, FieldType, StandardField};
use crate::{Source, Standard, naming};

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
    for kind in shape::ALL {
        let name = shape::method_name(kind, head);
        message(
            &mut out,
            &format!("The request of {name}."),
            &format!("{name}Request"),
            &shape::request(kind, head),
            head,
        );
        if kind == Standard::List {
            let fields = shape::list_answer(head);
            message(&mut out, &format!("The answer of {name}."), &format!("{name}Response"), &fields, head);
        }
    }
    Source { path: path(head), text: out }
}

fn header(out: &mut String, head: &Head) {
    let file = head.message.parent_file();
    let mut imports = [
        "google/api/annotations.proto",
        "google/api/field_behavior.proto",
        "google/api/resource.proto",
        "google/protobuf/empty.proto",
        "google/protobuf/field_mask.proto",
        file.name(),
    ];
    imports.sort_unstable();
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

fn language_options(head: &Head) -> String {
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
    let plural = shape::spaced(&head.plural);
    let _ = writeln!(out, "\n// Serves {plural}.");
    if !comment.is_empty() {
        out.push_str("//\n");
        // A `*/` or a line break in the comment cannot leave it: every line gets its own marks.
        comment.lines().for_each(|line| line_comment(out, "", line));
    }
    let _ = writeln!(out, "service {} {{", shape::service_name(head));
    for (i, kind) in shape::ALL.into_iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        method(out, head, kind);
    }
    out.push_str("}\n");
}

fn line_comment(out: &mut String, indent: &str, line: &str) {
    let line = line.trim();
    let _ = if line.is_empty() { writeln!(out, "{indent}//") } else { writeln!(out, "{indent}// {line}") };
}

fn method(out: &mut String, head: &Head, kind: Standard) {
    let (singular, plural) = (shape::spaced(&head.singular), shape::spaced(&head.plural));
    let name = shape::method_name(kind, head);
    let comment = match kind {
        Standard::Get => format!("Gets one of the {plural} by its name (AIP-131)."),
        Standard::List => format!("Lists the {plural} that the caller may read, page by page (AIP-132)."),
        Standard::Create => format!("Creates a new {singular} (AIP-133)."),
        Standard::Update => format!("Updates one of the {plural} (AIP-134)."),
        Standard::Delete => format!("Deletes one of the {plural} (AIP-135)."),
    };
    let answer = match (kind, shape::answer(kind, head)) {
        (Standard::List, _) => format!("{name}Response"),
        (Standard::Delete, answer) => answer.to_owned(),
        _ => head.short_name().to_owned(),
    };
    let _ = writeln!(out, "  // {comment}");
    let _ = writeln!(out, "  rpc {name}({name}Request) returns ({answer}) {{");
    let _ = writeln!(out, "    option (google.api.http) = {};", route(head, kind));
    out.push_str("  }\n");
}

/// The route of a standard method: the package as a path, then the pattern. Shown as the value of `google.api.http`.
pub(crate) fn route(head: &Head, kind: Standard) -> Route {
    let root = format!("/{}", head.package().replace('.', "/"));
    let (shape, singular) = (head.pattern.shape(), head.singular.clone());
    let collection = match head.pattern.parent_shape() {
        Some(parent) => format!("{root}/{{parent={parent}}}/{}", head.pattern.collection),
        None => format!("{root}/{}", head.pattern.collection),
    };
    let (method, path, body) = match kind {
        Standard::Get => ("get", format!("{root}/{{name={shape}}}"), None),
        Standard::List => ("get", collection, None),
        Standard::Create => ("post", collection, Some(singular)),
        Standard::Update => ("patch", format!("{root}/{{{singular}.name={shape}}}"), Some(singular)),
        Standard::Delete => ("delete", format!("{root}/{{name={shape}}}"), None),
    };
    Route { method, path, body }
}

/// A derived route.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub method: &'static str,
    pub path: String,
    pub body: Option<String>,
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{{{}: \"{}\"", self.method, self.path)?;
        self.body.as_ref().map_or(Ok(()), |body| write!(f, " body: \"{body}\""))?;
        f.write_str("}")
    }
}

fn message(out: &mut String, comment: &str, name: &str, fields: &[StandardField], head: &Head) {
    let _ = writeln!(out, "\n// {comment}\nmessage {name} {{");
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        line_comment(out, "  ", &field.comment);
        let ty = shape::written_type(field.ty, head);
        let _ = writeln!(out, "  {ty} {} = {}{};", field.name, field.number, annotations(field, head));
    }
    out.push_str("}\n");
}

fn annotations(field: &StandardField, head: &Head) -> String {
    let mut all = Vec::new();
    if field.required {
        all.push("(google.api.field_behavior) = REQUIRED".to_owned());
    }
    if field.ty == FieldType::String && field.name == "name" {
        all.push(format!("(google.api.resource_reference).type = \"{}\"", head.type_name));
    }
    if field.name == "parent" && head.pattern.parent.is_some() {
        all.push(format!("(google.api.resource_reference).child_type = \"{}\"", head.type_name));
    }
    if all.is_empty() { String::new() } else { format!(" [{}]", all.join(", ")) }
}
