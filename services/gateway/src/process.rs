//! The gateway as a process of its own.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use mainstay_db::{DataDir, Database, RunInfo};
use mainstay_layers::stack;
use mainstay_runtime::channel::{Channel, GrpcChannel, RemoteConfig};
use mainstay_runtime::process::{
    self, Common, Failure, Flags, Other, Process, RemoteKeys, Role, Settings, credential, operator_secret, service_keys,
};

use crate::config::Config;
use crate::gateway::{Dependencies, Gateway};
use crate::serve::Backends;
use crate::watch::SERVICE_ACCOUNT;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The SQLite file in the data directory.
pub const SQLITE_FILE: &str = "gateway.sqlite";

/// Runs the process to its end.
pub fn run(flags: &Flags) -> ExitCode {
    let settings: Settings<Other, Other, Config> = match flags.load() {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let (common, _, _, config) = settings.split(Role::Gateway);
    process::run(common, Some(Arc::new(mainstay_db::park)), VERSION, move |process| serve(process, config))
}

async fn serve(process: Process, config: Config) -> Result<(), Failure> {
    let common = process.common.clone();
    let ports = process.bind()?;
    let directory = DataDir::lock(&common.role.run_folder(&common.data_dir))?;
    let database = open_database(&config, &common.data_dir).await?;
    let backends = Backends {
        auth: remote(&common, common.services.auth.as_ref(), "auth")?,
        data: remote(&common, common.services.data.as_ref(), "data")?,
    };
    let operator = operator_secret()?;
    let keys = Arc::new(RemoteKeys::new(Arc::clone(&backends.auth), SERVICE_ACCOUNT));
    let guards = process.guards(keys, service_keys(&common, &operator)?);
    let dependencies = Dependencies {
        backends,
        database: Some(database.clone()),
        metrics: guards.metrics.clone(),
        health: process.health.clone(),
        readiness: process.readiness.clone(),
        shutdown: process.shutdown.clone(),
    };
    let gateway = Gateway::start(config, dependencies).await?;
    let address = common.url(ports.clients.address());
    directory.publish(&RunInfo { pid: std::process::id(), address: address.clone(), secret: operator })?;
    tracing::info!(%address, "the gateway is ready");
    process.serve(ports, stack::edge(gateway.endpoint(), guards)).await?;
    gateway.stop().await;
    database.close().await;
    Ok(())
}

/// The gateway's store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the database of the gateway cannot be used")]
pub struct Unusable(#[source] mainstay_db::Error);

/// Opens the gateway's own store.
pub async fn open_database(config: &Config, data_dir: &Path) -> Result<Database, Unusable> {
    let store = mainstay_db::Config { database_url: config.database_url.clone(), ..mainstay_db::Config::default() };
    Database::open(&store, &data_dir.join(SQLITE_FILE)).await.map_err(Unusable)
}

fn remote(common: &Common, config: Option<&RemoteConfig>, name: &str) -> Result<Arc<dyn Channel>, Failure> {
    let config = config.ok_or_else(|| {
        format!(
            "services.{name}.url is not set: the gateway must know where the {name} service is; \
             set MAINSTAY__SERVICES__{}__URL=http://host:port",
            name.to_ascii_uppercase()
        )
    })?;
    Ok(Arc::new(GrpcChannel::connect(config, credential(common, SERVICE_ACCOUNT)?.as_ref())?))
}
