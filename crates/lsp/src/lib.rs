#![doc = include_str!("../README.md")]

mod hover;
mod position;
mod server;
mod told;
mod workspace;

use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tower_lsp_server::{LspService, Server};

/// Serves one editor until it says `exit` or closes its end. `contract` is the folder with the contract, where it is known.
pub async fn serve(input: impl AsyncRead + Unpin, output: impl AsyncWrite, contract: Option<PathBuf>) {
    let (service, socket) = LspService::new(|client| server::Editor::new(client, contract));
    Server::new(input, output, socket).serve(service).await;
}
