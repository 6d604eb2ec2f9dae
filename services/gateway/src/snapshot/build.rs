//! Compiles a snapshot from descriptor sets.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::http::routes;
use mainstay_contract::{Method as Known, Policy, RESERVED_ROOTS, Shape, aliases, classed, is_reserved_package};
use mainstay_layers::Access;
use mainstay_runtime::Files;
use mainstay_runtime::policies::access_of;
use mainstay_runtime::process::Platform;
use mainstay_telemetry::Metrics;
use mainstay_wire::Plans;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use prost_types::method_options::IdempotencyLevel;

use super::Snapshot;
use super::binding::{Binding, BindingError, ETAG, text_field};
use super::cursor::Cursor;
use super::kinds::Kinds;
use super::link::{SnapshotError, link};
use super::method::Method;
use crate::backends::Backends;
use crate::browser::SessionFields;
use crate::limits::Limits;
use crate::route::Trie;

/// A binding that is not served.
#[derive(Debug)]
pub struct UnservedRoute {
    pub method: Arc<str>,
    pub error: BindingError,
}

/// A snapshot, and the files that it was compiled from: reflection shows them, requests need them no more.
#[derive(Debug)]
pub struct Compiled {
    pub snapshot: Snapshot,
    pub files: Files,
}

impl Snapshot {
    /// Compiles the platform's contracts alone: what is served before the application's contract is known.
    pub fn platform(metrics: &Metrics, backends: &Backends, limits: &Limits) -> Result<Compiled, SnapshotError> {
        Snapshot::build((metrics, backends, limits), 0, Bytes::new())
    }

    /// Compiles the platform's contracts and revision `revision` of the application's, an encoded
    /// `google.protobuf.FileDescriptorSet`. Where both hold a file of the same name, the platform's is taken.
    pub fn build(
        (metrics, backends, limits): (&Metrics, &Backends, &Limits),
        revision: i64,
        application: Bytes,
    ) -> Result<Compiled, SnapshotError> {
        let mut files = Platform::files()?;
        files.add(application.clone())?;
        let mut pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
        let platform_files = pool.files().len();
        // What is linked is gone when the snapshot is made.
        link(&mut pool, application)?;
        let plans = Plans::of(&pool, &|message| aliases(&pool, message), &|message| classed(&pool, message));
        let mut builder = Builder { metrics, backends, limits, plans: &plans, parts: Parts::default() };
        for (position, file) in pool.files().enumerate() {
            let owner = if position < platform_files { Owner::Platform } else { Owner::Application };
            for method in file.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
                builder.add(&method, owner);
            }
        }
        let Parts { methods, bindings, trie, unserved } = builder.parts;
        let described = files.encoded().cloned().collect();
        let snapshot = Snapshot { revision, plans, methods, bindings, trie, unserved, files: described };
        Ok(Compiled { snapshot, files })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Platform,
    Application,
}

#[derive(Default)]
struct Parts {
    methods: HashMap<Box<str>, Arc<Method>, foldhash::fast::RandomState>,
    bindings: Vec<Binding>,
    trie: Trie,
    unserved: Vec<UnservedRoute>,
}

struct Builder<'b> {
    metrics: &'b Metrics,
    backends: &'b Backends,
    limits: &'b Limits,
    plans: &'b Plans,
    parts: Parts,
}

impl Builder<'_> {
    fn add(&mut self, descriptor: &MethodDescriptor, owner: Owner) {
        let package = descriptor.parent_service().package_name().to_owned();
        if owner == Owner::Application && is_reserved_package(&package) {
            return;
        }
        let Known { path, streams, policy, side_effects, upstream, .. } = Known::of(descriptor, Shape::Own);
        let (input, output) = (descriptor.input(), descriptor.output());
        let plan_of = |message: &prost_reflect::MessageDescriptor| self.plans.message(message.full_name());
        let (Some(input_plan), Some(output_plan)) = (plan_of(&input), plan_of(&output)) else { return };
        let session = match owner {
            Owner::Platform => SessionFields::of(descriptor),
            Owner::Application => SessionFields::default(),
        };
        let method = Arc::new(Method {
            route: self.metrics.route(&path),
            backend: match &upstream {
                Some(upstream) => self.backends.upstream(upstream),
                None => self.backends.of_package(&package).clone(),
            },
            // A platform method that says nothing of its callers lets nobody in.
            access: if policy == Policy::Rules { Some(Access::Anyone) } else { access_of(descriptor) },
            limits: self.limits.of(descriptor, &path),
            ruled: policy == Policy::Rules,
            side_effects,
            repeatable: is_repeatable(descriptor),
            client_streaming: streams.client,
            server_streaming: streams.server,
            cursor: Cursor::of(descriptor),
            kinds: Kinds::of(descriptor),
            session,
            input: input_plan,
            output: output_plan,
            etag: text_field(&output, ETAG),
            path: path.into(),
        });
        self.parts.methods.insert(method.path.as_ref().into(), method.clone());
        for route in routes(descriptor) {
            let added = route
                .map_err(BindingError::from)
                .and_then(|route| Binding::new(route, &method, (&input, &output), self.plans))
                .and_then(|binding| self.route(binding, owner));
            if let Err(error) = added {
                self.parts.unserved.push(UnservedRoute { method: method.path.clone(), error });
            }
        }
    }

    fn route(&mut self, binding: Binding, owner: Owner) -> Result<(), BindingError> {
        let path = binding.template.to_string();
        if owner == Owner::Application {
            match binding.template.root() {
                Some(root) if RESERVED_ROOTS.contains(&root) => {
                    return Err(BindingError::Reserved { root: root.to_owned(), path });
                }
                None => return Err(BindingError::Rootless { path }),
                Some(_) => {}
            }
        }
        let number = self.parts.bindings.len();
        if let Err(ambiguous) = self.parts.trie.insert(&binding.template, binding.http_method.clone(), number) {
            let with = self.parts.bindings[ambiguous.with].method.path.to_string();
            return Err(BindingError::Ambiguous { path, with });
        }
        let streams = binding.method.client_streaming;
        self.parts.bindings.push(binding);
        // It is there to say so to its callers.
        if streams { Err(BindingError::Streaming) } else { Ok(()) }
    }
}

/// Whether a call may be made twice.
fn is_repeatable(method: &MethodDescriptor) -> bool {
    let options = method.method_descriptor_proto().options.as_ref();
    options.is_some_and(|options| options.idempotency_level() != IdempotencyLevel::IdempotencyUnknown)
}
