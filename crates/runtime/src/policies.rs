//! Who may call which method, as the contracts of the platform say it.

use std::collections::HashSet;

use mainstay_layers::{Access, Messages, Policies};
use mainstay_telemetry::Metrics;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};

/// The option that says it.
pub const OPTION: &str = "mainstay.v1.auth";

/// Reads the policy of a method from its [`OPTION`]; `None` where it has none or says nothing that lets anybody in.
pub fn access_of(method: &MethodDescriptor) -> Option<Access> {
    let extension = method.parent_pool().get_extension_by_name(OPTION)?;
    let options = method.options();
    if !options.has_extension(&extension) {
        return None;
    }
    let value = options.get_extension(&extension);
    access(value.as_message()?)
}

fn access(option: &DynamicMessage) -> Option<Access> {
    let says = |field| option.get_field_by_name(field).and_then(|value| value.as_bool()).unwrap_or(false);
    let roles = option.get_field_by_name("roles")?;
    let roles: Vec<&str> = roles.as_list()?.iter().filter_map(Value::as_str).collect();
    // Exactly one of the three: an option that says more than one thing is a mistake, and lets nobody in.
    match (says("public"), says("authenticated"), roles.is_empty()) {
        (true, false, true) => Some(Access::Anyone),
        (false, true, true) => Some(Access::SignedIn),
        (false, false, false) => Some(Access::roles(roles)),
        _ => None,
    }
}

/// Methods by their paths, `/package.Service/Method`.
pub type Methods = HashSet<Box<str>>;

/// The methods of a pool that everybody may call, signed in or not.
pub fn open(pool: &DescriptorPool) -> Methods {
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.filter(|method| access_of(method) == Some(Access::Anyone)).map(|method| path_of(&method).into()).collect()
}

/// Reads the policies of every method of the services in `packages`, and adds those of health and reflection.
///
/// A method without the option is denied to everyone: forgetting it must not open anything.
pub fn of_packages(pool: &DescriptorPool, packages: &[&str], metrics: &Metrics) -> Policies {
    let methods = pool
        .services()
        .filter(|service| packages.contains(&service.package_name()))
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.fold(standard(metrics), |policies, method| {
        let access = access_of(&method).unwrap_or_else(|| Access::roles(Vec::<Box<str>>::new()));
        let path = path_of(&method);
        let policies = match method.is_client_streaming() {
            true => policies.conversation(metrics, &path, access),
            false => policies.method(metrics, &path, access, method.is_server_streaming()),
        };
        if is_reading(&method) { policies.reading(&path) } else { policies }
    })
}

/// Whether a method says that it changes nothing (`idempotency_level = NO_SIDE_EFFECTS`).
pub fn is_reading(method: &MethodDescriptor) -> bool {
    const NO_SIDE_EFFECTS: i32 = 1;
    let level = method.options().get_field_by_name("idempotency_level").and_then(|level| level.as_enum_number());
    level == Some(NO_SIDE_EFFECTS)
}

/// The methods of health and reflection, which every port serves: whether they answer with a stream, and what they take.
pub const STANDARD: [(&str, bool, Messages); 4] = [
    ("/grpc.health.v1.Health/Check", false, Messages::One),
    ("/grpc.health.v1.Health/Watch", true, Messages::One),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true, Messages::Many),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", true, Messages::Many),
];

/// The policies of what every port serves: health and reflection, open to everyone.
pub fn standard(metrics: &Metrics) -> Policies {
    STANDARD.iter().fold(Policies::new(), |policies, (path, streams, messages)| match messages {
        Messages::One => policies.method(metrics, path, Access::Anyone, *streams),
        Messages::Many => policies.conversation(metrics, path, Access::Anyone),
    })
}

/// Returns the method's path in HTTP, `/package.Service/Method`.
pub fn path_of(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}
