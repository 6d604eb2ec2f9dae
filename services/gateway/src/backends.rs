//! The services behind the gateway: a table of which packages are whose, and the way to each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use mainstay_fault::{Fault, Reason};
use mainstay_runtime::channel::{Call, Channel, Reply};

/// The platform's own services, as messages to operators name them.
pub const AUTH: &str = "auth";
pub const DATA: &str = "data";

/// A service that answers.
pub struct Backend {
    /// Its name in messages to operators.
    pub name: Arc<str>,
    /// The packages that it serves, each with everything below it.
    packages: &'static [&'static str],
    /// The way to it.
    pub channel: Arc<dyn Channel>,
    /// Whether it is one of the application's own.
    pub is_upstream: bool,
    /// Whether it is only named: there is no way to it.
    pub is_missing: bool,
}

/// The services that answer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Backends {
    named: Arc<[Arc<Backend>]>,
    /// The application's own services, by the names of their upstreams.
    upstreams: Arc<BTreeMap<Box<str>, Arc<Backend>>>,
    /// Which one has whatever package no other one has.
    rest: Arc<Backend>,
}

impl Backends {
    /// The platform's own: auth serves its own packages, data everything else, the application's among it.
    pub fn new(auth: Arc<dyn Channel>, data: Arc<dyn Channel>) -> Backends {
        let own = |name: &str, packages, channel| Backend {
            name: name.into(),
            packages,
            channel,
            is_upstream: false,
            is_missing: false,
        };
        let auth = Arc::new(own(AUTH, &["mainstay.auth"], auth));
        let data = Arc::new(own(DATA, &[], data));
        Backends { named: Arc::new([auth, data.clone()]), upstreams: Arc::default(), rest: data }
    }

    /// The same, and the application's own services.
    pub fn with_upstreams(self, upstreams: Vec<(&str, Arc<dyn Channel>)>) -> Backends {
        let named = upstreams.into_iter().map(|(name, channel)| {
            let backend = Backend { name: name.into(), packages: &[], channel, is_upstream: true, is_missing: false };
            (name.into(), Arc::new(backend))
        });
        Backends { upstreams: Arc::new(named.collect()), ..self }
    }

    /// The same, with another way to what auth answers.
    pub fn by_way_of(&self, way: impl FnOnce(Arc<dyn Channel>) -> Arc<dyn Channel>) -> Backends {
        let Backend { name, packages, channel, is_upstream, is_missing } = &**self.auth();
        let auth = Backend {
            name: name.clone(),
            packages,
            channel: way(channel.clone()),
            is_upstream: *is_upstream,
            is_missing: *is_missing,
        };
        Backends { named: Arc::new([Arc::new(auth), self.rest.clone()]), ..self.clone() }
    }

    /// Finds an upstream; one that is not configured is there to say so.
    pub fn upstream(&self, name: &str) -> Arc<Backend> {
        self.upstreams.get(name).cloned().unwrap_or_else(|| {
            let name: Arc<str> = name.into();
            let channel = Arc::new(Missing(name.clone()));
            Arc::new(Backend { name, packages: &[], channel, is_upstream: true, is_missing: true })
        })
    }

    /// The service that knows who is who.
    pub fn auth(&self) -> &Arc<Backend> {
        &self.named[0]
    }

    /// Finds whoever serves a package.
    pub fn of_package(&self, package: &str) -> &Arc<Backend> {
        self.named.iter().find(|backend| backend.has(package)).unwrap_or(&self.rest)
    }

    /// The service that streams the application's contract.
    pub fn data(&self) -> &Arc<Backend> {
        &self.rest
    }

    /// Every service of the platform.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Backend>> {
        self.named.iter()
    }
}

impl Backend {
    /// Whether it remembers what clients say of themselves.
    pub fn wants_agent(&self) -> bool {
        !self.is_upstream && *self.name == *AUTH
    }

    fn has(&self, package: &str) -> bool {
        let is_below =
            |root: &&str| package.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.packages.iter().any(is_below)
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The way to an upstream that the contract names and the configuration does not have.
struct Missing(Arc<str>);

impl Channel for Missing {
    fn call(&self, _: Call) -> BoxFuture<'static, Result<Reply, Fault>> {
        let message = format!("the upstream `{}` is not configured here (gateway.upstreams.{})", self.0, self.0);
        Box::pin(async { Err(Fault::new(Reason::Unavailable).message(message)) })
    }
}
