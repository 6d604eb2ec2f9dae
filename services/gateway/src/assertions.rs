//! What the application's own services are told of their callers: an assertion of who it is, for that service alone and a short
//! time, instead of the caller's own token.
//!
//! ```text
//! caller ── Bearer <access token> ──▶ gateway ── ExchangeToken, once in an assertion's life ──▶ auth
//!                                        └── Bearer <assertion> ──▶ upstream: never sees the access token
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use foldhash::fast::RandomState;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Kind, Principal, ServiceKeys, roles};
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::channel::{Call, Channel, Reply};
use prost::Message as _;

use crate::watch::SERVICE_ACCOUNT;

const EXCHANGE: &str = "/mainstay.auth.v1.AssertionService/ExchangeToken";

/// Most assertions that are remembered for one service.
const MAX_REMEMBERED: usize = 8 * 1_024;

/// For how much of its time an assertion is given to nobody any more: the service still has to verify it, and may call back.
const RESERVE: Duration = Duration::from_secs(20);

/// The way to one of the application's own services, which is told who calls.
pub struct Asserting {
    upstream: Arc<str>,
    channel: Arc<dyn Channel>,
    assertions: Arc<Assertions>,
}

struct Assertions {
    auth: Arc<dyn Channel>,
    /// By the caller's own token, without what may be written in several ways around it.
    remembered: Mutex<HashMap<Box<str>, Assertion, RandomState>>,
}

#[derive(Clone)]
struct Assertion {
    header: HeaderValue,
    /// Until when it is given to services.
    until: Instant,
}

impl Asserting {
    /// Puts assertions that auth makes before a channel.
    pub fn new(upstream: &str, channel: Arc<dyn Channel>, auth: Arc<dyn Channel>) -> Asserting {
        let assertions = Arc::new(Assertions { auth, remembered: Mutex::default() });
        Asserting { upstream: upstream.into(), channel, assertions }
    }
}

impl Channel for Asserting {
    fn call(&self, mut call: Call) -> BoxFuture<'static, Result<Reply, Fault>> {
        let token = call.token.take();
        match (call.principal.kind(), token) {
            // Nobody is nobody there, too.
            (Kind::Anonymous, _) => self.channel.call(call),
            (Kind::User | Kind::Service, Some(token)) => {
                let (upstream, channel) = (Arc::clone(&self.upstream), Arc::clone(&self.channel));
                let assertions = Arc::clone(&self.assertions);
                Box::pin(async move {
                    call.token = Some(assertions.of(&upstream, token).await?);
                    channel.call(call).await
                })
            }
            (Kind::System | Kind::User | Kind::Service, _) => Box::pin(async {
                Err(Fault::internal("somebody without a token calls one of the application's services"))
            }),
        }
    }
}

impl Assertions {
    /// Gives an assertion of whoever shows this header.
    async fn of(&self, upstream: &str, token: HeaderValue) -> Result<HeaderValue, Fault> {
        let bearer = token.to_str().ok().and_then(|text| text.split_once(' ')).map(|(_, bearer)| bearer.trim());
        let bearer = bearer.ok_or_else(|| Fault::new(Reason::TokenInvalid))?;
        if let Some(known) = self.remembered().get(bearer).filter(|known| known.until > Instant::now()) {
            return Ok(known.header.clone());
        }
        if ServiceKeys::is_service_credential(bearer) {
            return Err(Fault::new(Reason::PermissionDenied).message(
                "processes of the platform do not call the application's own services; call as a user, or as a service account",
            ));
        }
        let made = self.exchange(upstream, bearer).await?;
        let header = made.header.clone();
        self.remember(bearer, made);
        Ok(header)
    }

    async fn exchange(&self, upstream: &str, bearer: &str) -> Result<Assertion, Fault> {
        let request = pb::ExchangeTokenRequest { subject_token: bearer.to_owned(), audience: upstream.to_owned() };
        let own = Principal::service(SERVICE_ACCOUNT, vec![roles::SERVICE.to_owned()]);
        let asked = Instant::now();
        let answer = self.auth.call(Call::new(EXCHANGE, own, Bytes::from(request.encode_to_vec()))).await?;
        let answer = pb::ExchangeTokenResponse::decode(answer.message()?).map_err(Fault::internal)?;
        let mut header = HeaderValue::try_from(format!("Bearer {}", answer.assertion)).map_err(Fault::internal)?;
        header.set_sensitive(true);
        let lives = Duration::from_secs(u64::try_from(answer.expires_in).unwrap_or(0));
        Ok(Assertion { header, until: asked + lives.saturating_sub(RESERVE) })
    }

    fn remember(&self, bearer: &str, assertion: Assertion) {
        let mut remembered = self.remembered();
        if remembered.len() >= MAX_REMEMBERED {
            let now = Instant::now();
            remembered.retain(|_, known| known.until > now);
        }
        if remembered.len() >= MAX_REMEMBERED {
            // They come again, each with the next call of its token.
            remembered.clear();
        }
        remembered.insert(bearer.into(), assertion);
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<Box<str>, Assertion, RandomState>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
