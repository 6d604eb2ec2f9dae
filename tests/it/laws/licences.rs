//! `deny.toml` holds, without any tool installed: licences, bans, sources.

use spdx::{Expression, LicenseReq};

use super::workspace::{packages, root, text};

fn deny() -> toml::Table {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there");
    text.parse().expect("deny.toml is TOML")
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let deny = deny();
    let allowed: Vec<&str> =
        deny["licenses"]["allow"].as_array().expect("a list").iter().filter_map(|name| name.as_str()).collect();
    let exceptions = deny["licenses"]["exceptions"].as_array().expect("a list");
    let is_exception = |name: &str, licence: &str| {
        let of = exceptions.iter().filter(|entry| entry["crate"].as_str() == Some(name));
        of.filter_map(|entry| entry["allow"].as_array()).flatten().any(|it| it.as_str() == Some(licence))
    };
    for package in packages().filter(|package| !package["source"].is_null()) {
        let (name, licence) = (text(package, "name"), text(package, "license"));
        let expression = Expression::parse_mode(licence, spdx::ParseMode::LAX)
            .unwrap_or_else(|error| panic!("{name}: the licence {licence:?} cannot be read: {error}"));
        let is_allowed = |requirement: &LicenseReq| {
            let licence = requirement.to_string();
            allowed.contains(&licence.as_str()) || is_exception(name, &licence)
        };
        assert!(expression.evaluate(is_allowed), "{name}: {licence} is not in deny.toml");
    }
}

#[test]
fn no_banned_crate_is_in_the_tree() {
    let deny = deny();
    let banned = deny["bans"]["deny"].as_array().expect("a list");
    assert!(!banned.is_empty());
    for entry in banned {
        let name = entry["crate"].as_str().expect("a ban names a crate");
        // As cargo-deny has it: who may depend on it all the same.
        let wrappers: Vec<&str> = entry
            .get("wrappers")
            .and_then(|list| list.as_array())
            .into_iter()
            .flatten()
            .filter_map(|w| w.as_str())
            .collect();
        let users: Vec<&str> = packages()
            .filter(|package| {
                let dependencies = package["dependencies"].as_array().expect("a list");
                // Others may offer it as a choice that nobody here makes.
                dependencies.iter().any(|it| text(it, "name") == name && it["optional"] != true)
            })
            .map(|package| text(package, "name"))
            .filter(|user| !wrappers.contains(user))
            .collect();
        let is_here = packages().any(|package| text(package, "name") == name);
        assert!(!is_here || (!wrappers.is_empty() && users.is_empty()), "{name} is banned, and used by {users:?}");
    }
}

#[test]
fn everything_comes_from_the_one_registry() {
    for package in packages() {
        let source = package["source"].as_str().unwrap_or("registry+");
        assert!(source.starts_with("registry+"), "{} comes from {source}", text(package, "name"));
    }
}
