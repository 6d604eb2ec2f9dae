//! The data service as a value: started from a configuration, served wherever it is put.

use std::sync::Arc;

use mainstay_db::Database;
use mainstay_identity::{Clock, SystemClock};
use mainstay_layers::{Cors, Guards, RoutesEndpoint, Stack, stack};
use mainstay_proto::data::v1::contract_service_server::ContractServiceServer;
use mainstay_proto::data::v1::subject_service_server::SubjectServiceServer;
use mainstay_runtime::Jobs;
use mainstay_runtime::channel::{Channel, GrpcChannel};
use mainstay_runtime::policies;
use prost_reflect::DescriptorPool;
use tonic::service::Routes;

use crate::config::{Config, Options};
use crate::contract_service::{Contracts, PACKAGE};
use crate::domain::context::Context;
use crate::domain::turns::Turns;
use crate::endpoint::DataEndpoint;
use crate::jobs;
use crate::reconciler::{Reconciler, Report};
use crate::served::Served;
use crate::service::{DataChannel, Resources};
use crate::start::{self, FolderOutcome, Loaded, StartError};
use crate::subject_service::Subjects;

/// The largest contract that is taken over the wire, in bytes: eight times what a folder may hold, for the services that are
/// derived from it and what surrounds the text.
const MAX_CONTRACT_BYTES: usize = 128 << 20;

/// The largest row that is exported, in bytes: a record as JSON takes more than as a message.
const MAX_SUBJECT_BYTES: usize = 64 << 20;

/// What the process lends to the service.
pub struct Environment {
    pub options: Options,
    /// Where the service does what nobody asks for. Streams end with it.
    pub jobs: Jobs,
    /// Hears what became of the contract folder when it changes.
    pub report: Report,
    pub clock: Arc<dyn Clock>,
}

impl Environment {
    /// The usual environment: the system's clock, and nobody who wants to hear of changes.
    pub fn new(options: Options, jobs: Jobs) -> Environment {
        Environment { options, jobs, report: Box::new(|_| ()), clock: Arc::new(SystemClock) }
    }
}

/// The running service. Cheap to clone.
#[derive(Clone)]
pub struct Data {
    resources: Arc<Resources>,
    reconciler: Arc<Reconciler>,
    /// They end with the last of those who hold them.
    jobs: Jobs,
}

impl Data {
    /// Opens the store, loads the contract and starts to follow it. Also says what became of the contract folder.
    pub async fn start(config: &Config, environment: Environment) -> Result<(Data, FolderOutcome), StartError> {
        let Environment { options, jobs, report, clock } = environment;
        let db = start::open(config, &options).await?;
        let answers = start::answers(&db).await?;
        let page_key = Arc::new(start::page_key(&db, config, &options, clock.now_micros()).await?);
        let Loaded { snapshot, outcome, unfinished } = start::load(&db, &options, clock.now_micros()).await?;
        let served = Arc::new(Served::new(snapshot));
        let turns = Turns::for_store(&db);
        let context = Context { db: db.clone(), page_key, answers, explains: options.development, turns };
        let resources = Arc::new(Resources {
            context,
            served: Arc::clone(&served),
            clock: Arc::clone(&clock),
            recalling: tokio::sync::Mutex::default(),
        });
        let reconciler = Arc::new(Reconciler::new(db, served, clock, options.clone(), report));
        if let Some(contract) = unfinished {
            reconciler.finish_later(contract);
        }
        let folder = options.contracts.as_deref().filter(|_| options.development);
        jobs::start(&jobs, &reconciler, &resources, start::poll_interval(config), folder);
        Ok((Data { resources, reconciler, jobs }, outcome))
    }

    /// The way in for a gateway in the same process.
    pub fn channel(&self, platform: &DescriptorPool, guards: Guards) -> Arc<dyn Channel> {
        let policies = policies::of_packages(platform, &[PACKAGE], &guards.metrics);
        let stack = stack::inner(self.routes(), policies, guards);
        let platform: Arc<dyn Channel> = Arc::new(GrpcChannel::in_memory(stack));
        Arc::new(DataChannel { resources: Arc::clone(&self.resources), platform })
    }

    /// The service for a listener of its own. `extra` adds what every port serves: health, reflection.
    pub fn listener(
        &self,
        platform: &DescriptorPool,
        extra: impl FnOnce(Routes) -> Routes,
        guards: Guards,
    ) -> Stack<DataEndpoint> {
        let policies = policies::of_packages(platform, &[PACKAGE], &guards.metrics);
        let platform = RoutesEndpoint::new(extra(self.routes()), policies);
        let metrics = guards.metrics.clone();
        let endpoint = DataEndpoint { resources: Arc::clone(&self.resources), platform, metrics };
        stack::edge(endpoint, guards, Cors::none())
    }

    /// Calls the resources' methods directly: for the process itself, as the system.
    pub fn resources(&self) -> &Arc<Resources> {
        &self.resources
    }

    /// What is served, and who changes it.
    pub fn reconciler(&self) -> &Arc<Reconciler> {
        &self.reconciler
    }

    /// The store, for readiness and metrics.
    pub fn db(&self) -> &Database {
        self.reconciler.db()
    }

    /// Stores what only memory holds, and closes the store. Calls have ended.
    pub async fn close(&self) {
        if let Err(error) = self.resources.context.answers.settle(self.db()).await {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::warn!(error, "where remembered answers are could not be stored: the next start looks for them");
        }
        self.db().close().await;
    }

    fn routes(&self) -> Routes {
        let contracts = Contracts { reconciler: Arc::clone(&self.reconciler), stop: self.jobs.stop().clone() };
        let server = ContractServiceServer::new(contracts)
            .max_decoding_message_size(MAX_CONTRACT_BYTES)
            .max_encoding_message_size(MAX_CONTRACT_BYTES);
        let subjects = Subjects { resources: Arc::clone(&self.resources), stop: self.jobs.stop().clone() };
        let subjects = SubjectServiceServer::new(subjects).max_encoding_message_size(MAX_SUBJECT_BYTES);
        Routes::new(server).add_service(subjects)
    }
}
