//! Mainstay beside its peers, in one run: `make bench`.
//!
//! The same binary is the conductor, the load generators and the two bare limits, each in a process of its own, so that a
//! server has one core and the load the other.

mod conductor;
mod count;
mod limits;
mod load;
mod measure;
mod peer;
mod process;
mod records;
mod report;
mod requests;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Runs Mainstay and its peers side by side and prints ratios
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything
    Run(conductor::Options),
    /// The limit for REST: hyper that answers the bytes of a file
    Hyper { port: u16, body: PathBuf },
    /// The limit for gRPC: tonic that answers what it was sent
    Tonic { port: u16 },
    /// The limit for a row out of SQLite: so many reads of one by its key
    Sqlite { data_dir: PathBuf, reads: u64 },
    /// Count instructions, and nothing else
    Count(conductor::CountOptions),
    /// Load with HTTP/1.1, a plan on standard input
    Http,
    /// Load with gRPC, a plan on standard input
    Grpc,
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match Cli::parse().command {
        Command::Run(options) => conductor::run(&options),
        Command::Hyper { port, body } => limits::hyper(port, &body),
        Command::Tonic { port } => limits::tonic(port),
        Command::Sqlite { data_dir, reads } => limits::sqlite(&data_dir, reads),
        Command::Count(options) => conductor::count(&options),
        Command::Http => load::run(load::http::worker),
        Command::Grpc => load::run(load::grpc::worker),
    }
}
