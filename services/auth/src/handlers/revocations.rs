use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use mainstay_identity::{Revocation, Revoked};
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::revocation_service_server::RevocationService;
use tonic::{Request, Response, Status};

use super::{Answer, timestamp};
use crate::core::Core;
use crate::domain::session::SECOND;

/// How long a stream says nothing at most, so that a broken one is noticed.
const PULSE: Duration = Duration::from_secs(1);

/// Most entries in one message.
const AT_ONCE: usize = 1_000;

/// Serves `mainstay.auth.v1.RevocationService`.
pub(crate) struct Revocations(pub(crate) Arc<Core>);

type Watch = Pin<Box<dyn Stream<Item = Result<pb::WatchRevocationsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl RevocationService for Revocations {
    type WatchRevocationsStream = Watch;

    async fn watch_revocations(&self, _: Request<pb::WatchRevocationsRequest>) -> Answer<Watch> {
        let stop = self.0.stop.get().cloned().unwrap_or_default();
        let messages = watch(Arc::clone(&self.0)).map(Ok);
        Ok(Response::new(Box::pin(messages.take_until(stop.cancelled_owned()))))
    }
}

/// Gives all that is known, and then what is new, with a pulse between.
fn watch(core: Arc<Core>) -> impl Stream<Item = pb::WatchRevocationsResponse> + Send {
    let news = core.revocations.subscribe();
    let begin = (core, news, 0, true);
    futures_util::stream::unfold(begin, |(core, mut news, position, more)| async move {
        if !more {
            // The sender is the core's, which is held here. Where nothing is new, the pulse is told.
            let _ = tokio::time::timeout(PULSE, news.changed()).await;
        }
        news.mark_unchanged();
        let (entries, end) = core.revocations.after(position, AT_ONCE);
        let more = entries.len() == AT_ONCE;
        let message = message(&core, &entries, more);
        Some((message, (core, news, end, more)))
    })
}

fn message(core: &Core, entries: &[Revocation], more: bool) -> pb::WatchRevocationsResponse {
    let age = core.revocations.age().filter(|_| !more);
    pb::WatchRevocationsResponse {
        revocations: entries.iter().map(revocation_to_pb).collect(),
        age: age.and_then(|age| age.try_into().ok()),
        access_token_seconds: i32::try_from(core.signer.lifetime_seconds()).unwrap_or(i32::MAX),
        outdated_until: core.revocations.outdated_until().map(at),
    }
}

fn at(seconds: i64) -> prost_types::Timestamp {
    timestamp(seconds.saturating_mul(SECOND))
}

fn revocation_to_pb(revocation: &Revocation) -> pb::Revocation {
    use pb::revocation::What;
    let what = match &revocation.what {
        Revoked::Session(session) => What::Session(session.to_string()),
        Revoked::Sessions { below, except } => What::Sessions(pb::RevokedSessions {
            before_epoch: *below,
            except_session: except.as_deref().unwrap_or_default().to_owned(),
        }),
        Revoked::Tokens { below } => What::TokensBeforeEpoch(*below),
        Revoked::Acting { organisation, below } => {
            What::Acting(pb::RevokedActing { organisation: organisation.to_string(), before_epoch: *below })
        }
    };
    pb::Revocation {
        account: revocation.account.to_string(),
        what: Some(what),
        revoke_time: Some(at(revocation.at)),
        forget_time: Some(at(revocation.forget_at)),
    }
}
