//! What the platform's own contracts must say.

use mainstay_contract::{compile, read_folder};
use mainstay_runtime::policies::access_of;
use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor};

fn platform_services() -> Vec<ServiceDescriptor> {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).expect("the platform's descriptors decode");
    let services: Vec<_> = pool.services().filter(|service| service.package_name().starts_with("mainstay.")).collect();
    assert!(services.len() >= 4, "the platform's services were found");
    services
}

#[test]
fn every_method_states_who_may_call_it() {
    for method in platform_services().iter().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        assert!(access_of(&method).is_some(), "{} has no (mainstay.v1.auth) option", method.full_name());
    }
}

#[test]
fn what_is_asked_by_get_says_that_it_changes_nothing() {
    for method in platform_services().iter().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let options = method.method_descriptor_proto().options.clone().unwrap_or_default();
        let changes_nothing = options.idempotency_level() == IdempotencyLevel::NoSideEffects;
        assert_eq!(is_asked_by_get(&method), changes_nothing, "{}", method.full_name());
    }
}

/// Whether a method has an HTTP rule of GET.
fn is_asked_by_get(method: &MethodDescriptor) -> bool {
    let options = method.options();
    let rule = options.extensions().find(|(extension, _)| extension.full_name() == "google.api.http");
    let rule = rule.and_then(|(_, rule)| rule.as_message().cloned());
    rule.is_some_and(|rule| rule.has_field_by_name("get"))
}

/// What AIP-158 wants of a method that lists, and this one lacks.
fn missing_page_fields(method: &MethodDescriptor) -> Vec<&'static str> {
    let (input, output) = (method.input(), method.output());
    let asked = ["page_size", "page_token"].into_iter().filter(|field| input.get_field_by_name(field).is_none());
    asked.chain(["next_page_token"].into_iter().filter(|field| output.get_field_by_name(field).is_none())).collect()
}

/// The methods that list: by their names, or because they answer with several of something.
fn lists(services: impl Iterator<Item = ServiceDescriptor>) -> Vec<MethodDescriptor> {
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let is_list = |method: &MethodDescriptor| method.name().starts_with("List") || method.name().starts_with("Search");
    methods.filter(|method| !method.is_server_streaming() && is_list(method)).collect()
}

#[test]
fn every_list_has_page_fields() {
    let shop = compile(read_folder(&super::workspace::root().join("proto/shop")).expect("it can be read"));
    let shop = shop.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let derived = shop.pool.services().filter(|service| service.package_name() == "shop.v1");
    let lists = lists(platform_services().into_iter().chain(derived));
    assert!(lists.len() >= shop.resources.len(), "the lists were found");
    for method in lists {
        assert_eq!(missing_page_fields(&method), [""; 0], "{}", method.full_name());
    }
}

#[test]
fn a_list_without_page_fields_would_be_found() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let text = "syntax = \"proto3\"; package a.v1; service Things { rpc ListThings(Request) returns (Answer); \
                rpc GetThing(Request) returns (Answer); } message Request { int32 page_size = 1; } message Answer {}";
    std::fs::write(folder.path().join("a.proto"), text).expect("a file can be written");
    let files = protox::compile(["a.proto"], [folder.path()]).expect("the sample compiles");
    let pool = DescriptorPool::from_file_descriptor_set(files).expect("the descriptors fit together");
    let services: Vec<_> = pool.services().collect();
    let found = lists(services.into_iter());
    assert_eq!(found.len(), 1);
    assert_eq!(missing_page_fields(&found[0]), ["page_token", "next_page_token"]);
}

#[test]
fn the_sample_contract_compiles_without_a_warning() {
    let folder = super::workspace::root().join("proto/shop");
    let contract = mainstay_contract::compile(mainstay_contract::read_folder(&folder).expect("it can be read"));
    let contract = contract.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    assert!(contract.warnings.is_empty(), "{:?}", contract.warnings);
}
