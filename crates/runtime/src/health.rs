//! `grpc.health.v1`: whether services answer, under names that may come and go.

use crate::Shutdown;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};
use mainstay_fault::{Fault, Reason, reply};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthRpc, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// The name under which a server as a whole is asked for.
pub const WHOLE_SERVER: &str = "";

/// The name of the health service itself.
pub const SERVICE: &str = "grpc.health.v1.Health";

type Statuses = Arc<BTreeMap<String, bool>>;

/// Which services answer. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Health {
    statuses: Arc<watch::Sender<Statuses>>,
    shutdown: Shutdown,
}

impl Health {
    /// Knows only the server as a whole, which does not answer yet. Watches end when the shutdown begins.
    pub fn new(shutdown: Shutdown) -> Health {
        let statuses = Statuses::new(BTreeMap::from([(WHOLE_SERVER.to_owned(), false)]));
        Health { statuses: Arc::new(watch::Sender::new(statuses)), shutdown }
    }

    /// Says whether a service answers; makes its name known where it was not.
    pub fn set(&self, service: &str, serving: bool) {
        self.change(|statuses| statuses.insert(service.to_owned(), serving) != Some(serving));
    }

    /// Forgets a name; who watches it learns that it is unknown now.
    pub fn remove(&self, service: &str) {
        self.change(|statuses| service != WHOLE_SERVER && statuses.remove(service).is_some());
    }

    /// Replaces all names but that of the whole server, in one step: these answer, others are unknown.
    pub fn replace<'a>(&self, services: impl IntoIterator<Item = &'a str>) {
        let mut services: BTreeMap<String, bool> = services.into_iter().map(|name| (name.to_owned(), true)).collect();
        self.change(|statuses| {
            services.insert(WHOLE_SERVER.to_owned(), statuses.get(WHOLE_SERVER).copied().unwrap_or(false));
            let changed = *statuses != services;
            *statuses = std::mem::take(&mut services);
            changed
        });
    }

    /// Returns the service for tonic's routes.
    pub fn service(&self) -> HealthServer<Rpc> {
        HealthServer::new(Rpc(self.clone()))
    }

    /// How a service stands. The server as a whole does not answer any more once its end is announced.
    fn status(&self, statuses: &Statuses, service: &str) -> Option<ServingStatus> {
        let is_over = service == WHOLE_SERVER && self.shutdown.is_announced();
        let serving = |serving: &bool| match *serving && !is_over {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        statuses.get(service).map(serving)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, bool>) -> bool) {
        self.statuses.send_if_modified(|statuses| change(Arc::make_mut(statuses)));
    }

    fn watch(&self, service: String) -> impl Stream<Item = ServingStatus> + use<> {
        let (mut last, health) = (None, self.clone());
        let statuses = WatchStream::new(self.statuses.subscribe());
        // Whoever watches the whole server learns of its end when it is announced.
        let announced = self.shutdown.clone();
        let announced = stream::once(async move { announced.announced().await }).map({
            let statuses = self.statuses.clone();
            move |()| statuses.borrow().clone()
        });
        let changes = stream::select(statuses, announced).filter_map(move |statuses| {
            let status = health.status(&statuses, &service).unwrap_or(ServingStatus::ServiceUnknown);
            let changed = last.replace(status) != Some(status);
            std::future::ready(changed.then_some(status))
        });
        self.shutdown.end_stream(changes)
    }
}

/// The gRPC face of [`Health`].
#[derive(Debug)]
pub struct Rpc(Health);

#[tonic::async_trait]
impl HealthRpc for Rpc {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        let statuses = self.0.statuses.borrow().clone();
        let known = self.0.status(&statuses, &service).ok_or_else(|| {
            Fault::new(Reason::ResourceNotFound).message(format!("the service {service:?} is not known here"))
        });
        reply(known.map(|status| HealthCheckResponse { status: status.into() }))
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let changes = self.0.watch(request.into_inner().service);
        let answers = changes.map(|status| Ok(HealthCheckResponse { status: status.into() }));
        reply(Ok::<Self::WatchStream, Fault>(answers.boxed()))
    }
}
