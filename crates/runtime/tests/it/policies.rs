use mainstay_layers::Access;
use mainstay_runtime::policies::{access_of, of_packages, path_of};
use mainstay_telemetry::Telemetry;
use prost_reflect::DescriptorPool;
use std::collections::BTreeMap;

fn platform() -> DescriptorPool {
    DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap()
}

#[test]
fn every_method_of_the_platform_says_who_may_call_it() {
    for service in platform().services().filter(|service| service.package_name().starts_with("mainstay.")) {
        for method in service.methods() {
            assert!(access_of(&method).is_some(), "{} has no (mainstay.v1.auth)", path_of(&method));
        }
    }
}

#[test]
fn the_policies_of_a_package_are_those_of_its_methods_and_of_what_every_port_serves() {
    let telemetry = Telemetry::quiet();
    let policies = of_packages(&platform(), &["mainstay.auth.v1"], telemetry.metrics());
    let policies: BTreeMap<&str, &Access> = policies.iter().collect();
    assert_eq!(policies["/mainstay.auth.v1.SessionService/SignIn"], &Access::Anyone);
    assert_eq!(policies["/mainstay.auth.v1.AccountService/SetRoles"], &Access::roles(["mainstay.admin"]));
    assert_eq!(policies["/grpc.health.v1.Health/Check"], &Access::Anyone);
    assert!(!policies.keys().any(|path| path.starts_with("/mainstay.data.")));
}
