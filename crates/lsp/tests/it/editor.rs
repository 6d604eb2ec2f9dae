//! The side of the editor.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, split};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Long enough for a loaded machine: what never comes fails the test instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Editor {
    folder: TempDir,
    read: BufReader<ReadHalf<DuplexStream>>,
    write: WriteHalf<DuplexStream>,
    server: JoinHandle<()>,
    last: u64,
    /// What came while something else was waited for.
    notes: Vec<Value>,
}

/// Whether an answer says that there is nothing.
pub fn is_empty(answer: &Value) -> bool {
    answer.is_null() || answer.as_array().is_some_and(Vec::is_empty)
}

impl Editor {
    /// Writes the files into a folder of its own, and introduces itself.
    pub async fn start(files: &[(&str, &str)]) -> Editor {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, text).expect("a file");
        }
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (input, output) = split(theirs);
        let server = tokio::spawn(mainstay_lsp::serve(input, output, None));
        let (read, write) = split(ours);
        let mut editor = Editor { folder, read: BufReader::new(read), write, server, last: 0, notes: Vec::new() };
        let snippets = json!({"completion": {"completionItem": {"snippetSupport": true}}});
        let asked = json!({"capabilities": {"textDocument": snippets}, "processId": null, "rootUri": null});
        let answer = editor.ask("initialize", asked).await;
        assert_eq!(answer["serverInfo"]["name"], "mainstay");
        editor.tell("initialized", json!({})).await;
        editor
    }

    pub fn uri(&self, path: &str) -> String {
        let file: PathBuf = self.folder.path().join(path);
        format!("file://{}", file.display())
    }

    async fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let framed = format!("Content-Length: {}\r\n\r\n{text}", text.len());
        self.write.write_all(framed.as_bytes()).await.expect("the server reads");
    }

    async fn receive(&mut self) -> Value {
        let read = async {
            let mut length = 0;
            loop {
                let mut line = String::new();
                assert!(self.read.read_line(&mut line).await.expect("a line") > 0, "the server is gone");
                match line.trim().split_once(": ") {
                    Some(("Content-Length", value)) => length = value.parse().expect("a number"),
                    Some(_) => {}
                    None => break,
                }
            }
            let mut body = vec![0; length];
            self.read.read_exact(&mut body).await.expect("a body");
            serde_json::from_slice(&body).expect("JSON")
        };
        timeout(PATIENCE, read).await.expect("an answer")
    }

    /// Asks, and waits for the answer.
    pub async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        loop {
            let mut message = self.receive().await;
            if message["id"] == id {
                assert!(message["error"].is_null(), "{message}");
                return message["result"].take();
            }
            self.notes.push(message);
        }
    }

    pub async fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    pub async fn open(&mut self, path: &str, text: &str) {
        let document = json!({"uri": self.uri(path), "languageId": "proto", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": document})).await;
    }

    pub async fn change(&mut self, path: &str, version: i32, text: &str) {
        let document = json!({"uri": self.uri(path), "version": version});
        let changes = json!([{"text": text}]);
        self.tell("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes})).await;
    }

    pub async fn close(&mut self, path: &str) {
        self.tell("textDocument/didClose", json!({"textDocument": {"uri": self.uri(path)}})).await;
    }

    /// Waits for the next word about a file: what of it is wrong.
    pub async fn errors(&mut self, path: &str) -> Vec<Value> {
        let mut problems = self.problems(path).await;
        problems.retain(|problem| problem["severity"] == 1);
        problems
    }

    /// Waits for the next word about a file.
    pub async fn problems(&mut self, path: &str) -> Vec<Value> {
        let uri = self.uri(path);
        let about = |note: &Value| note["method"] == "textDocument/publishDiagnostics" && note["params"]["uri"] == uri;
        let mut note = match self.notes.iter().position(about) {
            Some(at) => self.notes.remove(at),
            None => loop {
                let note = self.receive().await;
                if about(&note) {
                    break note;
                }
                self.notes.push(note);
            },
        };
        serde_json::from_value(note["params"]["diagnostics"].take()).expect("a list")
    }

    fn place(&self, path: &str, text: &str, before: &str, end: bool) -> Value {
        let start = text.find(before).expect("the text has it");
        let at = if end { start + before.len() } else { start };
        let line = text[..at].matches('\n').count();
        let character = text[..at].rsplit('\n').next().unwrap_or_default().encode_utf16().count();
        json!({"textDocument": {"uri": self.uri(path)}, "position": {"line": line, "character": character}})
    }

    /// What can be written behind the first occurrence of a text.
    pub async fn complete(&mut self, path: &str, text: &str, behind: &str) -> Vec<Value> {
        let asked = self.place(path, text, behind, true);
        let answer = self.ask("textDocument/completion", asked).await;
        serde_json::from_value(answer).expect("a list")
    }

    /// What is told about the first occurrence of a text.
    pub async fn hover(&mut self, path: &str, text: &str, on: &str) -> Value {
        let asked = self.place(path, text, on, false);
        self.ask("textDocument/hover", asked).await
    }

    /// Says good-bye, as editors do; the server ends by itself.
    pub async fn end(mut self) {
        self.ask("shutdown", Value::Null).await;
        self.tell("exit", Value::Null).await;
        timeout(PATIENCE, self.server).await.expect("it ends").expect("it does not panic");
    }
}
