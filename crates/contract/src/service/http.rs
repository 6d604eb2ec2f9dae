//! Routes that a written method has: `google.api.http`.

use mainstay_expr::suggest;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, MethodDescriptor};

use crate::capabilities;
use crate::file::{Spot, tag};
use crate::options::{items, message_option, text};
use crate::parse::RESERVED_ROOTS;
use crate::report::Report;
use crate::text::Step;

const HTTP: &str = "google.api.http";
const VERBS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Checks every route of a method: its path is free, and what it captures and takes as body is in the request.
pub(crate) fn check(report: &mut Report<'_>, method: &MethodDescriptor) {
    let Some(rule) = message_option(method.parent_pool(), &method.options(), HTTP) else { return };
    let mut route = Route { report, method, binding: None };
    route.check(&rule);
    for (i, additional) in items(&rule, "additional_bindings").iter().enumerate() {
        if let Some(additional) = additional.as_message() {
            route.binding = Some(i);
            route.check(additional);
        }
    }
}

struct Route<'a, 'f> {
    report: &'a mut Report<'f>,
    method: &'a MethodDescriptor,
    /// Which of the additional bindings it is.
    binding: Option<usize>,
}

impl Route<'_, '_> {
    fn spot(&self, field: &str) -> Spot {
        let file = self.method.parent_service().parent_file();
        let binding = self.binding.map(|i| Step::Item("additional_bindings", i));
        let steps: Vec<Step<'_>> = binding.into_iter().chain([Step::Field(field)]).collect();
        self.report.option(file.name(), self.method.path(), tag::METHOD_OPTIONS, HTTP, &steps)
    }

    fn check(&mut self, rule: &DynamicMessage) {
        for unsupported in ["custom", "response_body", "selector"] {
            if rule.fields().any(|(field, _)| field.name() == unsupported) {
                let spot = self.spot(unsupported);
                let name = format!("(google.api.http).{unsupported}");
                capabilities::refuse(self.report, &spot, &name, &format!("`{name}`"));
            }
        }
        let verb = rule.fields().map(|(field, _)| field.name().to_owned()).find(|name| VERBS.contains(&name.as_str()));
        if let Some(verb) = verb {
            self.path(&verb, &text(rule, &verb));
        }
        let body = text(rule, "body");
        if !body.is_empty() && body != "*" && self.method.input().get_field_by_name(&body).is_none() {
            self.unknown_field("body", &body);
        }
    }

    fn path(&mut self, verb: &str, path: &str) {
        let root = self.root();
        let Some(rest) = path.strip_prefix('/').filter(|rest| braces_match(rest)) else {
            let spot = self.spot(verb);
            self.report
                .error(&spot, format!("`{path}` is not a path"))
                .because("a path begins with a slash, and every `{` has its `}`")
                .help(format!("for example \"{root}/{{name=things/*}}\""));
            return;
        };
        let first = rest.split(['/', ':']).next().unwrap_or_default();
        if first.is_empty() || first.starts_with('{') || RESERVED_ROOTS.contains(&first) {
            let spot = self.spot(verb);
            self.report
                .error(&spot, format!("the path {path} is not free"))
                .because("a path begins with a name of the application's own, and Mainstay answers some itself")
                .help(format!("begin it with the package: {root}"));
        }
        for capture in rest.split('{').skip(1).filter_map(|rest| rest.split(['=', '}']).next()) {
            if !names_field(&self.method.input(), capture.trim()) {
                self.unknown_field(verb, capture.trim());
            }
        }
    }

    /// The paths of the method's package.
    fn root(&self) -> String {
        format!("/{}", self.method.parent_service().package_name().replace('.', "/"))
    }

    fn unknown_field(&mut self, part: &str, field: &str) {
        let spot = self.spot(part);
        let input = self.method.input();
        let names: Vec<String> = input.fields().map(|field| field.name().to_owned()).collect();
        let help = suggest(field, names.iter().map(String::as_str), "its fields are");
        self.report
            .error(&spot, format!("{} has no field `{field}`", input.full_name()))
            .because("a route takes its values to fields of the request")
            .help(help.unwrap_or_else(|| "add the field to the request".to_owned()));
    }
}

fn braces_match(path: &str) -> bool {
    let mut open = false;
    path.chars().all(|c| match c {
        '{' => !std::mem::replace(&mut open, true),
        '}' => std::mem::replace(&mut open, false),
        _ => !c.is_whitespace() && !c.is_control(),
    }) && !open
}

/// Whether a dotted path leads to a field that a path segment can be taken to.
fn names_field(message: &MessageDescriptor, path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (message.get_field_by_name(first).map(|field| (field.is_list() || field.is_map(), field.kind())), rest) {
        (Some((false, Kind::Message(inner))), Some(rest)) => names_field(&inner, rest),
        (Some((false, kind)), None) => !matches!(kind, Kind::Message(_)),
        _ => false,
    }
}
