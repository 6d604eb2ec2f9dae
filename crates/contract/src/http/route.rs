//! Reads a method's HTTP routes from its `google.api.http` option.

use http::Method;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};

use super::{Template, TemplateError};

/// One route of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Nothing takes every method (`custom {kind: "*"}`).
    pub method: Option<Method>,
    pub template: Template,
    /// Empty: no body; `*`: the whole request; else the name of a field.
    pub body: String,
    /// Empty: the whole answer; else the name of a field.
    pub response_body: String,
}

/// The same as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub method: Option<Method>,
    pub path: String,
    pub body: String,
    pub response_body: String,
}

/// A method's routes: its own first, then the additional ones. In the place of one that cannot be parsed stands why.
pub fn routes(method: &MethodDescriptor) -> Vec<Result<Route, TemplateError>> {
    let rules = rules(method).into_iter();
    rules
        .map(|Rule { method, path, body, response_body }| {
            Template::parse(&path).map(|template| Route { method, template, body, response_body })
        })
        .collect()
}

/// A method's routes as they are written. A rule without a pattern is left out.
pub fn rules(method: &MethodDescriptor) -> Vec<Rule> {
    let Some(own) = option(method) else { return Vec::new() };
    let additional = list(&own, "additional_bindings");
    let nested = additional.iter().filter_map(Value::as_message).filter_map(rule);
    rule(&own).into_iter().chain(nested).collect()
}

fn option(method: &MethodDescriptor) -> Option<DynamicMessage> {
    let extension = method.parent_pool().get_extension_by_name("google.api.http")?;
    let options = method.options();
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message().cloned()
}

fn rule(rule: &DynamicMessage) -> Option<Rule> {
    const PATTERNS: [(&str, Method); 5] = [
        ("get", Method::GET),
        ("put", Method::PUT),
        ("post", Method::POST),
        ("delete", Method::DELETE),
        ("patch", Method::PATCH),
    ];
    let standard = PATTERNS.into_iter().find(|(field, _)| rule.has_field_by_name(field));
    let (method, path) = match standard {
        Some((field, method)) => (Some(method), text(rule, field)),
        None => custom(rule)?,
    };
    Some(Rule { method, path, body: text(rule, "body"), response_body: text(rule, "response_body") })
}

fn custom(rule: &DynamicMessage) -> Option<(Option<Method>, String)> {
    let pattern = rule.get_field_by_name("custom").filter(|_| rule.has_field_by_name("custom"))?;
    let pattern = pattern.as_message()?;
    let kind = text(pattern, "kind");
    let method = if kind == "*" { None } else { Some(Method::from_bytes(kind.as_bytes()).ok()?) };
    Some((method, text(pattern, "path")))
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn list(message: &DynamicMessage, field: &str) -> Vec<Value> {
    message.get_field_by_name(field).and_then(|value| value.as_list().map(<[Value]>::to_vec)).unwrap_or_default()
}
