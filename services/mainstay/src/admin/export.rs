//! `mainstay admin export`: everything that is held of somebody.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::data::v1 as data;
use mainstay_runtime::process::{Common, Failure, Role};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};

use super::look_up;
use crate::cli::Reach;
use crate::local::{CallError, Server, Target, target};
use crate::say::say;

const ITEM: &str = "mainstay.auth.v1.ExportAccountResponse";
const ROW: &str = "mainstay.data.v1.ExportSubjectResponse";

/// Writes it down, or prints it.
pub async fn export(common: &Common, reach: &Reach, account: &str, output: Option<&Path>) -> Result<(), Failure> {
    let auth = running(common, reach, Role::Auth)?;
    let rows = running(common, reach, Role::Data)?;
    let name = account_name(&auth, account).await?;
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let message = |name: &str| pool.get_message_by_name(name).ok_or("the platform's contract has no such message");
    let (item, row) = (message(ITEM)?, message(ROW)?);
    let mut lines = Lines::open(output, "account.jsonl")?;
    let request = pb::ExportAccountRequest { name: name.clone() };
    let path = "/mainstay.auth.v1.AccountService/ExportAccount";
    let exported =
        auth.stream(path, &request, |told: pb::ExportAccountResponse| lines.put(&json_of(&item, &told)?)).await;
    match exported {
        // What rows hold of who is gone is exported all the same.
        Err(error) if is_gone(&error) => {}
        other => other?,
    }
    let items = lines.end()?;
    let mut lines = Lines::open(output, "rows.jsonl")?;
    let request = data::ExportSubjectRequest { account: name };
    let path = "/mainstay.data.v1.SubjectService/ExportSubject";
    rows.stream(path, &request, |told: data::ExportSubjectResponse| lines.put(&row_of(&row, &told)?)).await?;
    let rows = lines.end()?;
    if let Some(folder) = output {
        say!("{items} items of the account and {rows} rows are in {}", folder.display());
    }
    Ok(())
}

/// The server that serves what is needed: whoever exports or erases somebody does not do so behind its back.
pub fn running(common: &Common, reach: &Reach, role: Role) -> Result<Server, Failure> {
    match target(common, reach, role)? {
        Target::Server(server) => Ok(server),
        Target::Store(_) => Err("no server runs on this data directory: start it with `mainstay serve` first".into()),
    }
}

/// The name of an account, by its address or its uid.
pub async fn account_name(auth: &Server, account: &str) -> Result<String, Failure> {
    if account.contains('@') { Ok(look_up(auth, account).await?.name) } else { Ok(format!("accounts/{account}")) }
}

/// Whether there is no such account any more.
pub fn is_gone(error: &Failure) -> bool {
    let refused = error.downcast_ref::<CallError>();
    matches!(refused, Some(CallError::Refused { fault, .. }) if fault.reason() == Some(Reason::ResourceNotFound))
}

/// A message as the API writes it.
pub fn json_of<M: prost::Message>(descriptor: &MessageDescriptor, message: &M) -> Result<Value, Failure> {
    let message = DynamicMessage::decode(descriptor.clone(), message.encode_to_vec().as_slice())?;
    Ok(serde_json::to_value(&message)?)
}

/// A row, with what is JSON in it as that.
fn row_of(descriptor: &MessageDescriptor, row: &data::ExportSubjectResponse) -> Result<Value, Failure> {
    let mut told = json_of(descriptor, row)?;
    told["record"] = serde_json::from_str(&row.record)?;
    for (index, transition) in row.transitions.iter().enumerate().filter(|(_, own)| !own.inputs.is_empty()) {
        told["transitions"][index]["inputs"] = serde_json::from_str(&transition.inputs)?;
    }
    Ok(json!({ "row": told }))
}

/// Lines of JSON on their way into a file that nobody else reads, or to whoever reads what is printed.
struct Lines {
    file: Option<BufWriter<std::fs::File>>,
    count: usize,
}

impl Lines {
    fn open(folder: Option<&Path>, name: &str) -> Result<Lines, Failure> {
        let Some(folder) = folder else { return Ok(Lines { file: None, count: 0 }) };
        std::fs::create_dir_all(folder)?;
        let path = folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        Ok(Lines { file: Some(BufWriter::new(file)), count: 0 })
    }

    fn put(&mut self, value: &Value) -> Result<(), Failure> {
        self.count += 1;
        match &mut self.file {
            Some(file) => writeln!(file, "{value}")?,
            None => say!("{value}"),
        }
        Ok(())
    }

    fn end(mut self) -> Result<usize, Failure> {
        if let Some(file) = &mut self.file {
            file.flush()?;
        }
        Ok(self.count)
    }
}
