//! Opens the store, finds the contract to serve, and keeps it current.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mainstay_contract::{Contract, Diagnostic, Diagnostics};
use mainstay_db::{Database, Former, Lane};
use mainstay_keys::{KEY_BYTES, KeyEncryptionKey, KeySetting, SealingKey};
use mainstay_ledger::{Ledger, Plan, Reread, Stage, bind};
use mainstay_wire::PlanError;
use secrecy::ExposeSecret as _;

use crate::apply::{self, ApplyError, Consent, Kept, Made, dialect};
use crate::config::{Config, Options};
use crate::plans::Snapshot;
use crate::store::answers::Answers;
use crate::store::contracts::{Applied, ReadError};
use crate::store::{contracts, keys, migrations};

/// The SQLite file in the data directory.
pub const SQLITE_FILE: &str = "data.sqlite";

/// The purpose of the key that page tokens are sealed with.
const PAGE_KEY: &str = "page-token";

/// Where the key-encryption key and the database are configured.
const KEY_SETTING: KeySetting = KeySetting { setting: "data.key_encryption_key", database: "data.database_url" };

/// Why the data service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the database of the data service cannot be used")]
    Database(#[source] mainstay_db::Error),
    #[error(transparent)]
    Storage(#[from] mainstay_db::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error("{0}")]
    Contract(Diagnostics),
    #[error("the stored contract of revision {revision} no longer compiles with this version:\n{diagnostics}")]
    StoredContract { revision: i64, diagnostics: Diagnostics },
    #[error("the contract cannot be compiled into plans")]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Key(#[from] mainstay_keys::Error),
    #[error(transparent)]
    SealedWithAnotherKey(#[from] mainstay_keys::SealedWithAnotherKey),
    #[error(
        "data.key_encryption_key is not set. It seals the keys in the database; make one with \
         `openssl rand -base64 32` and set MAINSTAY__DATA__KEY_ENCRYPTION_KEY"
    )]
    NoKey,
}

/// The key that seals the others, where it is made in the data directory.
const KEY_FILE: &str = "keys/data";

/// What the data directory tells of former starts, before this one makes anything.
fn former_starts(options: &Options) -> Former {
    Former::of(&options.data_dir, "data", KEY_FILE, options.accept_empty)
}

/// Opens the store and brings the service's own tables up to date.
pub async fn open(config: &Config, options: &Options) -> Result<Database, StartError> {
    let mut store = config.store.clone();
    store.database_url.clone_from(&config.database_url);
    let opened = former_starts(options).open(&store, &options.data_dir.join(SQLITE_FILE)).await;
    let db = opened.map_err(StartError::Database)?;
    migrations::run(&db).await?;
    Ok(db)
}

/// Most answers that are moved in one transaction.
const MOVED_AT_ONCE: i64 = 500;

/// Finds the answers that were given. Takes over those that a former version remembered, so that no request is done twice
/// because of an upgrade.
pub async fn answers(db: &Database) -> Result<Arc<Answers>, mainstay_db::Error> {
    let answers = Answers::open(db).await?;
    loop {
        let into = Arc::clone(&answers);
        let moved = db.write(mainstay_db::Atomic::Transaction, move |conn| {
            let into = Arc::clone(&into);
            Box::pin(async move { into.move_former(conn, MOVED_AT_ONCE).await })
        });
        let moved: usize = moved.await?;
        if moved == 0 {
            return Ok(answers);
        }
        tracing::info!(moved, "answers to requests with an id have moved to their new table");
    }
}

/// Reads the key of page tokens, or makes it at the first start. Replicas that start at once agree on one.
pub async fn page_key(db: &Database, config: &Config, options: &Options, now: i64) -> Result<SealingKey, StartError> {
    let former = former_starts(options);
    let kek = key_encryption_key(config, options)?;
    let fresh = mainstay_keys::random::<KEY_BYTES>()?;
    let sealed_fresh = kek.seal(PAGE_KEY.as_bytes(), &fresh)?;
    let found = db.read(Lane::Heavy, |conn| Box::pin(async move { keys::find(conn, PAGE_KEY).await }));
    let sealed: Option<Vec<u8>> = found.await?;
    let sealed = match sealed {
        Some(sealed) => sealed,
        None => {
            former.refuse_empty(|| "the database".to_owned()).map_err(StartError::Database)?;
            let stored = db.write(mainstay_db::Atomic::Locked, move |conn| {
                let sealed = sealed_fresh.clone();
                Box::pin(async move {
                    keys::insert(conn, PAGE_KEY, &sealed, now).await?;
                    Ok::<_, mainstay_db::Error>(keys::find(conn, PAGE_KEY).await?.unwrap_or(sealed))
                })
            });
            stored.await?
        }
    };
    let opened = kek.open_stored(KEY_SETTING, "the key of page tokens", PAGE_KEY.as_bytes(), &sealed)?;
    former.record()?;
    Ok(SealingKey::from_bytes(&opened)?)
}

fn key_encryption_key(config: &Config, options: &Options) -> Result<KeyEncryptionKey, StartError> {
    match &config.key_encryption_key {
        Some(key) => Ok(KeyEncryptionKey::from_base64(key.expose_secret())?),
        None if options.development => Ok(KeyEncryptionKey::load_or_create(&options.data_dir.join(KEY_FILE))?),
        None => Err(StartError::NoKey),
    }
}

/// Reads what was applied last.
pub async fn newest(db: &Database) -> Result<Option<Applied>, ReadError> {
    db.read(Lane::Heavy, |conn| Box::pin(async move { contracts::newest(conn).await })).await
}

/// Compiles an applied contract into a snapshot.
pub fn snapshot(db: &Database, contract: Contract, applied: &Applied) -> Result<Snapshot, StartError> {
    let bound = bind(contract, &applied.ledger);
    Ok(Snapshot::new(bound, applied.revision, applied.applied_at, dialect(db.engine()))?)
}

/// Compiles the stored sources of an applied contract.
pub fn compile_stored(applied: &Applied) -> Result<Contract, StartError> {
    mainstay_contract::compile_applied(applied.sources.clone())
        .map_err(|diagnostics| StartError::StoredContract { revision: applied.revision, diagnostics })
}

/// Compiles an earlier contract of the store, for its names; nothing where there is none of this revision.
pub async fn former(db: &Database, revision: i64) -> Result<Option<Contract>, StartError> {
    let read = db.read(Lane::Heavy, move |conn| Box::pin(async move { contracts::at(conn, revision).await }));
    let read: Result<Option<Applied>, ReadError> = read.await;
    let Some(applied) = read? else { return Ok(None) };
    let compiled = tokio::task::spawn_blocking(move || compile_stored(&applied)).await;
    compiled.unwrap_or_else(|error| Err(StartError::Database(mainstay_db::Error::Internal(Arc::new(error))))).map(Some)
}

/// The snapshot before any contract was applied: it serves nothing.
pub fn empty(db: &Database) -> Result<Snapshot, StartError> {
    Ok(Snapshot::new(bind(Contract::empty(), &Ledger::empty()), 0, 0, dialect(db.engine()))?)
}

/// What became of the contract in the folder.
#[derive(Debug)]
pub enum FolderOutcome {
    /// There is no folder to look at.
    NoFolder,
    /// It is what is stored.
    UpToDate,
    /// It was applied.
    Applied(Box<Plan>),
    /// It differs from what is served, and production applies nothing by itself.
    Differs,
    /// It does not compile; what was applied before is served.
    Invalid(Diagnostics),
    /// Its plan holds a step that waits or is refused, and nothing else could be applied; what was applied before is served.
    Waiting(Box<Plan>),
    /// The same, and what can be without that step was applied.
    Partly { applied: Box<Plan>, waiting: Box<Plan> },
}

/// What is served after a start or a change of the folder.
pub struct Loaded {
    pub snapshot: Snapshot,
    pub outcome: FolderOutcome,
    /// The contract that is served, where steps outside the transaction may be left to do.
    pub unfinished: Option<Arc<Contract>>,
}

/// How often the folder is loaded again where somebody applied another contract meanwhile.
const MAX_ATTEMPTS: u32 = 5;

/// Loads the folder, applies it where that is allowed and safe, and says what to serve.
pub async fn load(db: &Database, options: &Options, now: i64) -> Result<Loaded, StartError> {
    let mut attempt = 1;
    loop {
        match load_once(db, options, now).await {
            Err(StartError::Apply(ApplyError::Overtaken)) if attempt < MAX_ATTEMPTS => attempt += 1,
            loaded => return loaded,
        }
    }
}

async fn load_once(db: &Database, options: &Options, now: i64) -> Result<Loaded, StartError> {
    let stored = newest(db).await?;
    let Some(folder) = &options.contracts else { return serve_stored(db, stored, FolderOutcome::NoFolder) };
    let contract = match read(folder) {
        // The texts of derived files are there to be exported; of a large contract they take as much as its descriptors.
        Ok(contract) => Contract { derived: Vec::new(), ..contract },
        // Without anything applied there is nothing else to serve, and a mistyped folder must not look like an empty one.
        Err(diagnostics) if stored.is_none() => return Err(StartError::Contract(diagnostics)),
        Err(diagnostics) => return serve_stored(db, stored, FolderOutcome::Invalid(diagnostics)),
    };
    if !options.development {
        return match stored {
            Some(applied) if applied.is(&contract) => serve(db, contract, &applied, FolderOutcome::UpToDate),
            stored => serve_stored(db, stored, FolderOutcome::Differs),
        };
    }
    // What is stored is read anew where it is needed: of a large contract it takes as much memory as what is made of it.
    let planned_from = stored.map(|applied| applied.revision);
    let contract = Arc::new(contract);
    match apply::apply(db, Arc::clone(&contract), Consent::to_nothing(options.stage()), now).await {
        Ok(made) => {
            let outcome = match made.changed {
                true => FolderOutcome::Applied(Box::new(made.plan.clone())),
                false => FolderOutcome::UpToDate,
            };
            serve_made(db, contract, &made, outcome)
        }
        Err(ApplyError::Refused(plan)) => load_partly(db, planned_from, &contract, plan, (options.stage(), now)).await,
        Err(error) => Err(error.into()),
    }
}

/// Applies what of the folder can be applied while some of it waits, and serves that.
async fn load_partly(
    db: &Database,
    planned_from: Option<i64>,
    wanted: &Contract,
    waiting: Box<Plan>,
    (stage, now): (Stage, i64),
) -> Result<Loaded, StartError> {
    let stored = newest(db).await?;
    if stored.as_ref().map(|applied| applied.revision) != planned_from {
        return Err(ApplyError::Overtaken.into());
    }
    let Some(served) = &stored else { return serve_stored(db, None, FolderOutcome::Waiting(waiting)) };
    let before = compile_stored(served)?;
    // What somebody accepted meanwhile must not be taken back.
    let consent = Consent { only_after: Some(served.revision), ..Consent::to_nothing(stage) };
    let (mut kept, mut blocked) = (Kept::default(), waiting.clone());
    while kept.keep(&blocked, stage) {
        let contract = loop {
            // What waits was applied, and what does not is in a contract that compiles.
            match mainstay_contract::compile_applied(kept.compose(&before, wanted)) {
                Ok(contract) => break Some(Arc::new(contract)),
                Err(_) if kept.keep_whole() => {}
                Err(_) => break None,
            }
        };
        // What waits is needed by what does not.
        let Some(contract) = contract else { break };
        match apply::apply(db, Arc::clone(&contract), consent.clone(), now).await {
            Ok(made) => {
                let outcome = match made.changed {
                    true => FolderOutcome::Partly { applied: Box::new(made.plan.clone()), waiting },
                    false => FolderOutcome::Waiting(waiting),
                };
                return serve_made(db, contract, &made, outcome);
            }
            Err(ApplyError::Refused(plan)) => blocked = plan,
            Err(error) => return Err(error.into()),
        }
    }
    serve_stored(db, stored, FolderOutcome::Waiting(waiting))
}

/// Reads and compiles the contract in a folder.
pub fn read(folder: &Path) -> Result<Contract, Diagnostics> {
    mainstay_contract::compile(mainstay_contract::read_folder(folder)?)
}

fn serve(db: &Database, contract: Contract, applied: &Applied, outcome: FolderOutcome) -> Result<Loaded, StartError> {
    say_what_to_look_at(&contract, applied);
    let unfinished = Some(Arc::new(contract.clone()));
    Ok(Loaded { snapshot: snapshot(db, contract, applied)?, outcome, unfinished })
}

/// Serves what was applied, or was already. Only where steps outside the transaction are left has it to be planned again.
fn serve_made(
    db: &Database,
    contract: Arc<Contract>,
    made: &Made,
    outcome: FolderOutcome,
) -> Result<Loaded, StartError> {
    let unfinished = made.plan.outside().next().map(|_| Arc::clone(&contract));
    say_what_to_look_at(&contract, &made.applied);
    Ok(Loaded { snapshot: snapshot(db, Arc::unwrap_or_clone(contract), &made.applied)?, outcome, unfinished })
}

/// Logs what whoever starts a contract should look at, though it is served.
fn say_what_to_look_at(contract: &Contract, applied: &Applied) {
    contract.warnings.iter().for_each(log_warning);
    applied.ledger.reread(contract).iter().for_each(log_reread);
}

/// A contract with warnings is served, and whoever reads the log is told what to look at.
fn log_warning(warning: &Diagnostic) {
    let place = format!("{}:{}:{}", warning.file, warning.line, warning.column);
    let help = warning.help.as_deref().unwrap_or_default();
    tracing::warn!(%place, help, "the contract: {}", warning.message);
}

/// What was applied goes on being served, and whoever upgraded is told what it says otherwise, until it is applied again.
fn log_reread(reread: &Reread) {
    let Reread { field, pattern, differs, place } = reread;
    tracing::warn!(
        %place, field, pattern,
        "the contract: a pattern is read in RE2's dialect, which the version that applied it did not: {differs}; look at it, and \
         apply the contract again"
    );
}

fn serve_stored(db: &Database, stored: Option<Applied>, outcome: FolderOutcome) -> Result<Loaded, StartError> {
    match stored {
        Some(applied) => serve(db, compile_stored(&applied)?, &applied, outcome),
        None => Ok(Loaded { snapshot: empty(db)?, outcome, unfinished: None }),
    }
}

/// How long to wait between looks at the store.
pub fn poll_interval(config: &Config) -> Duration {
    Duration::from_millis(config.contract_poll_ms.max(50))
}

impl std::fmt::Display for FolderOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FolderOutcome::NoFolder => "no contract folder is configured",
            FolderOutcome::UpToDate => "schema up to date",
            FolderOutcome::Applied(_) => "applied",
            FolderOutcome::Differs => "the folder differs from what is served; apply it with `mainstay contract apply`",
            FolderOutcome::Invalid(_) => "the folder does not compile; what was applied before is served",
            FolderOutcome::Waiting(_) => "the plan waits for you; what was applied before is served",
            FolderOutcome::Partly { .. } => "applied in part; the rest waits for you",
        })
    }
}
