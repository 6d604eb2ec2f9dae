//! What the platform's own contracts must say.

use mainstay_runtime::policies::access_of;
use prost_reflect::{DescriptorPool, ServiceDescriptor};

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
fn every_list_has_page_fields() {
    for method in platform_services().iter().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        if method.name().starts_with("List") {
            for field in ["page_size", "page_token"] {
                assert!(method.input().get_field_by_name(field).is_some(), "{} lacks {field}", method.full_name());
            }
            assert!(method.output().get_field_by_name("next_page_token").is_some(), "{}", method.full_name());
        }
    }
}

#[test]
fn the_sample_contract_compiles_without_a_warning() {
    let folder = super::workspace::root().join("proto/shop");
    let contract = mainstay_contract::compile(mainstay_contract::read_folder(&folder).expect("it can be read"));
    let contract = contract.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    assert!(contract.warnings.is_empty(), "{:?}", contract.warnings);
}
