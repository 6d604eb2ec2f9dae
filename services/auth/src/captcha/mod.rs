//! CAPTCHAs: whether one was solved is asked of whoever made it, by the form call that the providers share (`siteverify`).
//!
//! The call is made before anything is stored, hashed or sent. The provider takes a token once.

mod config;
mod meter;

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{Method, Request};
use mainstay_outbound::{Client, IsJson as _};
use mainstay_telemetry::Metrics;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Semaphore;
use url::form_urlencoded;

pub use config::{CaptchaConfig, CaptchaProvider};
use meter::{CaptchaMeter, Outcome};

use crate::hooks::OnFailure;

/// How long a check takes at most: waiting for others, the connection, and the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The statuses by which a provider refuses to read a request (RFC 9110 section 15.5). Others may be of an address that is wrong, or of
/// what lies before it.
const NOT_READ: [u16; 4] = [400, 413, 414, 422];

/// Longest token; the longest that a provider gives has some 2 KiB.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Largest answer of a provider.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// How many calls are on their way at a time.
const AT_ONCE: usize = 64;

/// What a provider says is wrong where the settings are.
const OURS: [&str; 3] = ["missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch"];

/// Why a call is not let on.
#[derive(Debug, thiserror::Error)]
pub enum CaptchaError {
    #[error("a CAPTCHA has to be solved")]
    Required,
    #[error("the CAPTCHA was not solved: {0}")]
    Failed(&'static str),
    #[error("the provider of CAPTCHAs does not answer as it should")]
    Unavailable(#[source] NotAnswered),
}

/// Why it is not known whether one was solved.
#[derive(Debug, thiserror::Error)]
pub enum NotAnswered {
    #[error(transparent)]
    NotCalled(#[from] mainstay_outbound::Error),
    #[error("it answered with the status {0}, or not as JSON")]
    NoJson(u16),
    #[error("it did not answer in time")]
    Late,
    #[error("it answered with what cannot be read")]
    Unreadable,
    #[error("it does not know the secret in auth.captcha.secret")]
    Secret,
    #[error("auth.captcha.verify_url cannot be called")]
    Address(#[source] http::Error),
}

/// What a provider answers.
#[derive(Deserialize)]
struct Answer {
    success: bool,
    hostname: Option<String>,
    #[serde(rename = "error-codes", default)]
    error_codes: Vec<String>,
}

/// CAPTCHAs as this installation wants them.
pub(crate) struct Captcha {
    address: String,
    secret: SecretString,
    hosts: Vec<String>,
    send_address: bool,
    on_failure: OnFailure,
    outside: Client,
    places: Semaphore,
    /// Nothing before jobs are started.
    meter: OnceLock<CaptchaMeter>,
}

impl Captcha {
    /// Takes the settings, whose problems were looked for before. `own`: the host of `public_url`.
    pub(crate) fn new(config: &CaptchaConfig, outside: Client, own: Option<&str>) -> Captcha {
        let own = own.filter(|_| config.hosts.is_empty()).map(str::to_owned);
        Captcha {
            address: config.address().to_owned(),
            secret: config.secret.clone().unwrap_or_default(),
            hosts: config.hosts.iter().cloned().chain(own).collect(),
            send_address: config.send_address,
            on_failure: config.on_failure,
            outside,
            places: Semaphore::new(AT_ONCE),
            meter: OnceLock::new(),
        }
    }

    /// Counts from now on what becomes of checks.
    pub(crate) fn count_in(&self, metrics: &Metrics) {
        let _ = self.meter.set(CaptchaMeter::new(metrics));
    }

    /// Checks a token, which is worth nothing after that. `peer`: the address that the call comes from.
    pub(crate) async fn check(&self, token: &str, peer: Option<IpAddr>) -> Result<(), CaptchaError> {
        let judged = self.judge(token, peer).await;
        if let Some(meter) = self.meter.get() {
            meter.count(Outcome::of(&judged));
        }
        match judged {
            Err(CaptchaError::Unavailable(cause)) if self.on_failure == OnFailure::Open => {
                let cause = crate::hooks::chain(&cause);
                tracing::warn!(cause, "a CAPTCHA could not be checked; it goes on without");
                Ok(())
            }
            judged => judged,
        }
    }

    async fn judge(&self, token: &str, peer: Option<IpAddr>) -> Result<(), CaptchaError> {
        if token.is_empty() {
            return Err(CaptchaError::Required);
        }
        if token.len() > MAX_TOKEN_BYTES || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CaptchaError::Failed("its token is too long, or none that a provider gives"));
        }
        let asked = tokio::time::timeout(PATIENCE, self.ask(token, peer)).await;
        let answer = match asked.unwrap_or(Err(NotAnswered::Late)) {
            // What it refuses to read is no token of its own.
            Err(NotAnswered::NoJson(status)) if NOT_READ.contains(&status) => {
                return Err(CaptchaError::Failed("the provider refuses to read its token"));
            }
            answered => answered.map_err(CaptchaError::Unavailable)?,
        };
        if answer.error_codes.iter().any(|code| OURS.contains(&code.as_str())) {
            return Err(CaptchaError::Unavailable(NotAnswered::Secret));
        }
        if !answer.success {
            return Err(CaptchaError::Failed("the provider says so"));
        }
        let is_ours = |host: &str| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
        if self.hosts.is_empty() || answer.hostname.as_deref().is_some_and(is_ours) {
            Ok(())
        } else {
            Err(CaptchaError::Failed("it was solved on another host"))
        }
    }

    fn form(&self, token: &str, peer: Option<IpAddr>) -> Vec<u8> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("secret", self.secret.expose_secret()).append_pair("response", token);
        if let Some(peer) = peer.filter(|_| self.send_address) {
            form.append_pair("remoteip", &peer.to_canonical().to_string());
        }
        form.finish().into_bytes()
    }

    async fn ask(&self, token: &str, peer: Option<IpAddr>) -> Result<Answer, NotAnswered> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.address)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.form(token, peer))
            .map_err(NotAnswered::Address)?;
        // Nobody closes it.
        let _place = self.places.acquire().await;
        let answer = self.outside.send(request, MAX_ANSWER_BYTES).await?;
        let json = answer.json().ok_or(NotAnswered::NoJson(answer.status().as_u16()))?;
        serde_json::from_slice(json).map_err(|_| NotAnswered::Unreadable)
    }
}
