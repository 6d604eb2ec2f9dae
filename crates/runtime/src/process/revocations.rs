//! Follows what the auth service in another process says was revoked.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use mainstay_fault::Fault;
use mainstay_identity::{Principal, Revocation, Revocations, Revoked, roles};
use mainstay_proto::auth::v1 as pb;
use prost::Message as _;

use crate::channel::{Call, Channel, Target};
use crate::readiness::Check;
use crate::{Failure, Work};

const WATCH: &str = "/mainstay.auth.v1.RevocationService/WatchRevocations";

/// How long a stream may say nothing. Auth says something each second.
const SILENCE: Duration = Duration::from_secs(3);

/// From which age on it is logged that what is known grows old.
const TOLD_FROM: Duration = Duration::from_secs(10);

/// Keeps a set of revocations at what auth knows.
pub(super) struct Follow {
    auth: Arc<dyn Channel>,
    name: &'static str,
    revocations: Revocations,
    check: Check,
    was_told: bool,
}

/// Why nothing more is heard.
#[derive(Debug, thiserror::Error)]
enum Silent {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("the stream of revocations said nothing for {} seconds", SILENCE.as_secs())]
    TooLong,
    #[error("the stream of revocations ended")]
    Ended,
    #[error("a revocation cannot be read")]
    Unreadable(#[from] prost::DecodeError),
}

impl Follow {
    pub(super) fn new(auth: Arc<dyn Channel>, name: &'static str, revocations: Revocations, check: Check) -> Follow {
        Follow { auth, name, revocations, check, was_told: false }
    }

    /// Reads one stream to its end, which is never a good one.
    async fn follow(&mut self) -> Result<(), Silent> {
        let principal = Principal::service(self.name, vec![roles::SERVICE.to_owned()]);
        let call = Call::new(Target::new(WATCH).streaming(), principal, Bytes::new());
        let opened = tokio::time::timeout(SILENCE, self.auth.call(call)).await.map_err(|_| Silent::TooLong)?;
        let mut messages = opened?.stream()?;
        loop {
            let next = tokio::time::timeout(SILENCE, messages.next()).await.map_err(|_| Silent::TooLong)?;
            self.take(pb::WatchRevocationsResponse::decode(next.ok_or(Silent::Ended)??)?);
        }
    }

    fn take(&mut self, news: pb::WatchRevocationsResponse) {
        self.revocations.limit_lifetime(news.access_token_seconds.into());
        if let Some(until) = news.outdated_until {
            self.revocations.outdate_until(until.seconds);
        }
        self.revocations.add(news.revocations.into_iter().filter_map(revocation));
        let Some(age) = news.age else { return };
        self.revocations.complete(age.try_into().unwrap_or_default());
        self.check.ready();
        if std::mem::take(&mut self.was_told) {
            tracing::info!("what is revoked is heard of again");
        }
    }

    /// Says how old what is known is, once for each time that it grows old.
    fn tell(&mut self, why: &Silent) {
        // Streams of callers who may not be let in by it any more end.
        self.revocations.look_at_age();
        match self.revocations.age() {
            None => self.check.not_ready(&why.to_string()),
            Some(age) if age >= TOLD_FROM && !self.was_told => {
                self.was_told = true;
                tracing::warn!(
                    age_seconds = age.as_secs(),
                    error = %why,
                    "auth is not heard: what was revoked since is not known here, and is noticed when tokens expire, or after \
                     tokens.max_revocation_age_seconds"
                );
            }
            Some(_) => {}
        }
    }
}

impl Work for Follow {
    async fn round(&mut self) -> Result<(), Failure> {
        let Err(why) = self.follow().await else { return Ok(()) };
        self.tell(&why);
        Err(why.into())
    }
}

/// Reads an entry. One of a kind that a later version has brought has the account's tokens refused: letting in whom it means
/// would be worse.
fn revocation(message: pb::Revocation) -> Option<Revocation> {
    use pb::revocation::What;
    let what = match message.what.unwrap_or(What::TokensBeforeEpoch(i64::MAX)) {
        What::Session(session) => Revoked::Session(session.into()),
        What::Sessions(pb::RevokedSessions { before_epoch, except_session }) => Revoked::Sessions {
            below: before_epoch,
            except: Some(except_session).filter(|session| !session.is_empty()).map(Box::from),
        },
        What::TokensBeforeEpoch(below) => Revoked::Tokens { below },
        What::Acting(pb::RevokedActing { organisation, before_epoch }) => {
            Revoked::Acting { organisation: organisation.into(), below: before_epoch }
        }
    };
    let (at, forget_at) = (message.revoke_time?.seconds, message.forget_time?.seconds);
    Some(Revocation { account: message.account.into(), what, at, forget_at })
}
