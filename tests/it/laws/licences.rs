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
    let is_allowed = |requirement: &LicenseReq| allowed.contains(&requirement.to_string().as_str());
    for package in packages().filter(|package| !package["source"].is_null()) {
        let (name, licence) = (text(package, "name"), text(package, "license"));
        let expression = Expression::parse_mode(licence, spdx::ParseMode::LAX)
            .unwrap_or_else(|error| panic!("{name}: the licence {licence:?} cannot be read: {error}"));
        assert!(expression.evaluate(is_allowed), "{name}: {licence} is not in deny.toml");
    }
}

#[test]
fn no_banned_crate_is_in_the_tree() {
    let deny = deny();
    let banned: Vec<&str> =
        deny["bans"]["deny"].as_array().expect("a list").iter().filter_map(|entry| entry["crate"].as_str()).collect();
    assert!(!banned.is_empty());
    for package in packages() {
        assert!(!banned.contains(&text(package, "name")), "{} is banned", text(package, "name"));
    }
}

#[test]
fn everything_comes_from_the_one_registry() {
    for package in packages() {
        let source = package["source"].as_str().unwrap_or("registry+");
        assert!(source.starts_with("registry+"), "{} comes from {source}", text(package, "name"));
    }
}
