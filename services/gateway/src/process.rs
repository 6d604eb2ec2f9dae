//! The gateway as a process of its own.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use mainstay_db::{DataDir, Database, RunInfo};
use mainstay_layers::{Guards, stack};
use mainstay_runtime::channel::Channel;
use mainstay_runtime::config::Problem;
use mainstay_runtime::process::{self, Common, Failure, Flags, Issuer, Other, Process, Role, Section};

use crate::backends::{AUTH, Backends, DATA};
use crate::config::Config;
use crate::gateway::{Dependencies, Gateway};
use crate::keys::Keys;

use crate::watch::SERVICE_ACCOUNT;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The SQLite file in the data directory.
pub const SQLITE_FILE: &str = "gateway.sqlite";

/// Runs the process to its end.
pub fn run(flags: &Flags) -> ExitCode {
    let (common, _, _, config) = match flags.settings::<Other, Other, Config>(Role::Gateway) {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    process::run(common, VERSION, move |process| serve(process, config))
}

async fn serve(process: Process, config: Config) -> Result<(), Failure> {
    let common = process.common.clone();
    let ports = process.bind()?;
    let directory = DataDir::lock(&common.role.run_folder(&common.data_dir))?;
    let database = open_database(&config, &common.data_dir).await?;
    // Auth limits tries by the address that they come from, so it has to know.
    let auth: Arc<dyn Channel> = Arc::new(process.remote(AUTH, SERVICE_ACCOUNT, true)?);
    let issuer = Issuer::elsewhere(&common, Arc::clone(&auth), SERVICE_ACCOUNT);
    let keys = Arc::new(Keys(Arc::clone(&auth)));
    let backends = Backends::new(auth, Arc::new(process.remote(DATA, SERVICE_ACCOUNT, false)?));
    let guards = process.guards(issuer)?;
    let guards = Guards { authenticator: guards.authenticator.clone().exchanging(keys), ..guards };
    let dependencies = Dependencies {
        backends,
        database: Some(database.clone()),
        metrics: guards.metrics.clone(),
        health: process.health.clone(),
        readiness: process.readiness.clone(),
        shutdown: process.shutdown.clone(),
        development: common.is_development(),
        jobs: process.jobs.clone(),
    };
    let cors = config.cors.clone().into();
    let gateway = Gateway::start(config, dependencies).await?;
    let publish = |address, secret| Ok(directory.publish(&RunInfo { pid: std::process::id(), address, secret })?);
    process.serve_alone(ports, stack::edge(gateway.endpoint(), guards, cors), publish).await?;
    database.close().await;
    Ok(())
}

/// The gateway's store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{}", crate::gateway::UNUSABLE)]
pub struct Unusable(#[source] pub(crate) mainstay_db::Error);

/// Opens the gateway's own store.
pub async fn open_database(config: &Config, data_dir: &Path) -> Result<Database, Unusable> {
    let store = mainstay_db::Config { database_url: config.database_url.clone(), ..mainstay_db::Config::default() };
    Database::open(&store, &data_dir.join(SQLITE_FILE)).await.map_err(Unusable)
}

impl Section for Config {
    fn check(&self, common: &Common) -> Vec<Problem> {
        let problems = self.problems().into_iter();
        let mut problems: Vec<_> =
            problems.map(|(path, remedy)| Problem::new(format!("gateway.{path}"), remedy)).collect();
        if self.cors.loopback && !common.is_development() {
            let what = "lets pages of every program on a visitor's machine in, and `mode` is production";
            let help = "remove it, and name the origins of your pages in `gateway.cors.origins`";
            problems.push(Problem::new("gateway.cors.loopback", what).help(help));
        }
        problems
    }
}
