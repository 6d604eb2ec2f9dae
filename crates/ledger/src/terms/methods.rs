//! Where a resource is reached, and what is said there: its methods, their routes, what they take and answer.

use std::collections::BTreeMap;

use mainstay_contract::http::{self, Rule};
use mainstay_contract::{Contract, Method, Resource, Verb};
use prost_reflect::{MessageDescriptor, MethodDescriptor};
use serde::{Deserialize, Serialize};

use super::message::{Fields, fields_of};

/// One method of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MethodTerms {
    /// `get`, `list`, `batch_create`; of a method of the resource's own, `place` of `PlaceOrder`.
    pub kind: String,
    /// `/shop.v1.ProductService/GetProduct`
    pub path: String,
    /// `GET /shop/v1/{name=products/*}`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// What it takes.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub request: Fields,
    /// What it answers, where that is a message of its own.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub answer: Fields,
    /// It answers nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mute: bool,
    /// It changes nothing, and may be asked by GET wherever a protocol has that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
}

impl MethodTerms {
    /// The full name of the service.
    pub fn service(&self) -> &str {
        self.path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }

    /// `GetProduct`
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// How a resource is written together with others of its package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitTerms {
    /// `/shop.v1.CommitService/Commit`
    pub path: String,
    pub routes: Vec<String>,
    /// The operations, of which a write is one, by what they do: `create_product`.
    pub writes: BTreeMap<String, Fields>,
    /// The record, of which a result is one: `product`.
    pub results: Fields,
}

/// The methods of a resource, derived or written, in a fixed order.
pub(super) fn of(contract: &Contract, resource: &Resource) -> Vec<MethodTerms> {
    let number = index_of(contract, resource);
    let own = contract.methods.iter().filter(|method| number.is_some() && method.shape.resource() == number);
    let mut methods: Vec<MethodTerms> = own.map(|method| terms(contract, resource, method)).collect();
    methods.sort();
    methods
}

/// What the Commit of the resource's package takes of it; nothing where the package has none.
pub(super) fn commit_of(contract: &Contract, resource: &Resource) -> Option<CommitTerms> {
    let number = index_of(contract, resource)?;
    let commit = contract.commits.iter().find(|commit| commit.package == resource.package)?;
    let own = commit.operations.iter().filter(|operation| operation.resource == number);
    let writes = own
        .map(|operation| {
            let kind = kind_of(Some(operation.verb), &operation.name, &resource.singular);
            (kind, Fields::one(operation.number, "message", &operation.name))
        })
        .collect();
    let results = commit.record(number).map(|number| Fields::one(number, "message", &resource.singular));
    // By its name, since a contract has many methods and asks this of every resource.
    let (service, _) = commit.path.trim_start_matches('/').split_once('/')?;
    let routes = contract.pool.get_service_by_name(service)?.methods().next().iter().flat_map(routes).collect();
    Some(CommitTerms { path: commit.path.clone(), routes, writes, results: results.unwrap_or_default() })
}

fn index_of(contract: &Contract, resource: &Resource) -> Option<usize> {
    contract.resources.binary_search_by(|own| own.type_name.cmp(&resource.type_name)).ok()
}

fn terms(contract: &Contract, resource: &Resource, method: &Method) -> MethodTerms {
    let message = |name: &str| contract.pool.get_message_by_name(name);
    let fields = |message: Option<MessageDescriptor>| message.as_ref().map(fields_of).unwrap_or_default();
    let mute = method.output == "google.protobuf.Empty";
    let own_answer = (!mute && method.output != resource.message).then(|| message(&method.output)).flatten();
    MethodTerms {
        kind: kind_of(method.shape.verb(), &method.name, resource.short_name()),
        path: method.path.clone(),
        routes: descriptor(contract, method).iter().flat_map(routes).collect(),
        request: fields(message(&method.input)),
        answer: fields(own_answer),
        mute,
        reads: !method.side_effects,
    }
}

/// What a method does, by which it is known again: its verb, or for one of the resource's own what its name says beside the
/// resource's.
fn kind_of(verb: Option<Verb>, name: &str, noun: &str) -> String {
    match verb {
        Some(verb) if Verb::ALL.contains(&verb) => verb.snake(),
        _ => {
            let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
            let (name, noun) = (plain(name), plain(noun));
            name.strip_suffix(&noun).unwrap_or(&name).to_owned()
        }
    }
}

fn descriptor(contract: &Contract, method: &Method) -> Option<MethodDescriptor> {
    let service = contract.pool.get_service_by_name(&method.service)?;
    service.methods().find(|own| own.name() == method.name)
}

/// The method's `google.api.http` as it is written, a line for each binding.
fn routes(method: &MethodDescriptor) -> Vec<String> {
    let line = |Rule { method, path, body, response_body }: Rule| {
        let verb = method.map_or_else(|| "*".to_owned(), |method| method.to_string());
        let part = |what: &str, name: String| if name.is_empty() { name } else { format!(" ({what}: {name})") };
        format!("{verb} {path}{}{}", part("body", body), part("response_body", response_body))
    };
    http::rules(method).into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_of_the_resources_own_is_known_by_what_it_says_beside_the_resource() {
        for (name, noun, kind) in [
            ("PlaceOrder", "Order", "place"),
            ("place_order", "order", "place"),
            ("MarkPaidOrderLine", "OrderLine", "markpaid"),
            ("mark_paid_order_line", "order_line", "markpaid"),
            ("Settle", "Order", "settle"),
        ] {
            assert_eq!(kind_of(None, name, noun), kind);
        }
        for verb in Verb::ALL {
            assert_eq!(kind_of(Some(verb), "whatever", "it"), verb.snake());
        }
    }
}
