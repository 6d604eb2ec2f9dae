//! The services behind the gateway: a table of which packages are whose, and the way to each.

use std::fmt;
use std::sync::Arc;

use mainstay_runtime::channel::Channel;

/// The platform's own services, as messages to operators name them.
pub const AUTH: &str = "auth";
pub const DATA: &str = "data";

/// A service that answers.
pub struct Backend {
    /// Its name in messages to operators.
    pub name: &'static str,
    /// The packages that it serves, each with everything below it.
    packages: &'static [&'static str],
    /// The way to it.
    pub channel: Arc<dyn Channel>,
}

/// The services that answer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Backends {
    named: Arc<[Arc<Backend>]>,
    /// Which one has whatever package no other one has.
    rest: Arc<Backend>,
}

impl Backends {
    /// The platform's own: auth serves its own packages, data everything else, the application's among it.
    pub fn new(auth: Arc<dyn Channel>, data: Arc<dyn Channel>) -> Backends {
        let auth = Arc::new(Backend { name: AUTH, packages: &["mainstay.auth"], channel: auth });
        let data = Arc::new(Backend { name: DATA, packages: &[], channel: data });
        Backends { named: Arc::new([auth, data.clone()]), rest: data }
    }

    /// Finds whoever serves a package.
    pub fn of_package(&self, package: &str) -> &Arc<Backend> {
        self.named.iter().find(|backend| backend.has(package)).unwrap_or(&self.rest)
    }

    /// The service that streams the application's contract.
    pub fn data(&self) -> &Arc<Backend> {
        &self.rest
    }

    /// Every service.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Backend>> {
        self.named.iter()
    }
}

impl Backend {
    /// Whether it remembers what clients say of themselves.
    pub fn wants_agent(&self) -> bool {
        self.name == AUTH
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
