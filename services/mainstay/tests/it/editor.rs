//! `mainstay lsp`.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};

/// Reads a message as far as its length says.
fn read(from: &mut impl BufRead) -> String {
    let mut length = 0;
    loop {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        match line.trim().split_once(": ") {
            Some((_, value)) => length = value.parse().unwrap(),
            None => break,
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
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
    let mut output = BufReader::new(server.stdout.take().unwrap());
    let mut send = |message: &str| write!(input, "Content-Length: {}\r\n\r\n{message}", message.len()).unwrap();
    send(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#);
    assert!(read(&mut output).contains(r#""name":"mainstay""#));
    send(r#"{"jsonrpc":"2.0","id":2,"method":"shutdown"}"#);
    assert!(read(&mut output).contains(r#""result":null"#));
    send(r#"{"jsonrpc":"2.0","method":"exit"}"#);
    // The pipe stays open: what ends the server is the word.
    assert!(server.wait().unwrap().success());
}
