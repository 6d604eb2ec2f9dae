//! The data service as a process of its own.

use std::process::ExitCode;
use std::sync::Arc;

use mainstay_db::{DataDir, RunInfo};
use mainstay_runtime::config::Problem;
use mainstay_runtime::process::{
    self, Common, Failure, Flags, Issuer, Other, Platform, Probed, Process, Role, Section,
};
use mainstay_runtime::{Files, Job, Methods, Reflection, Work};
use tokio::sync::watch;

use crate::config::{Config, Options};
use crate::data::{Data, Environment};
use crate::reconciler::Reconciler;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the process to its end.
pub fn run(flags: &Flags) -> ExitCode {
    let (common, _, config, _) = match flags.settings::<Other, Config, Other>(Role::Data) {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    process::run(common, VERSION, move |process| serve(process, config))
}

async fn serve(process: Process, config: Config) -> Result<(), Failure> {
    let common = process.common.clone();
    mainstay_db::failpoint::arm(common.failpoint.as_deref().unwrap_or_default())?;
    let ports = process.bind()?;
    let directory = DataDir::lock(&common.role.run_folder(&common.data_dir))?;
    let environment = Environment::new(options(&common), process.jobs.clone());
    let (data, outcome) = Data::start(&config, environment).await?;
    tracing::info!(contract = %outcome, revision = data.reconciler().served().load().revision, "the contract is loaded");
    watch_store(&process, &data);
    let platform = Platform::new(&process)?;
    process.jobs.start(Job::continuous("reflection").quiet(), Shown::new(&platform, data.reconciler())?);
    let guards =
        process.guards(Issuer::elsewhere(&common, Arc::new(process.remote("auth", "data", false)?), "data"))?;
    let service = data.listener(&platform.pool, |routes| platform.beside(routes), guards);
    let service = Probed::new(process.readiness.clone(), service);
    let publish = |address, secret| Ok(directory.publish(&RunInfo { pid: std::process::id(), address, secret })?);
    process.serve_alone(ports, service, publish).await?;
    data.close().await;
    Ok(())
}

/// The contract that is served, shown beside the platform's own services, again after each change.
struct Shown {
    reflection: Reflection,
    platform: Files,
    /// The platform's methods that are shown to everybody; nothing where all are.
    open: Option<Methods>,
    reconciler: Arc<Reconciler>,
    revisions: watch::Receiver<i64>,
}

impl Shown {
    fn new(platform: &Platform, reconciler: &Arc<Reconciler>) -> Result<Shown, Failure> {
        let mut revisions = reconciler.served().subscribe();
        revisions.mark_changed();
        let (reflection, reconciler) = (platform.reflection.clone(), Arc::clone(reconciler));
        Ok(Shown { reflection, platform: Platform::files()?, open: platform.open.clone(), reconciler, revisions })
    }
}

impl Work for Shown {
    async fn due(&mut self) {
        // The sender is the reconciler's, which is held here.
        let _ = self.revisions.changed().await;
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let snapshot = self.reconciler.served().load();
        let mut files = self.platform.clone();
        files.add(snapshot.contract.descriptor_set.clone()).inspect_err(|error| {
            tracing::error!(%error, revision = snapshot.revision, "reflection cannot show the contract");
        })?;
        let open = self.open.clone().map(|mut open| {
            open.extend(snapshot.open_methods().map(Box::from));
            open
        });
        self.reflection.swap(files, open);
        Ok(())
    }
}

/// What the process tells the service.
pub fn options(common: &Common) -> Options {
    Options {
        data_dir: common.data_dir.clone(),
        accept_empty: common.accept_empty,
        contracts: common.contracts.clone(),
        development: common.is_development(),
    }
}

/// Keeps a readiness check true to the store.
pub fn watch_store(process: &Process, data: &Data) {
    let db = data.db().clone();
    process.watch("data database", move || {
        let db = db.clone();
        async move { db.ping().await }
    });
}

impl Section for Config {
    fn check(&self, common: &Common) -> Vec<Problem> {
        let store = [
            ("pool_size", self.store.pool_size),
            ("heavy_readers", self.store.heavy_readers),
            ("heavy_queue", self.store.heavy_queue),
            ("write_queue", self.store.write_queue),
        ];
        let empty = store.into_iter().filter(|(_, number)| *number == 0);
        let mut problems: Vec<Problem> =
            empty.map(|(name, _)| Problem::new(format!("data.store.{name}"), "must be at least 1")).collect();
        if self.store.database_url.is_some() {
            let problem = Problem::new("data.store.database_url", "is not where the address of the database belongs");
            problems.push(problem.help("set data.database_url"));
        }
        problems.extend(common.check_key("data.key_encryption_key", self.key_encryption_key.as_ref()));
        problems
    }
}
