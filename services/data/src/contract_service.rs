//! Administration of the contract over gRPC: check, plan, apply, watch.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};
use mainstay_contract::{Contract, Diagnostic, Diagnostics, Severity, Source};
use mainstay_fault::{Fault, Reason, reply};
use mainstay_ledger::{Plan, Safety, Step};
use mainstay_proto::data::v1 as pb;
use mainstay_proto::data::v1::contract_service_server::ContractService;
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::apply::{self, ApplyError, Consent};
use crate::error::storage_fault;
use crate::plans::Snapshot;
use crate::reconciler::Reconciler;
use crate::start::StartError;
use crate::store::contracts::ReadError;

/// The package of the service's contract.
pub const PACKAGE: &str = "mainstay.data.v1";

/// The field of an apply in which steps are accepted.
pub const ACCEPT: &str = "accept";

/// The RPCs. Who may call them stands in their options and is checked by the stack in front.
#[derive(Clone)]
pub struct Contracts {
    pub reconciler: Arc<Reconciler>,
    /// Ends the streams when the server stops.
    pub stop: CancellationToken,
}

type Watch = Pin<Box<dyn Stream<Item = Result<pb::Contract, Status>> + Send>>;

#[tonic::async_trait]
impl ContractService for Contracts {
    type WatchContractStream = Watch;

    async fn get_contract(&self, _: Request<pb::GetContractRequest>) -> Result<Response<pb::Contract>, Status> {
        Ok(Response::new(contract(&self.reconciler.served().load())))
    }

    async fn check_contract(
        &self,
        request: Request<pb::CheckContractRequest>,
    ) -> Result<Response<pb::CheckContractResponse>, Status> {
        let (_, diagnostics) = compile(request.into_inner().sources);
        Ok(Response::new(pb::CheckContractResponse { diagnostics }))
    }

    async fn plan_contract(
        &self,
        request: Request<pb::PlanContractRequest>,
    ) -> Result<Response<pb::PlanContractResponse>, Status> {
        reply(self.plan(request.into_inner()).await)
    }

    async fn apply_contract(
        &self,
        request: Request<pb::ApplyContractRequest>,
    ) -> Result<Response<pb::ApplyContractResponse>, Status> {
        reply(self.apply(request.into_inner()).await)
    }

    async fn watch_contract(&self, request: Request<pb::WatchContractRequest>) -> Result<Response<Watch>, Status> {
        let served = Arc::clone(self.reconciler.served());
        let mut seen = Some(request.into_inner().after_revision).filter(|revision| *revision > 0);
        let follower = served.followers().join();
        let contracts = WatchStream::new(served.subscribe()).filter_map(move |_| {
            let snapshot = served.load();
            follower.carries(snapshot.revision);
            // A revision that is not served any more is of another history: whoever has seen it starts anew.
            let news = seen.take() != Some(snapshot.revision);
            std::future::ready(news.then(|| Ok(contract(&snapshot))))
        });
        Ok(Response::new(Box::pin(contracts.take_until(self.stop.clone().cancelled_owned()))))
    }
}

impl Contracts {
    async fn plan(&self, request: pb::PlanContractRequest) -> Result<pb::PlanContractResponse, Fault> {
        let (compiled, diagnostics) = compile(request.sources);
        let Some(compiled) = compiled else { return Ok(pb::PlanContractResponse { diagnostics, plan: None }) };
        let purge = request.purge.then(|| self.reconciler.now());
        let plan = apply::plan_with(self.reconciler.db(), Arc::new(compiled), purge).await.map_err(fault)?;
        Ok(pb::PlanContractResponse { diagnostics, plan: Some(plan_message(&plan)) })
    }

    async fn apply(&self, request: pb::ApplyContractRequest) -> Result<pb::ApplyContractResponse, Fault> {
        let (compiled, diagnostics) = compile(request.sources);
        let Some(compiled) = compiled else { return Err(invalid_contract(&diagnostics)) };
        let plan_hash = Some(request.plan_hash).filter(|hash| !hash.is_empty());
        let stage = self.reconciler.stage();
        let consent = Consent { plan_hash, accepted: request.accept, purge: request.purge, only_after: None, stage };
        let (plan, revision) = self.reconciler.apply(compiled, consent).await.map_err(|error| match error {
            StartError::Apply(error) => fault(error),
            StartError::Storage(error) => storage_fault(error),
            other => Fault::internal(other),
        })?;
        // What its caller asks a gateway for next is there: it has been told that another contract comes.
        self.reconciler.served().followers().told(revision).await;
        Ok(pb::ApplyContractResponse { diagnostics, plan: Some(plan_message(&plan)), revision })
    }
}

fn compile(files: Vec<pb::SourceFile>) -> (Option<Contract>, Vec<pb::Diagnostic>) {
    let sources = files.into_iter().map(|file| Source { path: file.path, text: file.text }).collect();
    match mainstay_contract::compile(sources) {
        Ok(contract) => {
            let warnings = contract.warnings.iter().map(diagnostic).collect();
            (Some(contract), warnings)
        }
        Err(Diagnostics(problems)) => (None, problems.iter().map(diagnostic).collect()),
    }
}

fn invalid_contract(diagnostics: &[pb::Diagnostic]) -> Fault {
    let errors = diagnostics.iter().filter(|d| d.severity == i32::from(pb::diagnostic::Severity::Error));
    errors.fold(Fault::new(Reason::InvalidContract), |fault, problem| {
        let place = format!("{}:{}:{}", problem.file, problem.line, problem.column);
        fault.violation("sources", format!("{place}: {}", problem.message))
    })
}

fn fault(error: ApplyError) -> Fault {
    match error {
        ApplyError::Refused(plan) => refused(Fault::new(Reason::PlanRefused), &plan),
        ApplyError::AnotherPlan(plan) => Fault::new(Reason::PlanRefused)
            .message("the plan is not the one that was reviewed; look at the new one and apply that")
            .meta("plan_hash", plan.hash()),
        error @ ApplyError::UnknownSteps { .. } => Fault::new(Reason::PlanRefused).violation(ACCEPT, error.to_string()),
        ApplyError::Read(ReadError::Storage(error)) => storage_fault(error),
        error @ (ApplyError::Read(_)
        | ApplyError::Plan(_)
        | ApplyError::NotTheSame { .. }
        | ApplyError::Overtaken
        | ApplyError::Migration { .. }
        | ApplyError::Unverified { .. }) => Fault::internal(error),
    }
}

/// Names every step that stands in the way, with its reason and remedy.
fn refused(fault: Fault, plan: &Plan) -> Fault {
    plan.steps.iter().fold(fault, |fault, step| match &step.safety {
        Safety::Safe => fault,
        Safety::Reviewed { why, remedy } | Safety::Guarded { why, remedy } | Safety::Refused { why, remedy } => {
            fault.violation("sources", format!("{}: {why}; {remedy}", step.id()))
        }
    })
}

fn contract(snapshot: &Snapshot) -> pb::Contract {
    let source = |source: &Source| pb::SourceFile { path: source.path.clone(), text: source.text.clone() };
    pb::Contract {
        revision: snapshot.revision,
        hash: snapshot.contract.hash.clone(),
        descriptor_set: snapshot.contract.descriptor_set.clone(),
        apply_time: Some(timestamp(snapshot.applied_at)),
        sources: snapshot.contract.sources.iter().map(source).collect(),
        open_methods: snapshot.open_methods().map(str::to_owned).collect(),
    }
}

fn timestamp(micros: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

fn diagnostic(problem: &Diagnostic) -> pb::Diagnostic {
    let severity = match problem.severity {
        Severity::Error => pb::diagnostic::Severity::Error,
        Severity::Warning => pb::diagnostic::Severity::Warning,
    };
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    pb::Diagnostic {
        severity: severity.into(),
        file: problem.file.clone(),
        line: number(problem.line),
        column: number(problem.column),
        message: problem.message.clone(),
        cause: problem.cause.clone().unwrap_or_default(),
        help: problem.help.clone().unwrap_or_default(),
    }
}

/// A plan as the API shows it.
pub fn plan_message(plan: &Plan) -> pb::Plan {
    pb::Plan { steps: plan.steps.iter().map(step_message).collect(), hash: plan.hash(), text: plan.to_string() }
}

/// A step as the API shows it.
pub fn step_message(step: &Step) -> pb::PlanStep {
    let (safety, reason, remedy) = match &step.safety {
        Safety::Safe => (pb::plan_step::Safety::Safe, "", ""),
        Safety::Reviewed { why, remedy } => (pb::plan_step::Safety::Reviewed, why.as_str(), remedy.as_str()),
        Safety::Guarded { why, remedy } => (pb::plan_step::Safety::Guarded, why.as_str(), remedy.as_str()),
        Safety::Refused { why, remedy } => (pb::plan_step::Safety::Refused, why.as_str(), remedy.as_str()),
    };
    let effect = step.effect();
    let severity = match effect.severity {
        mainstay_ledger::Severity::Widened => pb::plan_step::Severity::Widened,
        mainstay_ledger::Severity::Narrowed => pb::plan_step::Severity::Narrowed,
        mainstay_ledger::Severity::Changed => pb::plan_step::Severity::Changed,
    };
    pb::PlanStep {
        title: step.to_string(),
        safety: safety.into(),
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
        place: step.place.as_ref().map(ToString::to_string).unwrap_or_default(),
        id: step.id(),
        note: step.note.clone().unwrap_or_default(),
        severity: severity.into(),
        areas: effect.areas.iter().map(|area| area.as_str().to_owned()).collect(),
    }
}
