//! `mainstay admin erase`: somebody is erased, everywhere, and that is certified.
//!
//! Nobody acts as them any more before their rows are erased, so that nothing comes after it; the account goes last, and with it the
//! certificate is made. Whatever is broken off in between is gone on with by the same command.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mainstay_backup::Header;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::data::v1 as data;
use mainstay_runtime::process::{Common, Failure, Role};
use prost_reflect::DescriptorPool;
use serde_json::{Value, json};

use super::export::{account_name, is_gone, json_of, running};
use super::method;
use crate::cli::Reach;
use crate::local::Server;
use crate::say::say;

const REPORT: &str = "mainstay.data.v1.Erasure";

/// After so long no token of an account that was disabled is good anywhere.
const REVOKED: Duration = Duration::from_secs(6);

/// What is wanted.
pub struct Wanted {
    pub account: String,
    pub dry_run: bool,
    pub certificate: Option<PathBuf>,
    pub backups: Option<PathBuf>,
    pub compact: bool,
    pub yes: bool,
    pub json: bool,
}

/// Does it, or says what would be done.
pub async fn erase(common: &Common, reach: &Reach, wanted: Wanted) -> Result<(), Failure> {
    if let Some(file) = wanted.certificate.as_ref().filter(|file| file.exists()) {
        return Err(format!("{} is there already: certificates are not written over", file.display()).into());
    }
    let auth = running(common, reach, Role::Auth)?;
    let rows = running(common, reach, Role::Data)?;
    let name = account_name(&auth, &wanted.account).await?;
    if !wanted.dry_run {
        confirm(&wanted, &name)?;
        stop(&auth, &name).await?;
    }
    let erasure = erase_rows(&rows, &name, &wanted).await?;
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let descriptor = pool.get_message_by_name(REPORT).ok_or("the platform's contract has no report")?;
    let report = json!({
        "data": json_of(&descriptor, &erasure)?,
        "backups": backups(wanted.backups.as_deref())?,
    });
    let request = pb::EraseAccountRequest {
        name,
        validate_only: wanted.dry_run,
        report: report.to_string(),
        compact: wanted.compact,
        ..Default::default()
    };
    let erased: pb::EraseAccountResponse = auth.call_patiently(&method("EraseAccount"), &request).await?;
    tell(&wanted, &erasure, &erased)
}

/// Asks whoever sits there, unless they have said that they mean it.
fn confirm(wanted: &Wanted, name: &str) -> Result<(), Failure> {
    if wanted.yes {
        return Ok(());
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(
            format!("{name} would be erased for good; say --yes to do it, or --dry-run to see what that is").into()
        );
    }
    let mut out = std::io::stderr().lock();
    write!(out, "{name} ({}) is erased for good, and there is no way back. Type `erase` to go on: ", wanted.account)?;
    out.flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    if answer.trim() == "erase" { Ok(()) } else { Err("nothing was erased".into()) }
}

/// Lets nobody act as the account any more, and waits until that is so everywhere.
async fn stop(auth: &Server, name: &str) -> Result<(), Failure> {
    let request = pb::GetAccountRequest { name: name.to_owned() };
    let account: Result<pb::Account, Failure> = auth.call(&method("GetAccount"), &request).await.map_err(Failure::from);
    match account {
        Ok(account) if account.disable_time.is_none() => {
            let request = pb::DisableAccountRequest { name: name.to_owned(), etag: String::new() };
            let _: pb::Account = auth.call(&method("DisableAccount"), &request).await?;
            tokio::time::sleep(REVOKED).await;
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Erases what is personal in the rows, and says how far it is to whoever sits there.
async fn erase_rows(rows: &Server, name: &str, wanted: &Wanted) -> Result<data::Erasure, Failure> {
    let request =
        data::EraseSubjectRequest { account: name.to_owned(), validate_only: wanted.dry_run, compact: wanted.compact };
    let watches = std::io::stderr().is_terminal();
    let mut erasure = None;
    let path = "/mainstay.data.v1.SubjectService/EraseSubject";
    let each = |told: data::EraseSubjectResponse| {
        if watches {
            write!(std::io::stderr(), "\r{} rows", told.rows)?;
        }
        if told.erasure.is_some() {
            erasure = told.erasure;
        }
        Ok(())
    };
    rows.stream(path, &request, each).await?;
    if watches {
        writeln!(std::io::stderr())?;
    }
    erasure.ok_or_else(|| "the server stopped before all rows were erased: run the command again".into())
}

/// Names the backups in a folder, with when they were made.
fn backups(folder: Option<&Path>) -> Result<Value, Failure> {
    let Some(folder) = folder else {
        return Ok(
            json!({"told": "not known here: what was backed up before holds what is erased until it is removed"}),
        );
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        if let Some(header) = Header::peek(&path) {
            let file = path.file_name().map(|name| name.to_string_lossy().into_owned());
            found.push((header.made, file.unwrap_or_default()));
        }
    }
    found.sort();
    let files: Vec<Value> = found.iter().map(|(made, file)| json!({"file": file, "made": made})).collect();
    Ok(json!({"told": "each holds what is erased until it is removed", "files": files}))
}

/// Says what was done.
fn tell(wanted: &Wanted, erasure: &data::Erasure, erased: &pb::EraseAccountResponse) -> Result<(), Failure> {
    if let Some(file) = wanted.certificate.as_ref() {
        let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        let mut opened = opened.map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
        opened.write_all(erased.certificate.as_bytes())?;
        opened.sync_all()?;
    }
    if wanted.json {
        say!("{}", erased.certificate);
        return Ok(());
    }
    for resource in erasure.resources.iter().filter(|resource| resource.rows > 0) {
        say!("{}: {} rows, {} changed", resource.r#type, resource.rows, resource.changed_rows);
        for field in &resource.fields {
            say!("  {} ({}): {}", field.field, field.class, words(field));
        }
    }
    erasure.hidden.iter().for_each(|hidden| say!("still stored, and said by the contract no more: {hidden}"));
    if wanted.certificate.is_none() {
        say!("{}", erased.certificate);
    }
    match wanted.dry_run {
        true => say!("nothing was erased"),
        false => say!("erased; the audit log has the certificate as {}", erased.certificate_hash),
    }
    Ok(())
}

fn words(field: &data::ErasedField) -> String {
    let kept = format!("kept ({})", field.reason);
    let counts = [
        (field.emptied, "emptied"),
        (field.pseudonymised, "pseudonymised"),
        (field.kept, kept.as_str()),
        (field.unfit, "emptied against the contract"),
    ];
    let told: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    told.join(", ")
}
