//! Makes messages, a service to implement and a client of the contract, as `mainstay contract export` writes it.

use std::error::Error;

/// The exported service, the contract itself, and what it imports.
const FOLDERS: [&str; 3] = ["protos", "../../contracts/pricing", "../../../proto"];

fn main() -> Result<(), Box<dyn Error>> {
    for folder in &FOLDERS[..2] {
        println!("cargo:rerun-if-changed={folder}");
    }
    let files = protox::compile(["catalog/v1/catalog.proto", "catalog/v1/product_service.proto"], FOLDERS)?;
    tonic_prost_build::configure().build_transport(true).compile_fds(files)?;
    Ok(())
}
