//! What is in `deploy/`, as far as it can be checked without a container engine.

use mainstay_runtime::config::Loader;
use mainstay_runtime::process::{Other, Settings};

use super::workspace::{files, root};

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_example_configuration_loads() {
    let settings = Loader::new().file(root().join("deploy/mainstay.toml")).load::<Settings<Other, Other, Other>>();
    if let Err(problems) = settings {
        panic!("{problems}");
    }
}

#[test]
fn units_run_commands_that_exist_as_a_user_without_rights() {
    let units = files(&["deploy/systemd"], "service");
    assert_eq!(units.len(), 4);
    for (path, unit) in units {
        let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(&format!("{key}="))).unwrap_or_default();
        assert_eq!(value("Type"), "notify", "{path}");
        assert_eq!(value("User"), "mainstay", "{path}");
        assert_eq!(value("NoNewPrivileges"), "yes", "{path}");
        let command: Vec<&str> = value("ExecStart").split_whitespace().collect();
        let role = path.trim_start_matches("deploy/systemd/mainstay").trim_end_matches(".service").trim_matches('-');
        let mut expected = vec!["/usr/local/bin/mainstay", "serve"];
        expected.extend(Some(role).filter(|role| !role.is_empty()));
        expected.extend(["--config", "/etc/mainstay/mainstay.toml"]);
        assert_eq!(command, expected, "{path}");
    }
}

#[test]
fn variables_in_units_and_compose_are_settings() {
    let mut loader = Loader::new();
    let mut found = 0;
    for (_, unit) in files(&["deploy/systemd"], "service") {
        for assignment in unit.lines().filter_map(|line| line.strip_prefix("Environment=")) {
            let (name, value) = assignment.split_once('=').expect("a variable has a value");
            loader = loader.variable(name, value);
            found += 1;
        }
    }
    for line in read("deploy/compose.yaml").lines().map(str::trim).filter(|line| line.starts_with("MAINSTAY__")) {
        let (name, value) = line.split_once(": ").expect("a variable has a value");
        // The real values are secrets and come from the environment.
        let value = if value.contains("${") { "00000000000000000000000000000000" } else { value };
        loader = loader.variable(name, value);
        found += 1;
    }
    assert!(found > 12, "the variables were found");
    if let Err(problems) = loader.load::<Settings<Other, Other, Other>>() {
        panic!("{problems}");
    }
}

#[test]
fn the_image_is_slim_and_not_root() {
    let image = read("deploy/docker/Dockerfile");
    let last = image.rsplit("\nFROM ").next().expect("a stage");
    assert!(last.starts_with("debian:bookworm-slim"), "the last stage is slim");
    let user = last.lines().find_map(|line| line.strip_prefix("USER ")).expect("a user");
    assert_ne!(user, "root");
    assert!(!last.contains("cargo"), "no tool that builds is in what is shipped");
}

#[test]
fn no_secret_has_a_default() {
    for line in read("deploy/env.example").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.split_once('=').expect("a variable");
        assert!(value.is_empty() || name == "MAINSTAY_ISSUER", "{name} has a default");
    }
    for line in read("deploy/compose.yaml").lines() {
        let secret = ["_KEY:", "_KEYS", "PASSWORD:", "KEK"].iter().any(|word| line.contains(word));
        assert!(!secret || line.contains("${"), "{line}");
    }
}

#[test]
fn prometheus_scrapes_the_operators_ports() {
    let prometheus = read("deploy/prometheus/prometheus.yaml");
    let compose = read("deploy/compose.yaml");
    for service in ["auth", "data", "gateway"] {
        assert!(prometheus.contains(&format!("\"{service}:9464\"")), "{service}");
        assert!(compose.contains(&format!("\n  {service}:\n")), "{service}");
    }
    assert!(compose.contains("MAINSTAY__OPERATIONS_LISTEN: 0.0.0.0:9464"));
}
