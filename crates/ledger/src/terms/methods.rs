//! Where a resource is reached: its methods and their routes.

use mainstay_contract::http::{self, Rule};
use mainstay_contract::{Contract, Method, Resource, Verb};
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
    let number = contract.resources.binary_search_by(|own| own.type_name.cmp(&resource.type_name)).ok();
    let own = contract.methods.iter().filter(|method| number.is_some() && method.shape.resource() == number);
    let mut methods: Vec<MethodTerms> = own
        .map(|method| MethodTerms {
            kind: method.shape.verb().map(Verb::snake).unwrap_or_default(),
            path: method.path.clone(),
            routes: routes(contract, method),
        })
        .collect();
    methods.sort();
    methods
}

/// The method's `google.api.http` as it is written, a line for each binding.
fn routes(contract: &Contract, method: &Method) -> Vec<String> {
    let service = contract.pool.get_service_by_name(&method.service);
    let descriptor = service.and_then(|service| service.methods().find(|own| own.name() == method.name));
    let rules = descriptor.iter().flat_map(http::rules);
    rules
        .map(|Rule { method, path, body, .. }| {
            let verb = method.map_or_else(|| "*".to_owned(), |method| method.to_string());
            let body = if body.is_empty() { body } else { format!(" (body: {body})") };
            format!("{verb} {path}{body}")
        })
        .collect()
}
