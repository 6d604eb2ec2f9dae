//! What answers on the gateway's port, and what it is made of.

use std::sync::Arc;

use arc_swap::ArcSwap;
use mainstay_layers::Again;
use mainstay_runtime::Readiness;
use mainstay_telemetry::Route;
use tonic::service::Routes;

use super::known::Known;
use crate::backends::Backends;
use crate::config::Config;
use crate::docs::Docs;
use crate::pages::Pages;
use crate::site::Site;
use crate::snapshot::Snapshot;
use crate::socket::Sockets;

/// Answers everything that comes in on the gateway's port. All clones are one.
#[derive(Clone)]
pub struct Edge {
    pub(crate) config: Config,
    pub(crate) live: Arc<ArcSwap<Snapshot>>,
    pub(crate) known: Known,
    pub(crate) readiness: Readiness,
    /// Health and reflection.
    pub(crate) own: Routes,
    /// Where requests are counted that no service answers.
    pub(crate) route: Arc<Route>,
    /// The services behind, as pages and other applications ask them: what they ask counts as a call of its method.
    pub(crate) backends: Backends,
    /// The way back through the layers, for calls that come in messages.
    pub(crate) again: Option<Again>,
    /// What WebSockets are counted by; nothing where none is opened.
    pub(crate) sockets: Option<Sockets>,
    /// What is told of the gateway, and where requests for it are counted; nothing where none is.
    pub(crate) docs: Option<(Docs, Arc<Route>)>,
    /// Where requests of other applications are counted.
    pub(crate) oauth: Arc<Route>,
    /// The pages for people, and where requests for them are counted; nothing where there are none.
    pub(crate) pages: Option<(Arc<Pages>, Arc<Route>)>,
    /// The site, and where requests for its files are counted; nothing where there is none.
    pub(crate) site: Option<(Arc<Site>, Arc<Route>)>,
}
