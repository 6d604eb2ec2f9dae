//! `mainstay admin erase`: somebody is erased, everywhere, and that is certified.
//!
//! What can be refused is asked first, and the certificate's file is made. Nobody acts as them any more before their rows are erased, so
//! that nothing comes after it; the account goes last, and with it the certificate is made. Whatever is broken off in between is gone on
//! with by the same command.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, ErrorKind, IsTerminal as _, Write as _};
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
    let auth = running(common, reach, Role::Auth)?;
    let rows = running(common, reach, Role::Data)?;
    let name = account_name(&auth, &wanted.account).await?;
    let backups = backups(wanted.backups.as_deref())?;
    let erase_account = |validate_only: bool, report: Value| pb::EraseAccountRequest {
        name: name.clone(),
        validate_only,
        report: report.to_string(),
        compact: wanted.compact,
        ..Default::default()
    };
    // What is refused is refused before anything is done: nobody of this uid, the last owner of an organisation.
    let first = erase_account(true, json!({"backups": &backups}));
    let _: pb::EraseAccountResponse = auth.call_patiently(&method("EraseAccount"), &first).await?;
    if !wanted.dry_run {
        confirm(&wanted, &name)?;
    }
    let mut file = wanted.certificate.as_deref().map(Certificate::create).transpose()?;
    if !wanted.dry_run {
        stop(&auth, &name).await?;
    }
    let erasure = erase_rows(&rows, &name, &wanted).await?;
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let descriptor = pool.get_message_by_name(REPORT).ok_or("the platform's contract has no report")?;
    let request = erase_account(wanted.dry_run, json!({"data": json_of(&descriptor, &erasure)?, "backups": backups}));
    let erased: pb::EraseAccountResponse = auth.call_patiently(&method("EraseAccount"), &request).await?;
    if let Some(Err(error)) = file.as_mut().map(|file| file.write(&erased.certificate)) {
        // It is in nobody's hands otherwise.
        say!("{}", erased.certificate);
        return Err(error);
    }
    tell(&wanted, &erasure, &erased);
    match erasure.resources.iter().map(|resource| resource.unfit_rows).sum::<i64>() {
        0 => Ok(()),
        unfit => Err(unfit_rows(unfit).into()),
    }
}

fn unfit_rows(unfit: i64) -> String {
    format!(
        "{unfit} rows could not be erased, as the certificate says: `mainstay admin export` shows them, and once they can be, the same command erases them"
    )
}

/// The file that the certificate comes to stand in: made before anything is done, and gone again where there is none.
struct Certificate {
    path: PathBuf,
    file: File,
    is_written: bool,
}

impl Certificate {
    fn create(path: &Path) -> Result<Certificate, Failure> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = made.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                format!("{} is there already: certificates are not written over", path.display())
            }
            _ => format!("{} cannot be written: {error}", path.display()),
        })?;
        Ok(Certificate { path: path.to_owned(), file, is_written: false })
    }

    fn write(&mut self, certificate: &str) -> Result<(), Failure> {
        let written = self.file.write_all(certificate.as_bytes()).and_then(|()| self.file.sync_all());
        written.map_err(|error| format!("{} cannot be written: {error}", self.path.display()))?;
        self.is_written = true;
        Ok(())
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        if !self.is_written {
            // Whoever calls again would find it in the way; that it is there is all that is wrong with it.
            drop(std::fs::remove_file(&self.path));
        }
    }
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

/// How many backups are named: the report has a size.
const NAMED_BACKUPS: usize = 50;

/// Counts the backups in a folder, and names the first, with when they were made.
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
    let made = |backup: Option<&(String, String)>| backup.map(|(made, _)| json!(made));
    let files: Vec<Value> =
        found.iter().take(NAMED_BACKUPS).map(|(made, file)| json!({"file": file, "made": made})).collect();
    Ok(json!({
        "told": "each holds what is erased until it is removed",
        "count": found.len(),
        "oldest": made(found.first()),
        "newest": made(found.last()),
        "files": files,
    }))
}

/// Says what was done.
fn tell(wanted: &Wanted, erasure: &data::Erasure, erased: &pb::EraseAccountResponse) {
    if wanted.json {
        say!("{}", erased.certificate);
        return;
    }
    for resource in erasure.resources.iter().filter(|resource| resource.rows > 0) {
        say!("{}: {} rows, {} changed", resource.r#type, resource.rows, resource.changed_rows);
        if resource.unfit_rows > 0 {
            say!("  {} rows could not be erased", resource.unfit_rows);
        }
        for field in &resource.fields {
            say!("  {} ({}): {}", field.field, field.class, words(field));
        }
    }
    for nobodys in &erasure.unowned {
        say!("not looked through, for its rows are nobody's: {nobodys}");
    }
    erasure.hidden.iter().for_each(|hidden| say!("still stored, and said by the contract no more: {hidden}"));
    if wanted.certificate.is_none() {
        say!("{}", erased.certificate);
    }
    match wanted.dry_run {
        true => say!("nothing was erased"),
        false => {
            say!("erased; the audit log has the certificate as {}", erased.certificate_hash);
            say!("the files of the rows: {}; those of the accounts: {}", erasure.storage, erased.storage);
        }
    }
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
