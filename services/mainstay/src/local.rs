//! How a command reaches a system: through the server that runs in the data directory, else the store itself.

use std::sync::Arc;

use bytes::Bytes;
use mainstay_db::{DataDir, Error, RunInfo};
use mainstay_fault::Fault;
use mainstay_identity::{OPERATOR, Principal, ServiceKeys};
use mainstay_runtime::channel::{Call, Channel, GrpcChannel, RemoteConfig};
use mainstay_runtime::process::{Common, Failure, Role};
use prost::Message;

/// What a command works on.
pub enum Target {
    /// A running server, as its operator.
    Server(Server),
    /// Nobody runs; the data directory is ours until this is dropped.
    Store(DataDir),
}

/// A running server.
pub struct Server {
    channel: Arc<dyn Channel>,
    address: String,
}

/// Finds the target. The first role is the one-process server, the second the process that holds what is needed.
pub fn target(common: &Common, role: Role) -> Result<Target, Failure> {
    let mut held = Vec::new();
    for role in [Role::All, role] {
        let folder = role.run_folder(&common.data_dir);
        match DataDir::lock(&folder) {
            Ok(directory) => held.push(directory),
            Err(locked @ Error::Locked { .. }) => {
                let info = RunInfo::read(&folder).ok_or(locked)?;
                return Ok(Target::Server(connect(common, &info)?));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let directory = held.swap_remove(0);
    Ok(Target::Store(directory))
}

fn connect(common: &Common, info: &RunInfo) -> Result<Server, Failure> {
    let ca_file = common.tls.as_ref().map(|tls| tls.cert_file.clone());
    let remote = RemoteConfig { url: info.address.clone(), ca_file };
    let credential = ServiceKeys::credential(OPERATOR, &info.secret);
    let channel = GrpcChannel::connect(&remote, Some(&credential))?;
    Ok(Server { channel: Arc::new(channel), address: info.address.clone() })
}

impl Server {
    /// Calls a method as the operator.
    pub async fn call<Q: Message, A: Message + Default>(&self, path: &str, request: &Q) -> Result<A, Failure> {
        let principal = Principal::service(OPERATOR, Vec::new());
        let call = Call::new(path, principal, Bytes::from(request.encode_to_vec()));
        let answer = self.channel.call(call).await.and_then(|reply| reply.unary());
        let bytes = answer.map_err(|fault| format!("the server at {} says: {}", self.address, words(&fault)))?;
        Ok(A::decode(bytes)?)
    }
}

/// A fault as a person reads it: the message, then each field.
fn words(fault: &Fault) -> String {
    let violations = fault.violations().iter().map(|v| format!("\n  {}: {}", v.field, v.description));
    std::iter::once(fault.text().to_owned()).chain(violations).collect()
}
