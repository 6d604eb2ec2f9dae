//! Composes the three services in one process, or hands over to one of them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use mainstay_auth as auth;
use mainstay_data as data;
use mainstay_data::Data;
use mainstay_db::{DataDir, RunInfo};
use mainstay_gateway as gateway;
use mainstay_gateway::{Backends, Dependencies, Gateway};
use mainstay_layers::{Guards, stack};
use mainstay_runtime::channel::{Channel, GrpcChannel};
use mainstay_runtime::policies;
use mainstay_runtime::process::{self, Failure, Flags, Issuer, Ports, Process, Role, Settings};
use prost_reflect::DescriptorPool;

use crate::banner::{Acceptance, Banner, Followed, Told};
use crate::cli::ServeRole;
use crate::say::say;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The settings of a process that holds all three services, and of the command line.
pub type AllSettings = Settings<auth::Config, data::Config, gateway::Config>;

/// Serves until a signal.
pub fn run(flags: &Flags, role: Option<ServeRole>, seed: Option<PathBuf>) -> ExitCode {
    match role {
        Some(ServeRole::Auth) => auth::process::run(flags),
        Some(ServeRole::Data) => data::process::run(flags),
        Some(ServeRole::Gateway) => gateway::process::run(flags),
        None => all(flags, seed),
    }
}

fn all(flags: &Flags, seed: Option<PathBuf>) -> ExitCode {
    let (common, auth, data, gateway) = match flags.settings(Role::All) {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let sections = Sections { auth, data, gateway, seed, config: flags.config.clone() };
    process::run(common, VERSION, move |process| serve(process, sections))
}

struct Sections {
    auth: auth::Config,
    data: data::Config,
    gateway: gateway::Config,
    seed: Option<PathBuf>,
    /// The file of the settings, which the command line has to be told as well.
    config: Option<PathBuf>,
}

async fn serve(process: Process, sections: Sections) -> Result<(), Failure> {
    let common = process.common.clone();
    mainstay_db::failpoint::arm(common.failpoint.as_deref().unwrap_or_default())?;
    let ports = process.bind()?;
    let directory = DataDir::lock(&common.role.run_folder(&common.data_dir))?;
    let auth = auth::process::open(&common, &sections.auth).await?;
    let mut environment = data::Environment::new(data::process::options(&common), process.jobs.clone());
    let (folder, data_dir, config) = (common.contracts.clone(), common.data_dir.clone(), sections.config.clone());
    let followed = Followed::default();
    environment.report = Box::new(move |outcome| {
        let accept = Acceptance { folder: folder.as_deref(), data_dir: &data_dir, config: config.as_deref() };
        followed.tell(outcome, &accept);
    });
    let (data, outcome) = Data::start(&sections.data, environment).await?;
    let accept = Acceptance {
        folder: common.contracts.as_deref(),
        data_dir: &common.data_dir,
        config: sections.config.as_deref(),
    };
    let told = Told::of(&outcome, &accept);
    // Before the gateway takes the contract in as well.
    drop(outcome);
    let guards = process.guards(Issuer::here(auth.key_source(), auth.revocations()))?;
    if let Some(file) = &sections.seed {
        sow(&data, file).await?;
    }
    auth::process::watch_store(&process, &auth);
    auth.start_jobs(&process.jobs);
    data::process::watch_store(&process, &data);
    let database = gateway::process::open_database(&sections.gateway, &common.data_dir).await?;
    let backends = backends(&auth, &data, &guards)?;
    let keys = Arc::new(gateway::Keys(Arc::clone(&backends.of_package(auth::PACKAGE).channel)));
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
    let cors = sections.gateway.cors.clone().into();
    let mut config = sections.gateway;
    // Pages and mails call the application by one name, unless told otherwise.
    config.pages.application = config.pages.application.or(sections.auth.application);
    let gateway = Gateway::start(config, dependencies).await?;
    follows(&gateway, &data).await;
    let address = ports.clients.address();
    let secret = process.operator.clone();
    directory.publish(&RunInfo { pid: std::process::id(), address: common.url(address), secret })?;
    let first = first_administrator(&common, &auth, address).await?;
    print(&process, &data, (&told, gateway.describes()), &ports, first);
    process.serve(ports, stack::edge(gateway.endpoint(), guards, cors)).await?;
    data.close().await;
    database.close().await;
    auth.close().await;
    Ok(())
}

/// How long the gateway may take to serve what data serves before clients are let in all the same.
const FOLLOW_WAIT: Duration = Duration::from_secs(5);

/// Waits until the gateway serves the contract that was just applied, and not the one that it stored before.
async fn follows(gateway: &Gateway, data: &Data) {
    let wanted = data.reconciler().served().load().revision;
    let mut revision = gateway.revision();
    let served = revision.wait_for(|revision| *revision >= wanted);
    if tokio::time::timeout(FOLLOW_WAIT, served).await.is_err() {
        tracing::warn!(revision = wanted, "the gateway does not serve the newest contract yet");
    }
}

/// The ways to auth and data in memory, each behind its inner stack.
fn backends(auth: &auth::Auth, data: &Data, guards: &Guards) -> Result<Backends, Failure> {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let allowed = policies::of_packages(&pool, &[auth::PACKAGE], &guards.metrics);
    let auth: Arc<dyn Channel> = Arc::new(GrpcChannel::in_memory(stack::inner(auth.routes(), allowed, guards.clone())));
    Ok(Backends::new(auth, data.channel(&pool, guards.clone())))
}

/// Why a server with a seed does not start.
#[derive(Debug, thiserror::Error)]
#[error("the seed file {} was not taken", file.display())]
struct NotTaken {
    file: PathBuf,
    #[source]
    source: data::seed::SeedError,
}

async fn sow(data: &Data, file: &Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("the seed file {} cannot be read: {error}", file.display()))?;
    let made =
        data::seed::seed(data.resources(), &text).await.map_err(|source| NotTaken { file: file.to_owned(), source })?;
    if made > 0 {
        say!("  seeded {made} records from {}", file.display());
    }
    Ok(())
}

/// The token that makes the first administrator: shown in development, to whoever is on this machine.
async fn first_administrator(
    common: &process::Common,
    auth: &auth::Auth,
    address: std::net::SocketAddr,
) -> Result<Option<String>, Failure> {
    let is_here = common.is_development() && address.ip().is_loopback();
    Ok(if is_here { auth.offer_first_administrator().await? } else { None })
}

fn print(
    process: &Process,
    data: &Data,
    (folder, docs): (&Told, bool),
    ports: &Ports,
    first_administrator: Option<String>,
) {
    let common = &process.common;
    Banner {
        age: process.age(),
        address: ports.clients.address(),
        moved: &ports.moved,
        tls: common.tls.is_some(),
        contracts: common.contracts.as_deref(),
        resources: data.reconciler().served().load().resources().len(),
        folder,
        docs,
        data_dir: &common.data_dir,
        engine: data.db().engine(),
        first_administrator,
    }
    .print();
}
