//! `mainstay lsp`.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

/// What an editor writes before a message.
fn framed(message: &str) -> String {
    format!("Content-Length: {}\r\n\r\n{message}", message.len())
}

#[test]
fn an_editor_is_answered_and_left_when_it_says_so() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_mainstay"))
        .arg("lsp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = server.stdin.take().unwrap();
    for message in [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"shutdown"}"#,
        r#"{"jsonrpc":"2.0","method":"exit"}"#,
    ] {
        input.write_all(framed(message).as_bytes()).unwrap();
    }
    // The pipe stays open: what ends the server is the word.
    assert!(server.wait().unwrap().success());
    let mut said = String::new();
    server.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains(r#""name":"mainstay""#) && said.contains(r#""id":2"#), "{said}");
}
