//! The data service as a process of its own.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use mainstay_db::{DataDir, Database, RunInfo};
use mainstay_runtime::channel::{Channel, GrpcChannel};
use mainstay_runtime::process::{
    self, Common, Failure, Flags, Other, Probed, Process, RemoteKeys, Role, Settings, credential, operator_secret,
    service_keys,
};
use mainstay_runtime::{Check, Reflection, Shutdown};
use prost_reflect::DescriptorPool;

use crate::config::{Config, Options};
use crate::data::{Data, Environment};
use crate::reconciler::Reconciler;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How often the store is asked whether it answers.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// Runs the process to its end.
pub fn run(flags: &Flags) -> ExitCode {
    let settings: Settings<Other, Config, Other> = match flags.load() {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let (common, _, config, _) = settings.split(Role::Data);
    process::run(common, Some(Arc::new(mainstay_db::park)), VERSION, move |process| serve(process, config))
}

async fn serve(process: Process, config: Config) -> Result<(), Failure> {
    let common = process.common.clone();
    mainstay_db::failpoint::arm(common.failpoint.as_deref().unwrap_or_default())?;
    let ports = process.bind()?;
    let directory = DataDir::lock(&common.role.run_folder(&common.data_dir))?;
    let environment = Environment::new(options(&common), process.shutdown.token());
    let (data, outcome) = Data::start(&config, environment).await?;
    tracing::info!(contract = %outcome, revision = data.reconciler().served().load().revision, "the contract is loaded");
    let operator = operator_secret()?;
    let guards = process.guards(Arc::new(RemoteKeys::new(auth(&common)?, "data")), service_keys(&common, &operator)?);
    tokio::spawn(ping(data.db().clone(), process.readiness.check("data database"), process.shutdown.clone()));
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let reflection = Reflection::new(&pool, process.shutdown.clone())?;
    tokio::spawn(follow(reflection.clone(), pool.clone(), Arc::clone(data.reconciler()), process.shutdown.clone()));
    let (health, v1, v1alpha) = (process.health.service(), reflection.v1(), reflection.v1alpha());
    let more = move |routes: tonic::service::Routes| routes.add_service(health).add_service(v1).add_service(v1alpha);
    let service = Probed::new(process.readiness.clone(), data.listener(&pool, more, guards));
    let address = common.url(ports.clients.address());
    directory.publish(&RunInfo { pid: std::process::id(), address: address.clone(), secret: operator })?;
    tracing::info!(%address, "the data service is ready");
    process.serve(ports, service).await?;
    data.db().close().await;
    Ok(())
}

/// Shows the contract that is served beside the platform's own services, again after each change.
async fn follow(reflection: Reflection, platform: DescriptorPool, reconciler: Arc<Reconciler>, shutdown: Shutdown) {
    let mut revisions = reconciler.served().subscribe();
    loop {
        let snapshot = reconciler.served().load();
        let mut pool = platform.clone();
        let shown = pool.decode_file_descriptor_set(snapshot.contract.descriptor_set.as_slice());
        if let Err(error) = shown.and_then(|()| reflection.swap(&pool)) {
            tracing::error!(%error, revision = snapshot.revision, "reflection cannot show the contract");
        }
        tokio::select! {
            changed = revisions.changed() => if changed.is_err() { return },
            () = shutdown.begun() => return,
        }
    }
}

/// What the process tells the service.
pub fn options(common: &Common) -> Options {
    Options {
        data_dir: common.data_dir.clone(),
        contracts: common.contracts.clone(),
        development: common.is_development(),
    }
}

fn auth(common: &Common) -> Result<Arc<dyn Channel>, Failure> {
    let remote = common.services.auth.as_ref().ok_or(
        "services.auth.url is not set: the data service fetches the keys of access tokens there; \
         set MAINSTAY__SERVICES__AUTH__URL=http://127.0.0.1:8081",
    )?;
    Ok(Arc::new(GrpcChannel::connect(remote, credential(common, "data")?.as_ref())?))
}

/// Keeps a readiness check true to the store.
pub async fn ping(db: Database, check: Check, shutdown: Shutdown) {
    loop {
        match db.ping().await {
            Ok(()) => check.ready(),
            Err(error) => check.not_ready(&error.to_string()),
        }
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(PING_INTERVAL) => {}
        }
    }
}
