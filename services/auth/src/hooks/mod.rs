//! Hooks: what of the application is asked and told over gRPC (`proto/mainstay/auth/hook/v1`).
//!
//! ```text
//!  handlers::making ───▶ before_sign_up ─┐                          ┌─ an assertion: a signed token of a type of its own
//!  handlers::credentials ─▶ mint_token ──┤─▶ Hook: a place, a deadline over all, ──▶ the application's server
//!  telling (job) ──────▶ after_sign_up ──┤         a connection that comes back
//!  deliver (job) ──────▶ send_mail ──────┘
//! ```
//!
//! Nobody is called inside a transaction. What is asked is told by nobody but the handlers; here is only how.

mod config;
mod error;
mod hook;
mod meter;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mainstay_proto::auth::hook::v1 as pb;
use mainstay_proto::auth::hook::v1::before_sign_up_response::Decision;
use mainstay_runtime::channel::RemoteError;
use mainstay_telemetry::Metrics;
use prost_types::Struct;
use tokio::sync::Notify;
use tokio::time::timeout_at;

pub use config::{AskedHook, HooksConfig, OnFailure, ToldHook};
pub(crate) use error::chain;
pub use error::{HookError, Unusable};
use hook::Hook;
use meter::HookMeter;
pub(crate) use meter::Outcome;

use crate::audit::Trail;
use crate::signer::Signer;

/// How long before its caller stops waiting a call waits for the hook no more: what it has committed is still answered, or taken back.
const MARGIN: Duration = Duration::from_millis(250);

/// Which hook it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    BeforeSignUp,
    AfterSignUp,
    MintToken,
    SendMail,
}

impl Kind {
    /// As the settings and the metrics call it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::BeforeSignUp => "before_sign_up",
            Kind::AfterSignUp => "after_sign_up",
            Kind::MintToken => "mint_token",
            Kind::SendMail => "send_mail",
        }
    }

    /// As the service of hooks calls it.
    fn method(self) -> &'static str {
        match self {
            Kind::BeforeSignUp => "BeforeSignUp",
            Kind::AfterSignUp => "AfterSignUp",
            Kind::MintToken => "MintToken",
            Kind::SendMail => "SendMail",
        }
    }

    fn url_setting(self) -> &'static str {
        match self {
            Kind::BeforeSignUp => "auth.hooks.before_sign_up.url",
            Kind::AfterSignUp => "auth.hooks.after_sign_up.url",
            Kind::MintToken => "auth.hooks.mint_token.url",
            Kind::SendMail => "auth.hooks.send_mail.url",
        }
    }
}

/// The hooks that are configured.
pub(crate) struct Hooks {
    before_sign_up: Option<Hook>,
    after_sign_up: Option<Hook>,
    mint_token: Option<Hook>,
    send_mail: Option<Hook>,
    signer: Arc<Signer>,
    /// Nothing before jobs are started.
    meter: OnceLock<HookMeter>,
    /// Tells the job that an account was made.
    made: Notify,
}

impl Hooks {
    /// Prepares the connections. Must be called inside a runtime.
    pub(crate) fn new(config: &HooksConfig, signer: Arc<Signer>) -> Result<Hooks, RemoteError> {
        let mut hooks = Hooks {
            before_sign_up: None,
            after_sign_up: None,
            mint_token: None,
            send_mail: None,
            signer,
            meter: OnceLock::new(),
            made: Notify::new(),
        };
        for place in config.places() {
            let (target, on_failure) = match place.kind {
                Kind::BeforeSignUp => (&mut hooks.before_sign_up, on_failure(config.before_sign_up.as_ref())),
                Kind::MintToken => (&mut hooks.mint_token, on_failure(config.mint_token.as_ref())),
                Kind::AfterSignUp => (&mut hooks.after_sign_up, OnFailure::Closed),
                Kind::SendMail => (&mut hooks.send_mail, OnFailure::Closed),
            };
            *target = Some(Hook::new(&place, on_failure)?);
        }
        Ok(hooks)
    }

    /// Counts from now on what becomes of calls.
    pub(crate) fn count_in(&self, metrics: &Metrics) {
        let all = [&self.before_sign_up, &self.after_sign_up, &self.mint_token, &self.send_mail];
        let kinds = all.into_iter().flatten().map(|hook| hook.kind);
        let _ = self.meter.set(HookMeter::new(metrics, kinds));
    }

    /// Asks whether an account may be made, and reads what is answered. Nothing where nobody is to be asked, or where whoever is
    /// does not answer and need not.
    pub(crate) async fn before_sign_up<T>(
        &self,
        trail: &Trail,
        request: impl FnOnce() -> pb::BeforeSignUpRequest,
        read: impl FnOnce(Decision) -> Result<T, Unusable>,
    ) -> Result<Option<T>, HookError> {
        let Some(hook) = &self.before_sign_up else { return Ok(None) };
        let call = hook.call(&self.signer, trail, request(), |mut client, request| async move {
            client.before_sign_up(request).await
        });
        let read = |answer: pb::BeforeSignUpResponse| answer.decision.ok_or(Unusable::NoDecision).and_then(read);
        self.judged(hook, hook.read(call.await, read))
    }

    /// Asks what a token says, and reads what is answered. Nothing as above. Fails before the caller stops waiting, also where the hook
    /// need not answer: nobody chooses by waiting too short that it is not asked.
    pub(crate) async fn mint_token<T>(
        &self,
        trail: &Trail,
        request: impl FnOnce() -> pb::MintTokenRequest,
        read: impl FnOnce(Struct) -> Result<T, Unusable>,
    ) -> Result<Option<T>, HookError> {
        let Some(hook) = &self.mint_token else { return Ok(None) };
        let call =
            hook.call(
                &self.signer,
                trail,
                request(),
                |mut client, request| async move { client.mint_token(request).await },
            );
        let read = |answer: pb::MintTokenResponse| read(answer.claims.unwrap_or_default());
        let answered = within(trail, hook.kind, async { Ok(hook.read(call.await, read)) }).await?;
        self.judged(hook, answered)
    }

    /// Whether somebody is told of accounts that were made.
    pub(crate) fn tells_after_sign_up(&self) -> bool {
        self.after_sign_up.is_some()
    }

    /// Tells that an account was made. Fails where there is nobody to be told, too.
    pub(crate) async fn after_sign_up(&self, request: pb::AfterSignUpRequest) -> Result<(), HookError> {
        let Some(hook) = &self.after_sign_up else { return Err(HookError::none(Kind::AfterSignUp)) };
        let nobody = Trail::of_process();
        let call = hook.call(&self.signer, &nobody, request, |mut client, request| async move {
            client.after_sign_up(request).await
        });
        self.counted(hook, hook.read(call.await, |_: pb::AfterSignUpResponse| Ok(())))
    }

    /// Hands a mail over. Fails where there is nobody to take it, too.
    pub(crate) async fn send_mail(&self, request: pb::SendMailRequest) -> Result<(), HookError> {
        let Some(hook) = &self.send_mail else { return Err(HookError::none(Kind::SendMail)) };
        let nobody = Trail::of_process();
        let call = hook
            .call(&self.signer, &nobody, request, |mut client, request| async move { client.send_mail(request).await });
        self.counted(hook, hook.read(call.await, |_: pb::SendMailResponse| Ok(())))
    }

    /// Tells the job that an account was made, and committed.
    pub(crate) fn wake(&self) {
        self.made.notify_one();
    }

    /// Waits until an account was made.
    pub(crate) async fn woken(&self) {
        self.made.notified().await;
    }

    /// Notes how many accounts are still to be told of.
    pub(crate) fn waiting(&self, sign_ups: u64) {
        if let Some(meter) = self.meter.get() {
            meter.waiting(sign_ups);
        }
    }

    /// Counts something that is not told any more.
    pub(crate) fn given_up(&self) {
        self.count(Kind::AfterSignUp, Outcome::GivenUp);
    }

    fn counted<T>(&self, hook: &Hook, called: Result<T, HookError>) -> Result<T, HookError> {
        self.count(hook.kind, called.as_ref().err().map_or(Outcome::Answered, Outcome::of));
        called
    }

    fn count(&self, kind: Kind, outcome: Outcome) {
        if let Some(meter) = self.meter.get() {
            meter.count(kind, outcome);
        }
    }

    /// Lets go on what may, where the hook failed.
    fn judged<T>(&self, hook: &Hook, called: Result<T, HookError>) -> Result<Option<T>, HookError> {
        match self.counted(hook, called) {
            Ok(answered) => Ok(Some(answered)),
            Err(error) if hook.on_failure == OnFailure::Open => {
                tracing::warn!(hook = hook.kind.word(), cause = chain(&error), "a hook failed; it goes on without it");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Ends before the caller stops waiting, which would end everything that is left to do.
async fn within<T>(
    trail: &Trail,
    kind: Kind,
    asked: impl Future<Output = Result<T, HookError>>,
) -> Result<T, HookError> {
    let Some(until) = trail.until().map(|until| until.checked_sub(MARGIN).unwrap_or(until)) else { return asked.await };
    timeout_at(until.into(), asked).await.unwrap_or(Err(HookError::Hurried(kind.word())))
}

fn on_failure(hook: Option<&AskedHook>) -> OnFailure {
    hook.map(|hook| hook.on_failure).unwrap_or_default()
}
