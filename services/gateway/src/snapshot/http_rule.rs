//! Reads a method's HTTP bindings from its `google.api.http` option.

use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, MethodDescriptor, Value};

/// One HTTP binding of a method, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRule {
    /// Nothing takes every method (`custom {kind: "*"}`).
    pub method: Option<Method>,
    pub path: String,
    /// Empty: no body; `*`: the whole request; else the name of a field.
    pub body: String,
    /// Empty: the whole answer; else the name of a field.
    pub response_body: String,
}

/// The option's descriptor, looked up once for a pool.
#[derive(Debug)]
pub struct HttpRules(Option<ExtensionDescriptor>);

impl HttpRules {
    pub fn of(pool: &DescriptorPool) -> HttpRules {
        HttpRules(pool.get_extension_by_name("google.api.http"))
    }

    /// The method's HTTP bindings: its own first, then the additional ones. A rule without a pattern is left out.
    pub fn read(&self, method: &MethodDescriptor) -> Vec<HttpRule> {
        let Some(rule) = option(method, self.0.as_ref()) else { return Vec::new() };
        let additional = list(&rule, "additional_bindings");
        let nested = additional.iter().filter_map(Value::as_message).filter_map(http_rule);
        http_rule(&rule).into_iter().chain(nested).collect()
    }
}

fn option(method: &MethodDescriptor, extension: Option<&ExtensionDescriptor>) -> Option<DynamicMessage> {
    let (options, extension) = (method.options(), extension?);
    if !options.has_extension(extension) {
        return None;
    }
    options.get_extension(extension).as_message().cloned()
}

fn http_rule(rule: &DynamicMessage) -> Option<HttpRule> {
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
    Some(HttpRule { method, path, body: text(rule, "body"), response_body: text(rule, "response_body") })
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
