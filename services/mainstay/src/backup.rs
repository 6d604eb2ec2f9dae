//! `mainstay backup` and `mainstay restore`.

mod check;
mod drill;
mod parts;
mod postgres;
mod progress;
mod put;
mod take;

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

pub use parts::{Part, key_files, parts};
pub use postgres::left_behind;
pub use progress::size;

use mainstay_auth as auth;
use mainstay_backup::{Secret, give_way};
use mainstay_data as data;
use mainstay_gateway as gateway;
use mainstay_runtime::Shutdown;
use mainstay_runtime::process::{self, Common, Failure, Flags, Role};

use crate::cli::{Seal, ServeRole};
use crate::serve::AllSettings;

/// The longest passphrase that is read, in bytes.
const MAX_PASSPHRASE_BYTES: u64 = 4 * 1024;

/// The system that is backed up or restored: what its configuration says of it.
pub struct System {
    pub common: Common,
    pub auth: auth::Config,
    pub data: data::Config,
    pub gateway: gateway::Config,
}

/// Runs `mainstay backup`.
pub fn take(flags: &Flags, target: PathBuf, only: Vec<ServeRole>, seal: Seal, json: bool) -> ExitCode {
    run(flags, async move |system| take::take(&system, &target, &only, secret(seal)?, json).await)
}

/// Runs `mainstay restore`, or its drill in the folder given.
pub fn restore(
    flags: &Flags,
    file: PathBuf,
    seal: Seal,
    (verify, scratch): (bool, Option<PathBuf>),
    json: bool,
) -> ExitCode {
    run(flags, async move |system| {
        let secret = secret(seal)?;
        if verify {
            drill::drill(system, &file, scratch, secret, json).await
        } else {
            put::put(&system, &file, secret, json).await
        }
    })
}

/// Does the work on the configured system, below a server's priority. Whoever breaks it off finds nothing half-made.
fn run(flags: &Flags, work: impl AsyncFnOnce(System) -> Result<(), Failure>) -> ExitCode {
    let settings: AllSettings = match flags.load() {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let (mut common, auth, data, gateway) = settings.split(Role::All);
    common.telemetry.log = "warn".to_owned();
    give_way();
    process::run(common, env!("CARGO_PKG_VERSION"), async move |process| {
        let shutdown: Shutdown = process.shutdown.clone();
        let system = System { common: process.common.clone(), auth, data, gateway };
        tokio::select! {
            done = work(system) => done,
            () = shutdown.begun() => Err("broken off; nothing half-made was left that looks whole".into()),
        }
    })
}

/// Reads what seals.
fn secret(seal: Seal) -> Result<Secret, Failure> {
    if let Some(file) = seal.key_file {
        return Secret::key_file(&file).map_err(|error| match error {
            mainstay_backup::Error::Key(cause) => key_words(&file, &cause).into(),
            error => error.into(),
        });
    }
    let mut text = String::new();
    std::io::stdin().take(MAX_PASSPHRASE_BYTES + 2).read_to_string(&mut text)?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(Secret::passphrase(text)?)
}

fn key_words(file: &std::path::Path, error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!(
        "{}: {error}{cause}. A key for backups is made with `(umask 077; openssl rand -base64 32 > FILE)`; keep it where the \
         backups are not",
        file.display()
    )
}
