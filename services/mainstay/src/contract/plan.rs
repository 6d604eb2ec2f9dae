//! `mainstay contract plan` and `apply`: through the running server, else on the store itself.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use mainstay_auth as auth;
use mainstay_contract::Contract;
use mainstay_data::apply::{self, ApplyError, Consent};
use mainstay_data::{self as data, start};
use mainstay_db::RunInfo;
use mainstay_fault::Reason;
use mainstay_gateway as gateway;
use mainstay_identity::{Clock as _, SystemClock};
use mainstay_proto::data::v1 as pb;
use mainstay_runtime::process::{self, Common, Failure, Role};

use super::accept;
use crate::cli::Reach;
use crate::local::{CallError, Server, Target, target};
use crate::say::say;

/// What the exit code of a plan says to a script: something waits for a yes, or is refused.
pub const WAITS: u8 = 2;

/// Which system, and how it is reached.
pub struct System {
    pub common: Common,
    pub reach: Reach,
    pub data: data::Config,
}

/// What an apply is given on the command line.
pub struct Wish {
    pub plan_hash: Option<String>,
    pub accept: Vec<String>,
    pub purge: bool,
    pub json: bool,
}

/// Reads and compiles the contract in a folder.
pub fn load(folder: &Path) -> Result<Contract, Failure> {
    start::read(folder).map_err(|diagnostics| diagnostics.to_string().into())
}

/// Runs the command to its end.
pub fn plan(system: System, folder: PathBuf, purge: bool, json: bool) -> ExitCode {
    on_system(system, move |system| async move {
        let plan = planned(&system, load(&folder)?, purge).await?;
        print_plan(&plan, json);
        let waits = plan.steps.iter().any(|step| step.safety() != pb::plan_step::Safety::Safe);
        Ok(if waits { ExitCode::from(WAITS) } else { ExitCode::SUCCESS })
    })
}

/// Runs the command to its end.
pub fn apply(system: System, folder: PathBuf, wish: Wish) -> ExitCode {
    on_system(system, move |system| async move {
        mainstay_db::failpoint::arm(system.common.failpoint.as_deref().unwrap_or_default())?;
        let contract = load(&folder)?;
        check_directory(&system)?;
        match target(&system.common, &system.reach, Role::Data)? {
            Target::Server(server) => apply_remotely(&server, sources(&contract), wish).await?,
            Target::Store(_directory) => apply_here(&system, contract, wish).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

pub fn on_system<F>(system: System, work: impl FnOnce(System) -> F) -> ExitCode
where
    F: Future<Output = Result<ExitCode, Failure>>,
{
    let System { common, reach, data } = system;
    let ended = OnceLock::new();
    let status = process::run(common, env!("CARGO_PKG_VERSION"), |process| {
        let work = work(System { common: process.common, reach, data });
        async {
            let code = work.await?;
            ended.get_or_init(|| code);
            Ok(())
        }
    });
    ended.into_inner().unwrap_or(status)
}

async fn planned(system: &System, contract: Contract, purge: bool) -> Result<pb::Plan, Failure> {
    check_directory(system)?;
    match target(&system.common, &system.reach, Role::Data)? {
        Target::Server(server) => plan_remotely(&server, sources(&contract), purge).await,
        // Nothing is made for a mere look.
        Target::Store(_directory) if !has_store(system) => Ok(data::plan_message(&apply::first_plan(&contract)?)),
        Target::Store(_directory) => {
            let db = start::open(&system.data, &data::process::options(&system.common)).await?;
            let plan = apply::plan_with(&db, Arc::new(contract), purge.then(|| SystemClock.now_micros())).await?;
            db.close().await;
            Ok(data::plan_message(&plan))
        }
    }
}

async fn plan_remotely(server: &Server, sources: Vec<pb::SourceFile>, purge: bool) -> Result<pb::Plan, Failure> {
    let request = pb::PlanContractRequest { sources, purge };
    let answer: pb::PlanContractResponse = server.call(&method("PlanContract"), &request).await?;
    Ok(answer.plan.unwrap_or_default())
}

async fn apply_here(system: &System, contract: Contract, wish: Wish) -> Result<(), Failure> {
    let options = data::process::options(&system.common);
    let db = start::open(&system.data, &options).await?;
    let contract = Arc::new(contract);
    let consent = Consent {
        plan_hash: wish.plan_hash,
        accepted: wish.accept,
        purge: wish.purge,
        ..Consent::to_nothing(options.stage())
    };
    let made = apply::apply(&db, Arc::clone(&contract), consent, SystemClock.now_micros()).await;
    let made = made.map_err(|error| match error {
        ApplyError::Refused(plan) => refused("the plan cannot be applied", &data::plan_message(&plan)),
        ApplyError::AnotherPlan(plan) => refused("the plan is another one now", &data::plan_message(&plan)),
        error => Failure::from(error),
    })?;
    apply::finish(&db, contract).await?;
    db.close().await;
    print_applied(&data::plan_message(&made.plan), wish.json);
    if !wish.json {
        say!("revision {} is stored", made.applied.revision);
    }
    Ok(())
}

async fn apply_remotely(server: &Server, sources: Vec<pb::SourceFile>, wish: Wish) -> Result<(), Failure> {
    let request = pb::ApplyContractRequest {
        sources: sources.clone(),
        plan_hash: wish.plan_hash.unwrap_or_default(),
        accept: wish.accept,
        purge: wish.purge,
    };
    let answer: pb::ApplyContractResponse = match server.call(&method("ApplyContract"), &request).await {
        Ok(answer) => answer,
        Err(error @ CallError::Refused { .. }) if is_unknown_step(&error) => return Err(error.into()),
        Err(CallError::Refused { fault, .. }) if fault.reason() == Some(Reason::PlanRefused) => {
            let what = if fault.violations().is_empty() {
                "the plan is another one now"
            } else {
                "the plan cannot be applied"
            };
            return Err(refused(what, &plan_remotely(server, sources, wish.purge).await?));
        }
        Err(error) => return Err(error.into()),
    };
    print_applied(&answer.plan.unwrap_or_default(), wish.json);
    if !wish.json {
        say!("revision {} is served", answer.revision);
    }
    Ok(())
}

/// Whether something was accepted that is no step.
fn is_unknown_step(error: &CallError) -> bool {
    let CallError::Refused { fault, .. } = error else { return false };
    fault.violations().iter().any(|violation| violation.field == data::ACCEPT)
}

fn refused(what: &str, plan: &pb::Plan) -> Failure {
    format!("{what}\n\n{}", shown(plan)).into()
}

/// Refuses a data directory that is another service's: a store that was made there would be nobody's.
pub fn check_directory(system: &System) -> Result<(), Failure> {
    let directory = &system.common.data_dir;
    let runs = RunInfo::read(&Role::Data.run_folder(directory)).is_some() || RunInfo::read(directory).is_some();
    if has_store(system) || runs {
        return Ok(());
    }
    let others = [(auth::SQLITE_FILE, "auth"), (gateway::process::SQLITE_FILE, "gateway")];
    let other = others.iter().find(|(file, _)| directory.join(file).exists());
    let folder = || others.iter().find(|(_, folder)| directory.join(folder).is_dir());
    match other.or_else(folder) {
        None => Ok(()),
        Some((_, service)) => Err(format!(
            "{} is a data directory of the {service} service: the data service has no store in it.\n  help: name the data \
             service's with --data-dir, or its database with data.database_url",
            directory.display()
        )
        .into()),
    }
}

/// Whether there is a store to open.
pub fn has_store(system: &System) -> bool {
    system.data.database_url.is_some() || system.common.data_dir.join(start::SQLITE_FILE).exists()
}

/// The files under their names in the folder: places are told by those, whoever plans.
fn sources(contract: &Contract) -> Vec<pb::SourceFile> {
    let file =
        |source: &mainstay_contract::Source| pb::SourceFile { path: source.path.clone(), text: source.text.clone() };
    contract.sources.iter().map(file).collect()
}

/// A plan for a person, with the command that accepts what waits.
fn shown(plan: &pb::Plan) -> String {
    use pb::plan_step::Safety::{Guarded, Refused, Reviewed};
    let waiting = plan.steps.iter().filter(|step| matches!(step.safety(), Guarded | Reviewed));
    let ids: Vec<&str> = waiting.map(|step| step.id.as_str()).collect();
    let refused = plan.steps.iter().any(|step| step.safety() == Refused);
    format!("{}{}", plan.text.trim_end_matches('\n'), accept::hint(&accept::this_command(&ids), ids.len(), refused))
}

/// Prints a plan the same way, whoever made it.
fn print_plan(plan: &pb::Plan, json: bool) {
    if json { say!("{}", as_json(plan)) } else { say!("{}", shown(plan)) }
}

/// Prints what was done; nothing of it waits any more.
fn print_applied(plan: &pb::Plan, json: bool) {
    if json { say!("{}", as_json(plan)) } else { say!("{}", plan.text.trim_end_matches('\n')) }
}

fn as_json(plan: &pb::Plan) -> serde_json::Value {
    serde_json::json!({"hash": plan.hash, "steps": plan.steps.iter().map(step_json).collect::<Vec<_>>()})
}

/// A step for a script.
pub fn step_json(step: &pb::PlanStep) -> serde_json::Value {
    serde_json::json!({
        "id": step.id, "title": step.title.trim_end(), "safety": safety(step.safety()),
        "severity": severity(step.severity()), "areas": step.areas, "reason": step.reason, "remedy": step.remedy,
        "note": step.note, "place": step.place,
    })
}

fn safety(safety: pb::plan_step::Safety) -> &'static str {
    match safety {
        pb::plan_step::Safety::Safe | pb::plan_step::Safety::Unspecified => "safe",
        pb::plan_step::Safety::Reviewed => "reviewed",
        pb::plan_step::Safety::Guarded => "guarded",
        pb::plan_step::Safety::Refused => "refused",
    }
}

fn severity(severity: pb::plan_step::Severity) -> &'static str {
    match severity {
        pb::plan_step::Severity::Widened => "widened",
        pb::plan_step::Severity::Narrowed => "narrowed",
        pb::plan_step::Severity::Changed | pb::plan_step::Severity::Unspecified => "changed",
    }
}

pub fn method(name: &str) -> String {
    format!("/mainstay.data.v1.ContractService/{name}")
}
