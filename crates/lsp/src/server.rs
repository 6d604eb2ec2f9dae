//! The protocol: what an editor says and asks.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types::{
    CompletionOptions, CompletionParams, CompletionResponse, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWatchedFilesRegistrationOptions, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, FileSystemWatcher, GlobPattern, Hover, HoverContents, HoverParams,
    HoverProviderCapability, InitializeParams, InitializeResult, InitializedParams, Registration, ServerCapabilities,
    ServerInfo, TextDocumentPositionParams, TextDocumentSyncCapability, TextDocumentSyncKind, Uri,
};
use tower_lsp_server::{Client, LanguageServer};

use crate::hover::hover;
use crate::position::Lines;
use crate::told;
use crate::workspace::Workspace;

/// How long nobody types before the contract is compiled.
const QUIET: Duration = Duration::from_millis(150);

/// One editor and what it has open.
pub struct Editor {
    client: Client,
    workspace: Arc<Mutex<Workspace>>,
    asked: Mutex<Asked>,
}

/// What the editor can do.
#[derive(Debug, Default)]
struct Asked {
    snippets: bool,
    watches: bool,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn path(uri: &Uri) -> Option<PathBuf> {
    uri.to_file_path().map(Cow::into_owned)
}

impl Editor {
    pub fn new(client: Client, contract: Option<PathBuf>) -> Editor {
        let root = contract.map(|folder| std::path::absolute(&folder).unwrap_or(folder));
        let workspace = Arc::new(Mutex::new(Workspace::of(root)));
        Editor { client, workspace, asked: Mutex::default() }
    }

    fn put(&self, uri: &Uri, version: i32, text: String) {
        let Some(file) = path(uri) else { return };
        locked(&self.workspace).put(file, version, text);
        self.check_soon();
    }

    /// Compiles once nothing changes for a moment, beside whatever else is asked.
    fn check_soon(&self) {
        let (client, workspace) = (self.client.clone(), self.workspace.clone());
        let change = locked(&workspace).change();
        tokio::spawn(async move {
            tokio::time::sleep(QUIET).await;
            check(&client, &workspace, change).await;
        });
    }

    /// The text of the open file that a place is in, and the place in it.
    fn at(&self, asked: &TextDocumentPositionParams) -> Option<At> {
        let file = path(&asked.text_document.uri)?;
        let workspace = locked(&self.workspace);
        let text = workspace.text(&file)?.to_owned();
        let offset = Lines::of(&text).offset(asked.position);
        Some(At { path: workspace.path(&file).unwrap_or_default(), text, offset, contract: workspace.contract.clone() })
    }
}

/// A place in a file.
struct At {
    path: String,
    text: String,
    offset: usize,
    contract: Option<Arc<mainstay_contract::Contract>>,
}

/// Compiles what is there, unless more changed, and shows what is wrong.
async fn check(client: &Client, workspace: &Mutex<Workspace>, change: u64) {
    let snapshot = {
        let workspace = locked(workspace);
        if workspace.change() == change { workspace.snapshot() } else { None }
    };
    let Some(snapshot) = snapshot else { return };
    // A compiler that panics is told by the runtime; what was shown stays.
    let Ok(checked) = tokio::task::spawn_blocking(move || snapshot.check()).await else { return };
    let mut problems = told::problems(&checked);
    {
        let mut workspace = locked(workspace);
        if workspace.change() != change {
            return;
        }
        let now: BTreeSet<PathBuf> = problems.keys().cloned().collect();
        // Files that have none any more are told, too.
        for file in std::mem::replace(&mut workspace.shown, now) {
            problems.entry(file).or_default();
        }
        if let Ok(contract) = checked.outcome {
            workspace.contract = Some(Arc::new(contract));
        }
    }
    for (file, problems) in problems {
        if let Some(uri) = Uri::from_file_path(&file) {
            client.publish_diagnostics(uri, problems, None).await;
        }
    }
}

impl LanguageServer for Editor {
    async fn initialize(&self, asked: InitializeParams) -> Result<InitializeResult> {
        let document = asked.capabilities.text_document.unwrap_or_default();
        let item = document.completion.and_then(|completion| completion.completion_item);
        let files = asked.capabilities.workspace.and_then(|workspace| workspace.did_change_watched_files);
        *locked(&self.asked) = Asked {
            snippets: item.and_then(|item| item.snippet_support).unwrap_or_default(),
            watches: files.and_then(|files| files.dynamic_registration).unwrap_or_default(),
        };
        let triggers = ["(", "[", ".", "{"].map(str::to_owned).into();
        let capabilities = ServerCapabilities {
            // Whole texts: notes may be taken up in another order than they came in, and a version tells which is newer.
            text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::FULL)),
            hover_provider: Some(HoverProviderCapability::Simple(true)),
            completion_provider: Some(CompletionOptions {
                trigger_characters: Some(triggers),
                ..CompletionOptions::default()
            }),
            ..ServerCapabilities::default()
        };
        let version = Some(env!("CARGO_PKG_VERSION").to_owned());
        let server_info = Some(ServerInfo { name: "mainstay".to_owned(), version });
        Ok(InitializeResult { capabilities, server_info, ..InitializeResult::default() })
    }

    async fn initialized(&self, _: InitializedParams) {
        if !locked(&self.asked).watches {
            return;
        }
        let watchers = ["**/*.proto", "**/migrations/*.sql"]
            .map(|glob| FileSystemWatcher { glob_pattern: GlobPattern::String(glob.to_owned()), kind: None });
        let register_options = DidChangeWatchedFilesRegistrationOptions { watchers: watchers.into() };
        let registration = Registration {
            id: "files".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: serde_json::to_value(register_options).ok(),
        };
        // An editor that refuses tells of saved files all the same.
        let _ = self.client.register_capability(vec![registration]).await;
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, opened: DidOpenTextDocumentParams) {
        let document = opened.text_document;
        self.put(&document.uri, document.version, document.text);
    }

    async fn did_change(&self, changed: DidChangeTextDocumentParams) {
        let document = changed.text_document;
        if let Some(change) = changed.content_changes.into_iter().next_back() {
            self.put(&document.uri, document.version, change.text);
        }
    }

    async fn did_save(&self, _: DidSaveTextDocumentParams) {
        locked(&self.workspace).disk_changed();
        self.check_soon();
    }

    async fn did_close(&self, closed: DidCloseTextDocumentParams) {
        let Some(file) = path(&closed.text_document.uri) else { return };
        locked(&self.workspace).close(&file);
        self.check_soon();
    }

    async fn did_change_watched_files(&self, _: DidChangeWatchedFilesParams) {
        locked(&self.workspace).disk_changed();
        self.check_soon();
    }

    async fn completion(&self, asked: CompletionParams) -> Result<Option<CompletionResponse>> {
        let snippets = locked(&self.asked).snippets;
        let Some(at) = self.at(&asked.text_document_position) else { return Ok(None) };
        let found = mainstay_contract::editor::complete(&at.text, at.offset);
        let items = found.map(|found| told::completions(found, &Lines::of(&at.text), snippets));
        Ok(items.map(CompletionResponse::Array))
    }

    async fn hover(&self, asked: HoverParams) -> Result<Option<Hover>> {
        let Some(at) = self.at(&asked.text_document_position_params) else { return Ok(None) };
        let found = hover(at.contract.as_deref(), &at.path, &at.text, at.offset);
        Ok(found.map(|(range, said)| Hover {
            contents: HoverContents::Markup(told::markdown(said)),
            range: Some(Lines::of(&at.text).range(&range)),
        }))
    }
}
