//! Everything that is decided by the contracts, compiled: methods, policies, routes, plans, descriptors.

mod binding;
mod build;
mod cursor;
mod kinds;
mod link;
mod method;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use http::Method as HttpMethod;
use mainstay_layers::Access;
use mainstay_runtime::Methods;
use mainstay_runtime::channel::Target;
use mainstay_wire::Plans;

pub use binding::{Binding, BindingError, Body, Capture, ETAG, EtagField, RawAnswer, ResponseField};
pub use build::{Compiled, UnservedRoute};
pub use cursor::{Cursor, CursorKind};
pub use kinds::{ERROR, Kinds};
pub use link::SnapshotError;
pub use method::Method;

use crate::route::{Lookup, Trie};

/// What the gateway serves: immutable, one for each revision of the application's contract.
///
/// A request takes one snapshot and finishes on it, whatever is swapped in meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    /// The revision of the application's contract; 0 where none is known yet.
    pub revision: i64,
    pub plans: Arc<Plans>,
    methods: HashMap<Box<str>, Arc<Method>, RandomState>,
    bindings: Vec<Binding>,
    trie: Trie,
    /// Bindings that are not served, and why.
    pub unserved: Vec<UnservedRoute>,
    /// The files that it was compiled from, each an encoded `google.protobuf.FileDescriptorProto` behind those that it imports,
    /// with their comments. Reflection holds the same bytes.
    pub files: Arc<[Bytes]>,
}

impl Snapshot {
    /// Finds the method of a gRPC path. Nothing but the exact path finds it.
    pub fn method(&self, path: &str) -> Option<&Arc<Method>> {
        self.methods.get(path)
    }

    /// Finds the binding of a REST request: the number is its position in [`Snapshot::bindings`].
    pub fn route(&self, path: &str, method: &HttpMethod) -> Lookup {
        self.trie.find(path, method)
    }

    /// One of this snapshot's methods as a call has it. A method of the application's is told by its name in this revision, which
    /// the data service knows also when it serves the next one already.
    pub fn target(&self, method: &Method) -> Target {
        Target {
            method: method.path.clone(),
            contract: method.ruled.then_some(self.revision),
            streams: method.server_streaming,
            repeatable: method.repeatable,
        }
    }

    /// The methods that callers may call who are not signed in; `application` are those of the application's resources.
    pub fn open(&self, application: &[String]) -> Methods {
        let platform = self.methods().filter(|method| !method.ruled && method.access == Some(Access::Anyone));
        let application = application.iter().filter(|path| self.method(path).is_some());
        platform.map(|method| &*method.path).chain(application.map(String::as_str)).map(Box::from).collect()
    }

    /// Every method, in no particular order.
    pub fn methods(&self) -> impl Iterator<Item = &Arc<Method>> {
        self.methods.values()
    }

    /// The upstreams that the contract names and the configuration does not have.
    pub fn missing_upstreams(&self) -> BTreeSet<&str> {
        self.methods().filter(|method| method.backend.is_missing).map(|method| &*method.backend.name).collect()
    }

    /// Whether paths that begin with this are routes' or methods', whichever there are.
    pub fn has_root(&self, root: &str) -> bool {
        let of_method = |path: &str| path[1..].split('/').next() == Some(root);
        self.bindings.iter().any(|binding| binding.template.root() == Some(root))
            || (root.contains('.') && self.methods.keys().any(|path| of_method(path)))
    }

    /// The full names of the services that are served, sorted.
    pub fn services(&self) -> BTreeSet<&str> {
        self.methods.keys().filter_map(|path| path[1..].split('/').next()).collect()
    }

    /// Every binding, in the order in which the contracts declare them.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }
}
