//! Routes: those that a written method has by `google.api.http`, and those that are derived.

use std::collections::HashMap;

use mainstay_expr::suggest;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, MethodDescriptor, Value};

use crate::annotations::RESOURCE;
use crate::capabilities;
use crate::file::{Spot, tag};
use crate::http::{Segment, Template};
use crate::method::{Verb, has_side_effects};
use crate::options::{items, message_option, text};
use crate::report::Report;
use crate::reserved::RESERVED_ROOTS;
use crate::resource::head::Head;
use crate::text::Step;

const HTTP: &str = "google.api.http";
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// What the gateway answers by itself, and what is no request for a resource (RFC 9110, section 9.3).
const NOT_TAKEN: [&str; 4] = ["HEAD", "OPTIONS", "CONNECT", "TRACE"];

/// All routes of a contract, so that no two take the same requests.
#[derive(Default)]
pub(crate) struct Routes {
    written: Vec<Written>,
    /// Who takes what: the HTTP method, the segments and the verb, whatever the variables are called.
    taken: HashMap<(String, Vec<Segment>, Option<String>), String>,
}

/// A route that fits by itself.
struct Written {
    spot: Spot,
    owner: String,
    method: String,
    template: Template,
}

impl Routes {
    /// Checks every route of a written method: the gateway can serve it, and what it captures and takes as body is in the
    /// request.
    pub(crate) fn written(&mut self, report: &mut Report<'_>, method: &MethodDescriptor) {
        let Some(rule) = message_option(method.parent_pool(), &method.options(), HTTP) else { return };
        let mut route = Route { report, method, binding: None, found: &mut self.written };
        route.check(&rule);
        for (i, additional) in items(&rule, "additional_bindings").iter().enumerate() {
            if let Some(additional) = additional.as_message() {
                route.binding = Some(i);
                route.check(additional);
            }
        }
    }

    /// Enters the routes of a derived service.
    pub(crate) fn derived(&mut self, report: &mut Report<'_>, head: &Head) {
        for verb in Verb::of(head) {
            let route = verb.route(head);
            let spot = head.option(report, RESOURCE, &[Step::Item("pattern", 0)]);
            let owner = format!("{}.{}.{}", head.package(), head.service_name(), verb.method_name(head));
            match Template::parse(&route.path) {
                // Two resources of one pattern, which alone have the same, are told already.
                Ok(template) => {
                    self.taken.entry((route.method.to_owned(), template.segments, template.verb)).or_insert(owner);
                }
                Err(error) => {
                    report
                        .tightened(&spot, format!("{owner} would have a route that is not served: {}", error.message))
                        .because(format!("the route would be {}", route.path))
                        .help("shorten the package or the pattern");
                    return;
                }
            }
        }
    }

    /// Enters the written ones after them, and tells those that take what is taken.
    pub(crate) fn finish(mut self, report: &mut Report<'_>) {
        for written in std::mem::take(&mut self.written) {
            self.take(report, written);
        }
    }

    fn take(&mut self, report: &mut Report<'_>, route: Written) {
        let Written { spot, owner, method, template } = route;
        let path = template.to_string();
        let key = (method, template.segments, template.verb);
        let Some(other) = self.taken.get(&key) else {
            self.taken.insert(key, owner);
            return;
        };
        report
            .tightened(&spot, format!("{path} takes the same requests as a route of {other}"))
            .because(format!("the gateway could not tell which of the two a {} there is for", key.0.to_uppercase()))
            .help("give one of the two another path, or a verb behind a colon");
    }
}

struct Route<'a, 'f> {
    report: &'a mut Report<'f>,
    method: &'a MethodDescriptor,
    /// Which of the additional bindings it is.
    binding: Option<usize>,
    found: &'a mut Vec<Written>,
}

impl Route<'_, '_> {
    fn spot(&self, fields: &[&str]) -> Spot {
        let file = self.method.parent_service().parent_file();
        let binding = self.binding.map(|i| Step::Item("additional_bindings", i));
        let steps: Vec<Step<'_>> = binding.into_iter().chain(fields.iter().map(|field| Step::Field(field))).collect();
        self.report.option(file.name(), self.method.path(), tag::METHOD_OPTIONS, HTTP, &steps)
    }

    fn check(&mut self, rule: &DynamicMessage) {
        let set = |name: &str| rule.fields().any(|(field, _)| field.name() == name);
        if set("selector") {
            let name = "(google.api.http).selector";
            capabilities::refuse(self.report, &self.spot(&["selector"]), name, &format!("`{name}`"));
        }
        if self.binding.is_some() && !items(rule, "additional_bindings").is_empty() {
            let spot = self.spot(&["additional_bindings"]);
            self.report
                .tightened(&spot, "an additional binding has additional bindings of its own")
                .because("they are not read (google/api/http.proto)")
                .help("write them beside it");
        }
        let custom = rule.get_field_by_name("custom").filter(|_| set("custom"));
        match (METHODS.into_iter().find(|method| set(method)), custom.as_deref().and_then(Value::as_message)) {
            (Some(method), _) => self.path(&[method], method, &text(rule, method)),
            (None, Some(custom)) => self.custom(custom),
            (None, None) => self.without_path(),
        }
        let (body, answered) = (text(rule, "body"), text(rule, "response_body"));
        if !body.is_empty() && body != "*" && self.method.input().get_field_by_name(&body).is_none() {
            self.unknown_field(&["body"], &self.method.input(), &body);
        }
        if !answered.is_empty() && self.method.output().get_field_by_name(&answered).is_none() {
            self.unknown_field(&["response_body"], &self.method.output(), &answered);
        }
    }

    /// A route of another HTTP method than the five, or of all.
    fn custom(&mut self, pattern: &DynamicMessage) {
        let kind = text(pattern, "kind");
        let standard = METHODS.into_iter().find(|method| method.eq_ignore_ascii_case(&kind));
        let is_a_name = kind.starts_with(|first: char| first.is_ascii_uppercase())
            && kind.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        let spot = self.spot(&["custom", "kind"]);
        if let Some(standard) = standard {
            self.report
                .error(&spot, format!("{} has a field of its own", kind.to_uppercase()))
                .because("a route is found in one place, whoever reads it")
                .help(format!("write {standard}: \"{}\"", text(pattern, "path")));
        } else if NOT_TAKEN.iter().any(|method| method.eq_ignore_ascii_case(&kind)) {
            self.report
                .error(&spot, format!("no route takes {}", kind.to_uppercase()))
                .because(
                    "HEAD and OPTIONS are answered for every path that there is; CONNECT and TRACE are for no resource",
                )
                .help("leave the route out");
        } else if kind == "*" && has_side_effects(self.method) {
            self.report
                .error(&spot, "a route of every HTTP method is one of GET, too, and the method may change something")
                .because("whatever page somebody looks at can have their browser send a GET")
                .help(
                    "name one method, or say `option idempotency_level = NO_SIDE_EFFECTS;` where the method only reads",
                );
        } else if kind != "*" && !is_a_name {
            self.report
                .error(&spot, format!("`{kind}` is no HTTP method"))
                .because("methods are words in capitals (RFC 9110, section 9.1)")
                .help("for example kind: \"PURGE\", or kind: \"*\" for every method");
        } else {
            self.path(&["custom", "path"], &kind, &text(pattern, "path"));
        }
    }

    fn without_path(&mut self) {
        let file = self.method.parent_service().parent_file();
        let steps: Vec<Step<'_>> = self.binding.map(|i| Step::Item("additional_bindings", i)).into_iter().collect();
        let spot = self.report.option(file.name(), self.method.path(), tag::METHOD_OPTIONS, HTTP, &steps);
        let root = self.root();
        self.report
            .tightened(&spot, "the route has no path")
            .because("a route is an HTTP method and a path")
            .help(format!("add one, for example get: \"{root}/{{name=things/*}}\", or leave the option out"));
    }

    /// Checks the path of a route, which stands in `field`.
    fn path(&mut self, field: &[&str], method: &str, path: &str) {
        let root = self.root();
        let whole = self.spot(field);
        let template = match Template::parse(path) {
            Ok(template) => template,
            Err(error) => {
                let spot = self.report.files.within(&whole, error.offset..path.len().max(error.offset + 1));
                self.report
                    .tightened(&spot, format!("`{path}` is not a path: {}", error.message))
                    .because("paths are written as google/api/http.proto has them")
                    .help(format!("for example \"{root}/{{name=things/*}}\""));
                return;
            }
        };
        if template.root().is_none_or(|root| RESERVED_ROOTS.contains(&root)) {
            self.report
                .tightened(&whole, format!("the path {path} is not free"))
                .because("a path begins with a name of the application's own, and Mainstay answers some itself")
                .help(format!("begin it with the package: {root}"));
        }
        for variable in &template.variables {
            if !names_field(&self.method.input(), &variable.field) {
                self.unknown_field(field, &self.method.input(), &variable.field);
            }
        }
        let owner = self.method.full_name().to_owned();
        self.found.push(Written { spot: whole, owner, method: method.to_owned(), template });
    }

    /// The paths of the method's package.
    fn root(&self) -> String {
        format!("/{}", self.method.parent_service().package_name().replace('.', "/"))
    }

    fn unknown_field(&mut self, part: &[&str], message: &MessageDescriptor, field: &str) {
        let spot = self.spot(part);
        let names: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
        let help = suggest(field, names.iter().map(String::as_str), "its fields are");
        self.report
            .error(&spot, format!("{} has no field `{field}`", message.full_name()))
            .because(match part {
                ["response_body"] => "the body of an answer is a field of it, or the whole",
                _ => "a route takes its values to fields of the request",
            })
            .help(help.unwrap_or_else(|| format!("add the field to {}", message.name())));
    }
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
