//! Compiles the platform's contracts in `proto/mainstay` to Rust, without protoc.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What applications serve for the platform to call. It is in no descriptor set: nobody serves it here, and nobody routes to it.
const HOOKS: &str = "mainstay/auth/hook/";

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Only these folders: a change to an application's contract must not rebuild the platform.
    for folder in ["mainstay", "google", "buf"] {
        println!("cargo:rerun-if-changed={}", root.join(folder).display());
    }
    // The details of errors are part of every answer, so reflection must know them.
    let (hooks, platform): (Vec<_>, Vec<_>) =
        proto_files(&root, &["mainstay", "google/rpc"])?.into_iter().partition(|file| file.starts_with(HOOKS));
    let compiler = compiled(&root, &platform)?;
    fs::write(out.join("descriptor_set.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure().bytes(".mainstay.data.v1").compile_fds(compiler.file_descriptor_set())?;
    tonic_prost_build::compile_fds(compiled(&root, &hooks)?.file_descriptor_set())?;
    fs::write(out.join("sources.rs"), embed(&root, &proto_files(&root, &["google", "buf", "mainstay/v1"])?)?)?;
    fs::write(out.join("auth_sources.rs"), embed(&root, &proto_files(&root, &["mainstay/auth/v1"])?)?)?;
    fs::write(out.join("hook_sources.rs"), embed(&root, &hooks)?)?;
    Ok(())
}

/// Compiles files and what they import.
fn compiled(root: &Path, files: &[String]) -> Result<protox::Compiler, Box<dyn Error>> {
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(files.iter().map(|file| root.join(file)))?;
    Ok(compiler)
}

/// Lists the `.proto` files under `folders`, relative to `root`, sorted.
fn proto_files(root: &Path, folders: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut found = Vec::new();
    let mut pending: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                found.push(path.strip_prefix(root)?.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a table of files with their text.
fn embed(root: &Path, files: &[String]) -> Result<String, Box<dyn Error>> {
    let mut table = String::from("&[\n");
    for file in files {
        writeln!(table, "    ({file:?}, include_str!({:?})),", root.join(file).display().to_string())?;
    }
    table.push(']');
    Ok(table)
}
