//! How a command reaches a system: through the server that runs in the data directory, else the store itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use mainstay_db::{DataDir, Error, RunInfo};
use mainstay_fault::Fault;
use mainstay_identity::{OPERATOR, Principal, ServiceKeys};
use mainstay_runtime::channel::{Call, Channel, GrpcChannel, RemoteConfig, Reply, Target as Method};
use mainstay_runtime::process::{Common, Failure, Role};
use prost::Message;

use crate::cli::Reach;

/// What a command works on.
pub enum Target {
    /// A running server, as its operator.
    Server(Server),
    /// Nobody runs; the data directory is ours until this is dropped.
    Store(DataDir),
}

/// How long what has to be waited for is waited for.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// A running server.
pub struct Server {
    channel: Arc<dyn Channel>,
    address: String,
}

/// Finds the target. The first role is the one-process server, the second the process that holds what is needed.
pub fn target(common: &Common, reach: &Reach, role: Role) -> Result<Target, Failure> {
    let mut held = Vec::new();
    for role in [Role::All, role] {
        let folder = role.run_folder(&common.data_dir);
        match DataDir::lock(&folder) {
            Ok(directory) => held.push(directory),
            Err(locked @ Error::Locked { .. }) => {
                let info = RunInfo::read(&folder).ok_or(locked)?;
                return Ok(Target::Server(connect(common, reach, info)?));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let directory = held.swap_remove(0);
    Ok(Target::Store(directory))
}

fn connect(common: &Common, reach: &Reach, info: RunInfo) -> Result<Server, Failure> {
    let configured = common.tls.as_ref().map(|tls| &tls.cert_file);
    let ca_file = reach.ca_file.as_ref().or(configured).cloned();
    let address = reach.server.clone().unwrap_or(info.address);
    let (certificate_file, key_file) = (reach.cert_file.clone(), reach.key_file.clone());
    let remote = RemoteConfig { url: address.clone(), ca_file, certificate_file, key_file };
    let credential = ServiceKeys::credential(OPERATOR, &info.secret);
    let channel = GrpcChannel::connect(&remote, Some(&credential))?;
    Ok(Server { channel: Arc::new(channel), address })
}

impl Server {
    /// Calls a method as the operator.
    pub async fn call<Q: Message, A: Message + Default>(&self, path: &str, request: &Q) -> Result<A, CallError> {
        let principal = Principal::service(OPERATOR, Vec::new());
        let call = Call::new(path, principal, Bytes::from(request.encode_to_vec()));
        let answer = self.channel.call(call).await.and_then(|reply| reply.message());
        let decoded = answer.and_then(|bytes| A::decode(bytes).map_err(Fault::internal));
        decoded.map_err(|fault| self.error(fault))
    }

    /// The same for as long as it takes.
    pub async fn call_patiently<Q: Message, A: Message + Default>(
        &self,
        path: &str,
        request: &Q,
    ) -> Result<A, CallError> {
        let call = self.of_operator(Method::new(path), request).deadline(Instant::now() + PATIENCE);
        let answer = self.channel.call(call).await.and_then(|reply| reply.message());
        answer.and_then(|bytes| A::decode(bytes).map_err(Fault::internal)).map_err(|fault| self.error(fault))
    }

    /// Calls a method that answers with a stream, as the operator, and hands over each message.
    pub async fn stream<Q: Message, A: Message + Default>(
        &self,
        path: &str,
        request: &Q,
        mut each: impl FnMut(A) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let call = self.of_operator(Method::new(path).streaming(), request);
        let answer = self.channel.call(call).await.and_then(Reply::stream);
        let mut messages = answer.map_err(|fault| self.error(fault))?;
        while let Some(message) = messages.next().await {
            let decoded = message.and_then(|bytes| A::decode(bytes).map_err(Fault::internal));
            each(decoded.map_err(|fault| self.error(fault))?)?;
        }
        Ok(())
    }

    fn of_operator<Q: Message>(&self, method: Method, request: &Q) -> Call {
        Call::new(method, Principal::service(OPERATOR, Vec::new()), Bytes::from(request.encode_to_vec()))
    }

    fn error(&self, fault: Fault) -> CallError {
        let address = self.address.clone();
        match deepest(&fault) {
            None => CallError::Refused { address, fault },
            Some(cause) => match cause.strip_prefix(PEER) {
                Some(why) => CallError::Untrusted { address, help: help(why), why: why.to_owned() },
                None => CallError::Unreachable { address, why: cause },
            },
        }
    }
}

/// Why a call to the running server has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("the certificate of the server at {address} is not trusted: {why}\n  help: {help}")]
    Untrusted { address: String, why: String, help: &'static str },
    #[error("the server at {address} cannot be reached: {why}")]
    Unreachable { address: String, why: String },
    #[error("the server at {address} says: {}", words(fault))]
    Refused { address: String, fault: Fault },
}

/// How rustls begins to speak of a certificate that it refuses.
const PEER: &str = "invalid peer certificate: ";

/// The first of the causes; nothing where the server answered.
fn deepest(fault: &Fault) -> Option<String> {
    let mut cause = std::error::Error::source(fault)?;
    while let Some(next) = cause.source() {
        cause = next;
    }
    Some(cause.to_string())
}

/// What to do about it.
fn help(why: &str) -> &'static str {
    if why.contains("CaUsedAsEndEntity") {
        "it is the certificate of an authority; make one for a server \
         (openssl req -x509 … -addext basicConstraints=critical,CA:FALSE)"
    } else if why.contains("not valid for") || why.contains("NotValidForName") {
        "name the server as its certificate does: --server https://NAME:PORT"
    } else if why.contains("UnknownIssuer") || why.contains("BadSignature") {
        "name the file of the authority that vouches for it, or of the certificate itself: --ca-file FILE, or tls.cert_file \
         in the server's configuration (--config FILE)"
    } else {
        "renew it, and give the server the new files with SIGHUP; or stop the server, and the command opens the store itself"
    }
}

/// A fault as a person reads it: the message, then each field.
fn words(fault: &Fault) -> String {
    let violations = fault.violations().iter().map(|v| format!("\n  {}: {}", v.field, v.description));
    std::iter::once(fault.text().to_owned()).chain(violations).collect()
}
