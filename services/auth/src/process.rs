//! The auth service as a process of its own.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use mainstay_db::{DataDir, RunInfo};
use mainstay_layers::stack;
use mainstay_runtime::process::{
    self, Common, Failure, Flags, Other, Probed, Process, Role, Settings, operator_secret, service_keys,
};
use mainstay_runtime::{Check, Reflection, Shutdown, policies};
use prost_reflect::DescriptorPool;

use crate::auth::{Auth, Environment, PACKAGE, start};
use crate::config::Config;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How often the store is asked whether it answers.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// Runs the process to its end.
pub fn run(flags: &Flags) -> ExitCode {
    let settings: Settings<Config, Other, Other> = match flags.load() {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let (common, config, _, _) = settings.split(Role::Auth);
    process::run(common, Some(Arc::new(mainstay_db::park)), VERSION, move |process| serve(process, config))
}

async fn serve(process: Process, config: Config) -> Result<(), Failure> {
    let common = process.common.clone();
    mainstay_db::failpoint::arm(common.failpoint.as_deref().unwrap_or_default())?;
    let ports = process.bind()?;
    let directory = DataDir::lock(&common.role.run_folder(&common.data_dir))?;
    let auth = open(&common, &config).await?;
    let operator = operator_secret()?;
    let guards = process.guards(auth.key_source(), service_keys(&common, &operator)?);
    tokio::spawn(ping(auth.clone(), process.readiness.check("auth database"), process.shutdown.clone()));
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let reflection = Reflection::new(&pool, process.shutdown.clone())?;
    let routes = auth
        .routes()
        .add_service(process.health.service())
        .add_service(reflection.v1())
        .add_service(reflection.v1alpha());
    let service = stack::listener(routes, policies::of_packages(&pool, &[PACKAGE], &guards.metrics), guards);
    let service = Probed::new(process.readiness.clone(), service);
    let address = common.url(ports.clients.address());
    directory.publish(&RunInfo { pid: std::process::id(), address: address.clone(), secret: operator })?;
    tracing::info!(%address, "the auth service is ready");
    process.serve(ports, service).await?;
    auth.close().await;
    Ok(())
}

/// Opens the store and the keys, and starts the service.
pub async fn open(common: &Common, config: &Config) -> Result<Auth, Failure> {
    let database = config.open_database(&common.data_dir).await?;
    let key = config.key_encryption_key(&common.data_dir, !common.is_development())?;
    Ok(start(config, Environment::new(database, key, common.verifier_config())).await?)
}

/// Keeps a readiness check true to the store.
pub async fn ping(auth: Auth, check: Check, shutdown: Shutdown) {
    loop {
        match auth.ping().await {
            Ok(()) => check.ready(),
            Err(error) => check.not_ready(&error.to_string()),
        }
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(PING_INTERVAL) => {}
        }
    }
}
