//! The auth service as a process of its own.

use std::process::ExitCode;

use argon2::Params;
use mainstay_db::{DataDir, RunInfo};
use mainstay_layers::stack;
use mainstay_runtime::config::Problem;
use mainstay_runtime::process::{
    self, Common, Failure, Flags, Issuer, Other, Platform, Probed, Process, Role, Section,
};

use crate::auth::{Auth, Environment, PACKAGE, start};
use crate::config::Config;
use crate::mail::Circumstances;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the process to its end.
pub fn run(flags: &Flags) -> ExitCode {
    let (common, config, _, _) = match flags.settings::<Config, Other, Other>(Role::Auth) {
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
    let auth = open(&common, &config).await?;
    watch_store(&process, &auth);
    auth.start_jobs(&process.jobs);
    let platform = Platform::new(&process)?;
    let guards = process.guards(Issuer::here(auth.key_source(), auth.revocations()))?;
    let policies = platform.policies(&[PACKAGE], &guards.metrics);
    let service = stack::listener(platform.beside(auth.routes()), policies, guards);
    let service = Probed::new(process.readiness.clone(), service);
    let publish = |address, secret| Ok(directory.publish(&RunInfo { pid: std::process::id(), address, secret })?);
    process.serve_alone(ports, service, publish).await?;
    auth.close().await;
    Ok(())
}

/// Opens the store and the keys, and starts the service.
pub async fn open(common: &Common, config: &Config) -> Result<Auth, Failure> {
    // Before anything is made that would tell of a former start.
    let former = Config::former(&common.data_dir, common.accept_empty);
    let database = config.open_database(&common.data_dir, &former).await?;
    let key = config.key_encryption_key(&common.data_dir, !common.is_development())?;
    let environment = Environment {
        former: Some(former),
        public_url: common.public_url.clone(),
        development: common.is_development(),
        max_revocation_age: common.max_revocation_age(),
        ..Environment::new(database, key, common.verifier_config())
    };
    Ok(start(config, environment).await?)
}

/// Keeps a readiness check true to the store.
pub fn watch_store(process: &Process, auth: &Auth) {
    let auth = auth.clone();
    process.watch("auth database", move || {
        let auth = auth.clone();
        async move { auth.ping().await }
    });
}

impl Section for Config {
    fn check(&self, common: &Common) -> Vec<Problem> {
        let values = self.all_problems().into_iter();
        let mut problems: Vec<Problem> =
            values.map(|(path, remedy)| Problem::new(format!("auth.{path}"), remedy)).collect();
        let cost = &self.password_hashing;
        if let Err(error) = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None) {
            let message = format!("these parameters are not possible for argon2id: {error}");
            problems.push(Problem::new("auth.password_hashing", message));
        }
        if self.database_pool_size == Some(0) {
            problems.push(Problem::new("auth.database_pool_size", "must be at least 1"));
        }
        let circumstances =
            Circumstances { development: common.is_development(), public_url: common.public_url.clone() };
        let missing = self.missing(&circumstances).into_iter();
        problems.extend(missing.map(|(path, remedy)| Problem::new(path, remedy)));
        problems.extend(common.check_key("auth.key_encryption_key", self.key_encryption_key.as_ref()));
        problems
    }
}
