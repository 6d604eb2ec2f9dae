//! `mainstay audit`: what was done to accounts, and whether the log of it is whole.

use std::process::ExitCode;

use mainstay_auth as auth;
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::process::{self, Common, Failure, Flags, Role};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::json;

use crate::admin::{auth_words, look_up, words_of};
use crate::cli::{AuditCommand, Reach};
use crate::local::{Server, Target, target};
use crate::say::say;
use crate::serve::AllSettings;

/// What the command exits with where the log is not whole.
const NOT_WHOLE: u8 = 2;

/// How many events are asked for at once.
const PAGE_SIZE: i32 = 100;

/// Runs the command.
pub fn run(flags: &Flags, reach: Reach, command: AuditCommand) -> ExitCode {
    let settings: AllSettings = match flags.load() {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let (mut common, auth, _, _) = settings.split(Role::All);
    common.telemetry.log = "warn".to_owned();
    let (found, result) = std::sync::mpsc::channel();
    let code = process::run(common, env!("CARGO_PKG_VERSION"), move |process| async move {
        let is_whole = perform(&process.common, &reach, &auth, command).await?;
        let _ = found.send(is_whole);
        Ok(())
    });
    match result.try_recv() {
        Ok(false) => ExitCode::from(NOT_WHOLE),
        _ => code,
    }
}

/// Says whether the log is whole, as far as that was asked.
async fn perform(
    common: &Common,
    reach: &Reach,
    config: &auth::Config,
    command: AuditCommand,
) -> Result<bool, Failure> {
    let log = Log::open(target(common, reach, Role::Auth)?, common, config).await?;
    let done = match command {
        AuditCommand::Verify { known, json } => verify(&log, known, json).await,
        AuditCommand::List { account, organisation, action, limit, json } => {
            list(&log, (account, organisation), action, limit, json).await
        }
    };
    log.close().await;
    done
}

async fn verify(log: &Log, known: Option<(i64, String)>, as_json: bool) -> Result<bool, Failure> {
    let (known_sequence, known_hash) = known.unwrap_or_default();
    let found = log.verify(pb::VerifyAuditLogRequest { known_sequence, known_hash }).await?;
    let is_whole = found.problem.is_empty();
    if as_json {
        say!(
            "{}",
            serde_json::to_string_pretty(&json!({
                "whole": is_whole,
                "events": found.events,
                "firstSequence": found.first_sequence,
                "lastSequence": found.last_sequence,
                "lastHash": found.last_hash,
                "waiting": found.waiting,
                "problem": found.problem,
                "problemSequence": found.problem_sequence,
            }))?
        );
        return Ok(is_whole);
    }
    if !is_whole {
        say!("the audit log is not whole, at {}: {}", found.problem_sequence, found.problem);
        say!(
            "  what stands before that is what was written; compare the rest with a backup and with the process's log"
        );
        return Ok(false);
    }
    let waiting = match found.waiting {
        0 => String::new(),
        waiting => format!(", {waiting} more wait for their place"),
    };
    match found.events {
        0 => say!("the audit log is empty{waiting}"),
        events => {
            say!(
                "the audit log is whole: {events} events, {} to {}{waiting}",
                found.first_sequence,
                found.last_sequence
            );
            say!("  to notice later that its end was cut off, keep this elsewhere:");
            say!("  mainstay audit verify --known {}:{}", found.last_sequence, found.last_hash);
        }
    }
    Ok(true)
}

async fn list(
    log: &Log,
    (account, organisation): (Option<String>, Option<String>),
    action: String,
    limit: usize,
    as_json: bool,
) -> Result<bool, Failure> {
    let parent = match (organisation, account) {
        (Some(organisation), _) => organisation,
        (None, None) => "accounts/-".to_owned(),
        (None, Some(email)) => log.look_up(&email).await?,
    };
    let (mut left, mut page_token) = (limit, String::new());
    let mut printed = 0;
    while left > 0 {
        let page_size = i32::try_from(left).unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
        let request = pb::ListAuditEventsRequest {
            parent: parent.clone(),
            page_size,
            page_token,
            action: action.clone(),
            ..Default::default()
        };
        let page = log.list(request).await?;
        left = left.saturating_sub(page.audit_events.len());
        printed += page.audit_events.len();
        for event in &page.audit_events {
            if as_json { print_json(event)? } else { print(event) }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    match (as_json, printed, page_token.is_empty()) {
        (false, 0, _) => say!("nothing of that kind was done"),
        (false, _, false) => say!("\nthere are more: --limit N"),
        _ => {}
    }
    Ok(true)
}

/// Prints an event as the API writes it, on a line of its own.
fn print_json(event: &pb::AuditEvent) -> Result<(), Failure> {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let descriptor = pool.get_message_by_name("mainstay.auth.v1.AuditEvent");
    let descriptor = descriptor.ok_or("the platform's contract has no audit event")?;
    let event = DynamicMessage::decode(descriptor, event.encode_to_vec().as_slice())?;
    say!("{}", serde_json::to_string(&event)?);
    Ok(())
}

fn print(event: &pb::AuditEvent) {
    let time = event.event_time.as_ref().map(ToString::to_string).unwrap_or_default();
    let account = event.name.split("/auditEvents/").next().unwrap_or_default();
    let actor = match event.actor.as_str() {
        "" => "by nobody signed in".to_owned(),
        actor if actor == account => "by its owner".to_owned(),
        actor => format!("by {actor}"),
    };
    let from = if event.network.is_empty() { String::new() } else { format!(" from {}", event.network) };
    let mut details: Vec<String> = event.details.iter().map(|(name, text)| format!("{name}: {text}")).collect();
    details.sort();
    let details = if details.is_empty() { String::new() } else { format!("  ({})", details.join("; ")) };
    say!("{time}  {:22}  {account}  {actor}{from}{details}", event.action);
}

/// The log, of a running server or of a store that nobody else has open.
enum Log {
    Server(Server),
    /// With the lock on its folder, which is held until this is dropped.
    Store {
        auth: auth::Auth,
        _lock: mainstay_db::DataDir,
    },
}

impl Log {
    async fn open(target: Target, common: &Common, config: &auth::Config) -> Result<Log, Failure> {
        Ok(match target {
            Target::Server(server) => Log::Server(server),
            Target::Store(lock) => Log::Store { auth: auth::process::open(common, config).await?, _lock: lock },
        })
    }

    async fn verify(&self, request: pb::VerifyAuditLogRequest) -> Result<pb::VerifyAuditLogResponse, Failure> {
        match self {
            Log::Server(server) => Ok(server.call("/mainstay.auth.v1.AuditService/VerifyAuditLog", &request).await?),
            Log::Store { auth, .. } => auth.verify_audit_log(&request).await.map_err(auth_words),
        }
    }

    async fn list(&self, request: pb::ListAuditEventsRequest) -> Result<pb::ListAuditEventsResponse, Failure> {
        match self {
            Log::Server(server) => Ok(server.call("/mainstay.auth.v1.AuditService/ListAuditEvents", &request).await?),
            Log::Store { auth, .. } => auth.list_audit_events(request).await.map_err(auth_words),
        }
    }

    /// The name of the account that has an address.
    async fn look_up(&self, email: &str) -> Result<String, Failure> {
        match self {
            Log::Server(server) => Ok(look_up(server, email).await?.name),
            Log::Store { auth, .. } => auth.look_up(email).await.map_err(|error| words_of(error, email)),
        }
    }

    async fn close(&self) {
        if let Log::Store { auth, .. } = self {
            auth.close().await;
        }
    }
}
