//! How the released program is linked.

use std::env;
use std::process::Command;

/// From here on the C library's loader knows packed relocations.
const LOADER: (u32, u32) = (2, 36);

/// A program that can be loaded anywhere has a list of places to which its address is added, 24 bytes for each: some 4 MiB, which the
/// loader reads whole at every start. Packed it takes a hundredth of that. It is done where the loader of this machine knows
/// how to read it; one that does not says so, and starts nothing.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|is| is == value);
    let released = is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let here = env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    if released && here && loader().is_some_and(|version| version >= LOADER) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's C library.
fn loader() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
