//! The command line's words.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use mainstay_runtime::process::Flags;

/// The application backend as three gRPC services: auth, data and gateway
#[derive(Debug, Parser)]
#[command(name = "mainstay", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub flags: Flags,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve all three services in one process, or one of them
    Serve {
        /// Serve only this one
        role: Option<ServeRole>,
        /// Fill empty tables from this file before serving (only with all three)
        #[arg(long, value_name = "FILE")]
        seed: Option<PathBuf>,
    },
    /// Begin an application: a folder with a contract and a seed
    Init {
        /// What it is called: the contract's package becomes NAME.v1
        name: String,
        /// Make it in this folder; absent: in a new one of its name
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Check, plan, apply and look at contracts
    Contract {
        #[command(subcommand)]
        command: ContractCommand,
        #[command(flatten)]
        reach: Reach,
    },
    /// Try the rules of a contract out
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Serve an editor by the Language Server Protocol, over stdin and stdout: problems, completion, and what things mean
    Lsp {
        /// The folder with the contract; absent: where the package of the first opened file begins
        folder: Option<PathBuf>,
    },
    /// Back up all stores and keys into one sealed file, while the server runs or when it does not
    Backup {
        /// The file to write, or a folder, in which it gets a name with the time
        #[arg(value_name = "DIR|FILE")]
        target: PathBuf,
        /// Back up only this service's store, where the others are elsewhere; may be given several times
        #[arg(long, value_name = "SERVICE")]
        only: Vec<ServeRole>,
        #[command(flatten)]
        seal: Seal,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a backup into an empty data directory, or try it out with --verify
    Restore {
        /// The file that `mainstay backup` wrote
        file: PathBuf,
        /// Restore aside, check everything, remove it again: a drill that touches nothing
        #[arg(long)]
        verify: bool,
        /// Where the drill works; absent: beside the file
        #[arg(long, value_name = "DIR", requires = "verify")]
        scratch: Option<PathBuf>,
        #[command(flatten)]
        seal: Seal,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look a system over: settings, files, machine, stores and services; exits with 2 where there is a problem
    Doctor {
        /// Take for a problem what only development may have
        #[arg(long)]
        production: bool,
        /// Let the engine read every page of SQLite stores, which takes a while
        #[arg(long)]
        pages: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at what was done to accounts, and verify that the log of it is whole
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
        #[command(flatten)]
        reach: Reach,
    },
    /// Administer accounts, through the running server or the store
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
        #[command(flatten)]
        reach: Reach,
    },
}

/// How a command reaches the server that runs on the data directory.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Reach {
    /// Reach the running server here, for example by a name that its certificate has
    #[arg(long, value_name = "URL", global = true)]
    pub server: Option<String>,
    /// Trust the certificates in this PEM file; absent: that of tls.cert_file, or the public authorities
    #[arg(long, value_name = "FILE", global = true)]
    pub ca_file: Option<PathBuf>,
    /// Show the server the certificate in this PEM file, where it asks for one (tls.client_ca_file)
    #[arg(long, value_name = "FILE", global = true, requires = "key_file")]
    pub cert_file: Option<PathBuf>,
    /// Prove it with the key in this PEM file
    #[arg(long, value_name = "FILE", global = true, requires = "cert_file")]
    pub key_file: Option<PathBuf>,
}

/// What seals a backup: stores hold password hashes and what people wrote, and keys open what the stores hide.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Seal {
    /// Read the passphrase from standard input, 12 characters at least
    #[arg(long)]
    pub passphrase_stdin: bool,
    /// Use the key in this file: 32 bytes in base64, mode 0600 (`openssl rand -base64 32`)
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServeRole {
    Auth,
    Data,
    Gateway,
}

#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// Compile a contract and report every problem
    Check {
        /// The folder with the contract; absent: that of the configuration
        folder: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show every difference between a contract and what is served; exits with 2 where a step waits or is refused
    Plan {
        /// The folder with the contract; absent: that of the configuration
        folder: Option<PathBuf>,
        /// Also drop what was removed from the contract and has been hidden for 30 days, with its values
        #[arg(long)]
        purge: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what one contract says otherwise than another, to clients and to who may do what; exits with 2 where something of
    /// it is to be looked at
    Diff {
        /// A folder; a revision of git (`main`, the other side's folder then, or `main:PATH`); `served`, or the server's URL
        before: String,
        /// The same; absent: the folder of the configuration
        after: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Migrate the database to a contract and serve it
    Apply {
        /// The folder with the contract; absent: that of the configuration
        folder: Option<PathBuf>,
        /// Apply only if the plan is still the one with this hash
        #[arg(long, value_name = "HASH")]
        plan_hash: Option<String>,
        /// Let this step run although it waits; may be given several times
        #[arg(long, value_name = "STEP")]
        accept: Vec<String>,
        /// Also drop what was removed from the contract and has been hidden for 30 days, with its values
        #[arg(long)]
        purge: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the full .proto files (what was written, the derived services, the auth service's contract and what they
    /// import), and remove those that an earlier export left
    Export {
        /// The folder with the contract; absent: that of the configuration
        folder: Option<PathBuf>,
        /// Write into this folder
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Show a rule, its SQL on both engines, the statements of a verb, and how they find rows: `Order.update`
    Explain {
        /// Message and verb: `Order.read`, `shop.v1.Order.update`
        what: String,
        /// The folder with the contract; absent: that of the configuration
        folder: Option<PathBuf>,
        /// The URL of a PostgreSQL database with the contract's tables, which says how it finds rows
        #[arg(long)]
        database: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Play calls by invented callers on invented rows, as files say, and compare what becomes of them; exits with 1 where
    /// something else does
    Test {
        /// Files in YAML or JSON: `now`, `callers`, `rows` (as in a seed) and `tests`
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Read the whole log and say whether it is what was written; exits with 2 where it is not
    Verify {
        /// Compare with a place that was noted before, to notice that the end was cut off
        #[arg(long, value_name = "SEQUENCE:HASH", value_parser = known_place)]
        known: Option<(i64, String)>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List what was done, the newest first
    List {
        /// Only to the account with this address
        #[arg(long, value_name = "EMAIL")]
        account: Option<String>,
        /// Only in this organisation: `organisations/{uid}`
        #[arg(long, value_name = "NAME", conflicts_with = "account")]
        organisation: Option<String>,
        /// Only this action, for example sessions.signIn
        #[arg(long, value_name = "ACTION", default_value = "")]
        action: String,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// Print JSON, an event on each line
        #[arg(long)]
        json: bool,
    },
}

/// Reads `17:2f…`.
fn known_place(text: &str) -> Result<(i64, String), String> {
    let (sequence, hash) = text.split_once(':').ok_or("give it as SEQUENCE:HASH, as verify prints it")?;
    let sequence = sequence.parse().map_err(|_| "what stands before the colon is no place in the log")?;
    Ok((sequence, hash.to_owned()))
}

#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make an account that administers
    Create {
        email: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give an account a role
    Grant { email: String, role: String },
    /// Take a role from an account
    Revoke { email: String, role: String },
    /// Let nobody sign in to an account any more, and sign it out everywhere
    Disable { email: String },
    /// Let an account that was disabled sign in again
    Enable { email: String },
    /// Sign an account out everywhere
    SignOut { email: String },
    /// Remove the apps, passkeys and recovery codes of somebody who has lost them, and sign the account out everywhere
    ResetFactors { email: String },
    /// Remove an account for good, with its sessions, its roles and the mails that wait for its owner
    Delete {
        email: String,
        /// Do it: there is no way back
        #[arg(long)]
        yes: bool,
    },
    /// Write down everything that is held of somebody, as JSON, an item a line: of the account, and of the rows that are theirs
    Export {
        /// The account's address, or its uid (also of one that is gone)
        #[arg(value_name = "UID|ADDRESS")]
        account: String,
        /// Write `account.jsonl` and `rows.jsonl` into this folder; absent: print the lines
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Erase somebody: what is personal in the rows that are theirs, then the account; and print a certificate of it
    Erase {
        /// The account's address, or its uid (also of one that is gone)
        #[arg(value_name = "UID|ADDRESS")]
        account: String,
        /// Erase nothing, and say what would be erased
        #[arg(long)]
        dry_run: bool,
        /// Write the certificate into this file, which must not be there, and say in words what was done
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
        /// Name the backups in this folder in the certificate: they hold what is erased until they are removed
        #[arg(long, value_name = "DIR")]
        backups: Option<PathBuf>,
        /// Leave it to later writes to overwrite what SQLite's files still hold in free space, and do not write them anew
        #[arg(long)]
        keep_free_space: bool,
        /// Do not ask: there is no way back
        #[arg(long)]
        yes: bool,
        /// Print the certificate alone, as it is
        #[arg(long)]
        json: bool,
    },
    /// Make accounts of another system, with the hashes of their passwords: one JSON object a line, as ImportAccounts has them
    Import {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Find accounts whose address, user name or name begins so
    Search {
        text: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at organisations and govern them, whoever owns them
    Organisation {
        #[command(subcommand)]
        command: OrganisationCommand,
    },
    /// List accounts and their roles, in the order in which they were made
    List {
        /// Only those that this finds (AIP-160): 'roles:"editor"', 'email = "ada*"', 'disable_time:*'
        #[arg(long, value_name = "FILTER", default_value = "")]
        filter: String,
        /// Most accounts on a page, up to 100
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=100))]
        page_size: i32,
        /// Go on where the page before ended, which named this
        #[arg(long, value_name = "TOKEN", default_value = "")]
        page_token: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum OrganisationCommand {
    /// List organisations, in the order in which they were made
    List {
        /// Most organisations on a page, up to 100
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=100))]
        page_size: i32,
        /// Go on where the page before ended, which named this
        #[arg(long, value_name = "TOKEN", default_value = "")]
        page_token: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show an organisation and its members
    Show {
        /// `organisations/{uid}`
        name: String,
        /// Print JSON: the organisation on a line, then each member
        #[arg(long)]
        json: bool,
    },
    /// End the membership of an account
    RemoveMember {
        /// `organisations/{uid}`
        name: String,
        email: String,
    },
    /// Have nobody act in an organisation any more: neither its members nor its service accounts
    Disable {
        /// `organisations/{uid}`
        name: String,
    },
    /// Let members act in an organisation that was disabled
    Enable {
        /// `organisations/{uid}`
        name: String,
    },
}
