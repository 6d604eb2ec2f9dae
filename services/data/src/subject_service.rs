//! What is held of a person, over gRPC: exported and erased.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, stream};
use mainstay_fault::{Fault, Reason, reply};
use mainstay_identity::{Kind, roles};
use mainstay_layers::{caller, context};
use mainstay_proto::data::v1 as pb;
use mainstay_proto::data::v1::subject_service_server::SubjectService;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::erasure::{Erasing, Export, Exporting, Wanted, everybody};
use crate::error::Error;
use crate::service::Resources;

/// What stands before an account's uid in its name.
const ACCOUNTS: &str = "accounts/";

/// The RPCs. Who may call them stands in their options and is checked by the stack in front; whose rows they get is checked here.
#[derive(Clone)]
pub struct Subjects {
    pub resources: Arc<Resources>,
    /// Ends the streams when the server stops.
    pub stop: CancellationToken,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl SubjectService for Subjects {
    type ExportSubjectStream = Answers<pb::ExportSubjectResponse>;
    type EraseSubjectStream = Answers<pb::EraseSubjectResponse>;

    async fn export_subject(
        &self,
        request: Request<pb::ExportSubjectRequest>,
    ) -> Result<Response<Answers<pb::ExportSubjectResponse>>, Status> {
        let asked = export(&request).and_then(|export| Ok((export, By::of(&request)?)));
        let (export, by) = match asked {
            Ok(asked) => asked,
            Err(fault) => return reply(Err(fault)),
        };
        tracing::info!(account = %export.uid, caller = %by.caller, request_id = %by.request_id, "the rows of a person are exported");
        let exporting = (Exporting::begin(&self.resources, export), self.stop.clone());
        let rows = stream::try_unfold(exporting, async |(mut exporting, stop)| {
            let row = unless_stopped(&stop, exporting.next()).await?;
            Ok(row.map(|row| (row, (exporting, stop))))
        });
        Ok(Response::new(Box::pin(rows)))
    }

    async fn erase_subject(
        &self,
        request: Request<pb::EraseSubjectRequest>,
    ) -> Result<Response<Answers<pb::EraseSubjectResponse>>, Status> {
        let by = By::of(&request);
        let pb::EraseSubjectRequest { account, validate_only, compact } = request.into_inner();
        let begun = uid(&account)
            .map(|uid| Wanted { uid: uid.to_owned(), validate_only, compact })
            .and_then(|wanted| Erasing::begin(&self.resources, wanted).map_err(Fault::from))
            .and_then(|erasing| Ok((erasing, by?)));
        let (erasing, by) = match begun {
            Ok(begun) => begun,
            Err(fault) => return reply(Err(fault)),
        };
        tracing::info!(%account, caller = %by.caller, request_id = %by.request_id, validate_only, "the rows of a person are erased");
        let steps = stream::try_unfold((erasing, self.stop.clone()), async |(mut erasing, stop)| {
            let step = unless_stopped(&stop, erasing.step()).await?;
            Ok(step.map(|step| (step, (erasing, stop))))
        });
        Ok(Response::new(Box::pin(steps)))
    }
}

/// Who calls, for the log.
struct By {
    caller: String,
    request_id: String,
}

impl By {
    fn of<T>(request: &Request<T>) -> Result<By, Fault> {
        let context = context(request)?;
        let caller = context.principal.uid().unwrap_or("system").to_owned();
        Ok(By { caller, request_id: context.request_id.to_str().unwrap_or_default().to_owned() })
    }
}

/// A step of a stream. One that the server does not take any more says so: a stream that just ends looks like a whole one.
async fn unless_stopped<T>(
    stop: &CancellationToken,
    step: impl Future<Output = crate::error::Result<T>>,
) -> Result<T, Status> {
    match stop.run_until_cancelled(step).await {
        Some(done) => done.map_err(status),
        None => Err(Fault::unavailable("the server stops before the end of the stream").into()),
    }
}

/// Whose rows are exported, and as whom they are read.
fn export(request: &Request<pb::ExportSubjectRequest>) -> Result<Export, Fault> {
    let caller = caller(request)?;
    if caller.actor().is_some() {
        let text = "who acts as somebody else does not take along what is held of them";
        return Err(Fault::new(Reason::PermissionDenied).message(text));
    }
    let account = &request.get_ref().account;
    let own = caller.uid().filter(|_| caller.kind() == Kind::User);
    let uid = match (account.as_str(), own) {
        ("accounts/me", Some(own)) => own,
        ("accounts/me", None) => return Err(Fault::new(Reason::ResourceNotFound)),
        _ => uid(account)?,
    };
    let uid = uid.to_owned();
    if caller.has_role(roles::ADMIN) || caller.kind() == Kind::System {
        return Ok(Export { uid, caller: everybody() });
    }
    if own == Some(uid.as_str()) { Ok(Export { uid, caller }) } else { Err(Fault::new(Reason::ResourceNotFound)) }
}

/// Reads the name of an account.
fn uid(account: &str) -> Result<&str, Fault> {
    let uid = account
        .strip_prefix(ACCOUNTS)
        .filter(|uid| Uuid::try_parse(uid).is_ok_and(|id| id.as_hyphenated().to_string() == **uid));
    uid.ok_or_else(|| {
        let problem = "is not `accounts/` with a UUID in lower-case hyphenated form";
        Fault::new(Reason::InvalidName).violation("account", problem)
    })
}

fn status(error: Error) -> Status {
    Fault::from(error).into()
}
