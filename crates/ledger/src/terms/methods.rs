//! Where a resource is reached: its methods and their routes.

use mainstay_contract::{Contract, Resource, Standard};
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use serde::{Deserialize, Serialize};

/// One method of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MethodTerms {
    /// `get`, `list`, `create`, `update`, `delete`
    pub kind: String,
    /// `/shop.v1.ProductService/GetProduct`
    pub path: String,
    /// `GET /shop/v1/{name=products/*}`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
}

impl MethodTerms {
    /// The full name of the service.
    pub fn service(&self) -> &str {
        self.path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }
}

/// The methods of a resource, derived or written, in a fixed order.
pub(super) fn of(contract: &Contract, resource: &Resource) -> Vec<MethodTerms> {
    let is_own = |index: usize| contract.resources.get(index).is_some_and(|own| own.type_name == resource.type_name);
    let services = contract.services.iter().filter(|service| is_own(service.resource));
    let mut methods: Vec<MethodTerms> = services
        .flat_map(|service| {
            let descriptor = contract.pool.get_service_by_name(&service.full_name);
            service.methods.iter().map(move |method| MethodTerms {
                kind: kind(method.kind).to_owned(),
                path: method.path.clone(),
                routes: descriptor
                    .as_ref()
                    .and_then(|service| service.methods().find(|own| own.name() == method.name))
                    .map_or_else(Vec::new, |own| routes(&own)),
            })
        })
        .collect();
    methods.sort();
    methods
}

fn kind(kind: Standard) -> &'static str {
    match kind {
        Standard::Get => "get",
        Standard::List => "list",
        Standard::Create => "create",
        Standard::Update => "update",
        Standard::Delete => "delete",
    }
}

/// The method's `google.api.http`, a line for each binding.
fn routes(method: &MethodDescriptor) -> Vec<String> {
    let Some(extension) = method.parent_pool().get_extension_by_name("google.api.http") else { return Vec::new() };
    let options = method.options();
    if !options.has_extension(&extension) {
        return Vec::new();
    }
    let mut routes = Vec::new();
    if let Some(rule) = options.get_extension(&extension).as_message() {
        bindings(rule, &mut routes);
    }
    routes
}

fn bindings(rule: &DynamicMessage, routes: &mut Vec<String>) {
    let text = |name: &str| rule.get_field_by_name(name).and_then(|value| value.as_str().map(str::to_owned));
    let verbs = ["get", "put", "post", "delete", "patch"];
    let verb = verbs.into_iter().find(|verb| rule.has_field_by_name(verb));
    if let Some((verb, path)) = verb.and_then(|verb| Some((verb, text(verb)?))) {
        let body = text("body").filter(|body| !body.is_empty()).map(|body| format!(" (body: {body})"));
        routes.push(format!("{} {path}{}", verb.to_ascii_uppercase(), body.unwrap_or_default()));
    }
    let more = rule.get_field_by_name("additional_bindings");
    for binding in more.as_deref().and_then(Value::as_list).into_iter().flatten() {
        if let Some(rule) = binding.as_message() {
            bindings(rule, routes);
        }
    }
}
