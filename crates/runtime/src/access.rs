//! Who may call a method at all, from its `(mainstay.v1.auth)` option: the one place that reads it.

use mainstay_layers::{Access, Policies};
use mainstay_telemetry::Metrics;
use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor, ReflectMessage as _, Value};

/// Reads the option from the methods of one pool of descriptors.
#[derive(Debug, Clone)]
pub struct AccessReader(Option<ExtensionDescriptor>);

/// What a method's option says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The method has no such option.
    Nothing,
    /// Exactly one of the option's fields is set.
    Access(Access),
    /// The option says less or more than one thing: a mistake, which lets nobody in.
    Ambiguous,
}

impl AccessReader {
    /// Looks the option up once.
    pub fn of(pool: &DescriptorPool) -> AccessReader {
        AccessReader(pool.get_extension_by_name("mainstay.v1.auth"))
    }

    /// Reads one method's option.
    pub fn read(&self, method: &MethodDescriptor) -> Written {
        let options = method.options();
        let Some(extension) = self.0.as_ref().filter(|extension| options.has_extension(extension)) else {
            return Written::Nothing;
        };
        let option = options.get_extension(extension);
        let Some(option) = option.as_message() else { return Written::Ambiguous };
        let flag = |field| option.get_field_by_name(field).is_some_and(|value| value.as_bool() == Some(true));
        let roles: Vec<String> = option
            .get_field_by_name("roles")
            .and_then(|value| value.as_list().map(<[Value]>::to_vec))
            .unwrap_or_default()
            .iter()
            .filter_map(|role| role.as_str().map(str::to_owned))
            .collect();
        match (flag("public"), flag("authenticated"), roles.is_empty()) {
            (true, false, true) => Written::Access(Access::Anyone),
            (false, true, true) => Written::Access(Access::SignedIn),
            (false, false, false) => Written::Access(Access::roles(roles)),
            _ => Written::Ambiguous,
        }
    }
}

/// The policies of the platform's services with these full names, for the stack around their routes. A method without the
/// option, or with one that says too much, is not in there: it does not exist for anybody.
///
/// # Errors
/// The platform's own descriptors cannot be read, which a test excludes.
pub fn platform(services: &[&str], metrics: &Metrics) -> Result<Policies, prost_reflect::DescriptorError> {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let reader = AccessReader::of(&pool);
    let methods = services.iter().filter_map(|name| pool.get_service_by_name(name));
    let methods: Vec<MethodDescriptor> = methods.flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    Ok(methods.iter().fold(Policies::new(), |policies, method| match reader.read(method) {
        Written::Access(access) => {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            policies.method(metrics, &path, access, method.is_server_streaming())
        }
        Written::Nothing | Written::Ambiguous => policies,
    }))
}
