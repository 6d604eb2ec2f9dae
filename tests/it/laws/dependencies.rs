//! Who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};

use super::workspace::{edges, packages, text};

/// From low to high: a package may depend only on packages of a lower row.
const FLOORS: [&[&str]; 9] = [
    &["record", "proto", "keys", "telemetry", "outbound"],
    &["expr", "wire", "db", "fault", "backup"],
    &["sql", "contract", "identity"],
    &["ledger", "layers"],
    &["runtime", "lsp"],
    &["services/auth", "services/data", "services/gateway"],
    &["services/mainstay"],
    &["testkit"],
    &["tests", "tests/bench", "tests/conformance", "tests/fuzz", "tests/upstreams/pricing"],
];

fn floor(name: &str) -> usize {
    FLOORS.iter().position(|row| row.contains(&name)).unwrap_or_else(|| panic!("{name} has no place in the house yet"))
}

#[test]
fn a_package_depends_only_on_packages_below_it() {
    for (name, dependencies) in edges() {
        for dependency in dependencies {
            assert!(floor(&dependency) < floor(&name), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn crates_never_depend_on_services_and_services_never_on_services() {
    for (name, dependencies) in edges() {
        let services: Vec<&String> = dependencies.iter().filter(|name| name.starts_with("services/")).collect();
        // The binary composes them, and tests may look into them.
        let may = name == "services/mainstay" || name.starts_with("tests/");
        assert!(may || services.is_empty(), "{name} depends on {services:?}");
    }
}

#[test]
fn leaves_know_nobody_else_of_ours() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = [
        ("record", vec![]),
        ("proto", vec![]),
        ("keys", vec![]),
        ("telemetry", vec![]),
        ("outbound", vec![]),
        ("expr", vec!["record"]),
        ("wire", vec!["record"]),
        ("db", vec!["record"]),
    ]
    .into_iter()
    .map(|(name, dependencies)| (name, dependencies.into_iter().collect()))
    .collect();
    for (name, dependencies) in edges() {
        if let Some(allowed) = allowed.get(name.as_str()) {
            let dependencies: BTreeSet<&str> = dependencies.iter().map(String::as_str).collect();
            assert!(dependencies.is_subset(allowed), "{name} depends on {dependencies:?}");
        }
    }
}

/// A library that only some packages may use directly, tests aside.
#[test]
fn storage_http_and_telemetry_libraries_stay_where_they_belong() {
    let allowed: [(&str, &[&str]); 7] = [
        ("diesel", &["mainstay-db", "mainstay-auth", "mainstay-data", "mainstay-gateway", "mainstay-testkit"]),
        ("diesel-async", &["mainstay-db", "mainstay-testkit"]),
        ("axum", &["mainstay-gateway", "mainstay-runtime"]),
        ("opentelemetry_sdk", &["mainstay-telemetry"]),
        ("argon2", &["mainstay-auth", "mainstay-backup"]),
        ("protox", &["mainstay-proto", "mainstay-contract", "mainstay-conformance", "mainstay-example-pricing"]),
        ("cel", &["mainstay-expr"]),
    ];
    for package in packages().filter(|package| package["source"].is_null()) {
        let dependencies = package["dependencies"].as_array().expect("a list");
        for dependency in dependencies.iter().filter(|dependency| dependency["kind"].as_str() != Some("dev")) {
            if let Some((library, users)) = allowed.iter().find(|(library, _)| *library == text(dependency, "name")) {
                assert!(users.contains(&text(package, "name")), "{} must not use {library}", text(package, "name"));
            }
        }
    }
}

#[test]
fn every_dependency_stands_once_in_the_workspace() {
    for (path, manifest) in super::workspace::files(&["crates", "services", "tests"], "toml") {
        if !path.ends_with("Cargo.toml") {
            continue;
        }
        let manifest: toml::Table = manifest.parse().expect("a manifest");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, dependency) in manifest.get(section).and_then(|s| s.as_table()).into_iter().flatten() {
                let inherited = dependency.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(inherited, "{path}: {name} must be `workspace = true`");
            }
        }
    }
}
