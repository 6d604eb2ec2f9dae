//! `mainstay contract`: check, plan, apply, export, explain.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use mainstay_contract::{Contract, Diagnostics};
use mainstay_data::apply::{self, ApplyError};
use mainstay_data::{self as data, start};
use mainstay_identity::{Clock as _, SystemClock};
use mainstay_proto::data::v1 as pb;
use mainstay_runtime::process::{self, Common, Failure, Flags, Role};

use crate::cli::{ContractCommand, Reach};
use crate::explain;
use crate::local::{Server, Target, target};
use crate::say::say;
use crate::serve::AllSettings;

/// Runs the command.
pub fn run(flags: &Flags, reach: &Reach, command: ContractCommand) -> ExitCode {
    let settings: AllSettings = match flags.load() {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let (mut common, _, data, _) = settings.split(Role::All);
    common.telemetry.log = "warn".to_owned();
    let configured = common.contracts.clone();
    let folder = |given: Option<PathBuf>| given.or_else(|| configured.clone()).ok_or_else(no_folder);
    let reach = reach.clone();
    let outcome = match command {
        ContractCommand::Check { folder: given, json } => folder(given).map(|folder| check(&folder, json)),
        ContractCommand::Export { folder: given, out } => folder(given).and_then(|folder| export(&folder, &out)),
        ContractCommand::Explain { what, folder: given } => {
            folder(given).and_then(|folder| explain::print(&load(&folder)?, &what)).map(|()| ExitCode::SUCCESS)
        }
        ContractCommand::Plan { folder: given, json } => match folder(given) {
            Ok(folder) => return on_system(common, move |common| plan(common, reach, data, folder, json)),
            Err(error) => Err(error),
        },
        ContractCommand::Apply { folder: given, plan_hash, accept, json } => match folder(given) {
            Ok(folder) => {
                let wish = Wish { plan_hash, accept, json };
                return on_system(common, move |common| apply(common, reach, data, folder, wish));
            }
            Err(error) => Err(error),
        },
    };
    outcome.unwrap_or_else(|error| process::failed(error.as_ref()))
}

fn no_folder() -> Failure {
    "no contract folder: name one, or set `contracts` in the configuration".into()
}

fn on_system<F>(common: Common, work: impl FnOnce(Common) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Failure>>,
{
    process::run(common, env!("CARGO_PKG_VERSION"), move |process| work(process.common))
}

fn load(folder: &Path) -> Result<Contract, Failure> {
    start::read(folder).map_err(|diagnostics| diagnostics.to_string().into())
}

/// Compiles and prints what is found. Warnings alone are a success.
fn check(folder: &Path, json: bool) -> ExitCode {
    let (found, errors) = match start::read(folder) {
        Ok(contract) => (Diagnostics(contract.warnings), false),
        Err(diagnostics) => (diagnostics, true),
    };
    if json {
        say!("{}", serde_json::json!({"ok": !errors, "diagnostics": found}));
    } else {
        if !found.0.is_empty() {
            say!("{found}");
        }
        if !errors {
            say!("{} is a valid contract", folder.display());
        }
    }
    if errors { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn export(folder: &Path, out: &Path) -> Result<ExitCode, Failure> {
    let contract = load(folder)?;
    let files = mainstay_contract::export(&contract);
    for file in &files {
        let path = out.join(&file.path);
        let parent = path.parent().unwrap_or(out);
        let write = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, &file.text));
        write.map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    say!("wrote {} files to {}", files.len(), out.display());
    Ok(ExitCode::SUCCESS)
}

async fn plan(common: Common, reach: Reach, config: data::Config, folder: PathBuf, json: bool) -> Result<(), Failure> {
    let contract = load(&folder)?;
    match target(&common, &reach, Role::Data)? {
        Target::Server(server) => {
            let request = pb::PlanContractRequest { sources: sources(&contract) };
            let answer: pb::PlanContractResponse = server.call(&method("PlanContract"), &request).await?;
            print_plan(&answer.plan.unwrap_or_default(), json);
        }
        Target::Store(_directory) => {
            let db = start::open(&config, &data::process::options(&common)).await?;
            let plan = apply::plan(&db, Arc::new(contract)).await?;
            print_plan(&data::plan_message(&plan), json);
            db.close().await;
        }
    }
    Ok(())
}

struct Wish {
    plan_hash: Option<String>,
    accept: Vec<String>,
    json: bool,
}

async fn apply(common: Common, reach: Reach, config: data::Config, folder: PathBuf, wish: Wish) -> Result<(), Failure> {
    let contract = load(&folder)?;
    match target(&common, &reach, Role::Data)? {
        Target::Server(server) => apply_remotely(&server, &contract, wish).await,
        Target::Store(_directory) => {
            let db = start::open(&config, &data::process::options(&common)).await?;
            let contract = Arc::new(contract);
            let now = SystemClock.now_micros();
            let made = apply::apply(&db, Arc::clone(&contract), wish.plan_hash, wish.accept, now).await;
            let made = made.map_err(|error| match error {
                ApplyError::Refused(plan) => format!("the plan cannot be applied\n\n{plan}").into(),
                ApplyError::AnotherPlan(plan) => format!("the plan is another one now\n\n{plan}").into(),
                error => Failure::from(error),
            })?;
            apply::finish(&db, contract).await?;
            print_plan(&data::plan_message(&made.plan), wish.json);
            if !wish.json {
                say!("revision {} is stored", made.applied.revision);
            }
            db.close().await;
            Ok(())
        }
    }
}

async fn apply_remotely(server: &Server, contract: &Contract, wish: Wish) -> Result<(), Failure> {
    let request = pb::ApplyContractRequest {
        sources: sources(contract),
        plan_hash: wish.plan_hash.unwrap_or_default(),
        accept: wish.accept,
    };
    let answer: pb::ApplyContractResponse = server.call(&method("ApplyContract"), &request).await?;
    print_plan(&answer.plan.unwrap_or_default(), wish.json);
    if !wish.json {
        say!("revision {} is served", answer.revision);
    }
    Ok(())
}

fn sources(contract: &Contract) -> Vec<pb::SourceFile> {
    let source =
        |source: &mainstay_contract::Source| pb::SourceFile { path: source.path.clone(), text: source.text.clone() };
    contract.sources.iter().map(source).collect()
}

/// Prints a plan the same way, whoever made it.
fn print_plan(plan: &pb::Plan, json: bool) {
    if json {
        let steps = plan.steps.iter().map(|step| {
            serde_json::json!({
                "id": step.id, "title": step.title.trim_end(), "safety": safety(step.safety()), "reason": step.reason,
                "remedy": step.remedy, "place": step.place,
            })
        });
        say!("{}", serde_json::json!({"hash": plan.hash, "steps": steps.collect::<Vec<_>>()}));
    } else {
        say!("{}", plan.text.trim_end_matches('\n'));
    }
}

fn safety(safety: pb::plan_step::Safety) -> &'static str {
    match safety {
        pb::plan_step::Safety::Safe | pb::plan_step::Safety::Unspecified => "safe",
        pb::plan_step::Safety::Guarded => "guarded",
        pb::plan_step::Safety::Refused => "refused",
    }
}

fn method(name: &str) -> String {
    format!("/mainstay.data.v1.ContractService/{name}")
}
