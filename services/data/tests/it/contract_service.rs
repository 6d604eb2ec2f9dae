//! Administration of the contract through the data service's channel.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Authenticator, KeySource, Principal, ServiceKeys, User, Verifier, VerifierConfig};
use mainstay_layers::{Guards, Shed, Timeouts};
use mainstay_proto::data::v1 as pb;
use mainstay_runtime::channel::{Call, Channel};
use mainstay_telemetry::Telemetry;
use mainstay_testkit::both_engines;
use prost::Message;
use prost_reflect::DescriptorPool;
use secrecy::SecretString;

use crate::contracts::notes;
use crate::support::Fixture;

/// Tokens are not used here: callers are handed over as principals.
struct NoKeys;

impl KeySource for NoKeys {
    fn fetch(&self) -> mainstay_identity::FetchFuture<'_> {
        Box::pin(async { Ok(mainstay_identity::KeySet::default()) })
    }
}

pub fn guards() -> Guards {
    let telemetry = Telemetry::quiet();
    let services = ServiceKeys::new(Vec::<(String, SecretString)>::new()).unwrap();
    Guards {
        metrics: telemetry.metrics().clone(),
        spans: telemetry.spans(),
        authenticator: Authenticator::new(
            Verifier::new(VerifierConfig::default(), Arc::new(NoKeys)),
            Arc::new(services),
        ),
        shed: Shed::new(100),
        timeouts: Timeouts::default(),
        trusted_proxies: mainstay_layers::TrustedProxies::default(),
    }
}

pub fn channel(fixture: &Fixture) -> Arc<dyn Channel> {
    let platform = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    fixture.data.channel(&platform, guards())
}

pub fn user(roles: &[&str]) -> Principal {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    Principal::user(User { uid: "u".to_owned(), roles, ..User::default() })
}

fn admin() -> Principal {
    user(&["mainstay.admin"])
}

pub fn call(method: &str, principal: Principal, request: &impl Message) -> Call {
    let path = format!("/mainstay.data.v1.ContractService/{method}");
    Call::new(path.as_str(), principal, Bytes::from(request.encode_to_vec()))
}

async fn ask<A: Message + Default>(
    channel: &Arc<dyn Channel>,
    method: &str,
    request: &impl Message,
) -> Result<A, Fault> {
    let answer = channel.call(call(method, admin(), request)).await?.message()?;
    Ok(A::decode(answer).unwrap())
}

fn sources(text: &str) -> Vec<pb::SourceFile> {
    vec![pb::SourceFile { path: "contract.proto".to_owned(), text: text.to_owned() }]
}

both_engines! {
    async fn the_contract_can_be_read_checked_planned_and_applied(engine: Engine) {
        let first = notes("string title = 2;");
        let fixture = Fixture::start(engine, &first).await;
        let channel = channel(&fixture);
        let served: pb::Contract = ask(&channel, "GetContract", &pb::GetContractRequest {}).await.unwrap();
        assert_eq!((served.revision, served.sources.len(), served.hash.len()), (1, 1, 64));
        assert_eq!(served.sources[0].text, first);
        assert!(served.apply_time.is_some());
        let pool = DescriptorPool::decode(served.descriptor_set).unwrap();
        assert!(pool.get_service_by_name("note.v1.NoteService").is_some());

        let broken = pb::CheckContractRequest { sources: sources(&notes("string title = 2; no_such a = 3;")) };
        let checked: pb::CheckContractResponse = ask(&channel, "CheckContract", &broken).await.unwrap();
        let problem = &checked.diagnostics[0];
        assert_eq!(problem.severity(), pb::diagnostic::Severity::Error);
        assert_eq!(problem.file, "contract.proto");
        assert!(problem.line > 1 && problem.column > 0, "{problem:?}");
        let planned: pb::PlanContractResponse =
            ask(&channel, "PlanContract", &pb::PlanContractRequest { sources: broken.sources.clone(), purge: false }).await.unwrap();
        assert!(planned.plan.is_none() && !planned.diagnostics.is_empty());
        let apply = pb::ApplyContractRequest { sources: broken.sources, ..Default::default() };
        let fault = ask::<pb::ApplyContractResponse>(&channel, "ApplyContract", &apply).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::InvalidContract));
        assert!(fault.violations()[0].description.starts_with("contract.proto:"), "{fault:?}");

        let second = sources(&notes("string headline = 2;"));
        let request = pb::PlanContractRequest { sources: second.clone(), purge: false };
        let planned: pb::PlanContractResponse = ask(&channel, "PlanContract", &request).await.unwrap();
        let plan = planned.plan.unwrap();
        assert_eq!(plan.steps.len(), 1);
        assert_eq!(plan.steps[0].safety(), pb::plan_step::Safety::Reviewed, "the old name is refused from then on");
        assert!(plan.text.contains("title -> headline"), "{}", plan.text);
        let again: pb::PlanContractResponse = ask(&channel, "PlanContract", &request).await.unwrap();
        assert_eq!(again.plan.unwrap(), plan, "the same plan twice");

        let wrong = pb::ApplyContractRequest { sources: second.clone(), plan_hash: "00".into(), ..Default::default() };
        let fault = ask::<pb::ApplyContractResponse>(&channel, "ApplyContract", &wrong).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::PlanRefused));
        assert_eq!(fault.metadata("plan_hash"), Some(plan.hash.as_str()));
        assert_eq!(fixture.revision(), 1);

        let right = pb::ApplyContractRequest { sources: second, plan_hash: plan.hash.clone(), ..Default::default() };
        let applied: pb::ApplyContractResponse = ask(&channel, "ApplyContract", &right).await.unwrap();
        assert_eq!((applied.revision, fixture.revision()), (2, 2));
        let stale = ask::<pb::ApplyContractResponse>(&channel, "ApplyContract", &right).await.unwrap_err();
        assert_eq!(stale.reason(), Some(Reason::PlanRefused), "that plan is done");
        let whatever = pb::ApplyContractRequest { plan_hash: String::new(), ..right };
        let applied: pb::ApplyContractResponse = ask(&channel, "ApplyContract", &whatever).await.unwrap();
        assert_eq!(applied.revision, 2, "the second time it does nothing");
        assert!(applied.plan.unwrap().steps.is_empty());
    }

    async fn what_is_accepted_must_be_a_step(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        let channel = channel(&fixture);
        let apply = async |text: &str, accept: &str| {
            let request = pb::ApplyContractRequest { sources: sources(&notes(text)), accept: vec![accept.to_owned()], ..Default::default() };
            ask::<pb::ApplyContractResponse>(&channel, "ApplyContract", &request).await
        };
        let id = "rename:field:note.example.com/Note#headline";
        for nonsense in ["nonsense", "", "rename:field:note.example.com/Note#title", &id.to_uppercase()] {
            let fault = apply("string headline = 2;", nonsense).await.unwrap_err();
            assert_eq!((fault.reason(), fixture.revision()), (Some(Reason::PlanRefused), 1), "{nonsense}");
            let violation = &fault.violations()[0];
            assert!(violation.field == "accept" && violation.description.contains(id), "{violation:?}");
        }
        assert_eq!(apply("string headline = 2;", id).await.unwrap().revision, 2);
        // Once more, as a pipeline does that knows no better: it is done.
        assert_eq!(apply("string headline = 2;", id).await.unwrap().revision, 2);
        let fault = apply("string headline = 2;", "nonsense").await.unwrap_err();
        assert!(fault.violations()[0].description.contains("it has none"), "{fault:?}");
    }

    async fn a_refused_step_is_named_with_its_remedy(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        let channel = channel(&fixture);
        let request = pb::ApplyContractRequest { sources: sources(&notes("int32 title = 2;")), ..Default::default() };
        let fault = ask::<pb::ApplyContractResponse>(&channel, "ApplyContract", &request).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::PlanRefused));
        assert_eq!(fault.violations().len(), 1);
        let request = pb::PlanContractRequest { sources: request.sources, purge: false };
        let planned: pb::PlanContractResponse = ask(&channel, "PlanContract", &request).await.unwrap();
        let step = planned.plan.unwrap().steps[0].clone();
        assert_eq!(step.safety(), pb::plan_step::Safety::Refused);
        assert!(!step.reason.is_empty() && !step.remedy.is_empty() && step.place.contains("contract.proto"), "{step:?}");
    }

    async fn a_watcher_that_has_seen_a_revision_hears_of_the_next(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        let channel = channel(&fixture);
        let watch = async |after_revision: i64| {
            let mut watch = call("WatchContract", admin(), &pb::WatchContractRequest { after_revision });
            watch.target.streams = true;
            channel.call(watch).await.unwrap().stream().unwrap()
        };
        let revision = |message: Option<Result<Bytes, Fault>>| pb::Contract::decode(message.unwrap().unwrap()).unwrap().revision;
        let mut seen = watch(1).await;
        let early = tokio::time::timeout(std::time::Duration::from_millis(100), seen.next()).await;
        assert!(early.is_err(), "{early:?}");
        for other in [0, -1, 7] {
            assert_eq!(revision(watch(other).await.next().await), 1, "{other} is not what is served");
        }
        fixture.rewrite(&notes("string headline = 2;")).await;
        assert_eq!(revision(seen.next().await), 2);
        assert_eq!(revision(watch(1).await.next().await), 2);
    }

    async fn a_watcher_sees_each_swap_and_the_end(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        let channel = channel(&fixture);
        let mut watch = call("WatchContract", user(&["mainstay.service"]), &pb::WatchContractRequest::default());
        watch.target.streams = true;
        let mut stream = channel.call(watch).await.unwrap().stream().unwrap();
        let mut revisions = Vec::new();
        for fields in ["string headline = 2;", "string heading = 2;"] {
            let contract = pb::Contract::decode(stream.next().await.unwrap().unwrap()).unwrap();
            revisions.push(contract.revision);
            fixture.rewrite(&notes(fields)).await;
        }
        let last = pb::Contract::decode(stream.next().await.unwrap().unwrap()).unwrap();
        revisions.push(last.revision);
        assert_eq!(revisions, [1, 2, 3]);
        assert!(last.sources[0].text.contains("heading"));
        drop(fixture);
        assert!(stream.next().await.is_none(), "the stream ends with the server");
    }
}
