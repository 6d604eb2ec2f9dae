//! The dependency diagram in the README is drawn from the manifests.
//!
//! `MAINSTAY_WRITE_DIAGRAM=1 cargo test --package mainstay-tests diagram` draws it anew.

use super::workspace::{edges, root};

const BEGIN: &str = "<!-- diagram: drawn by a test -->\n";
const END: &str = "<!-- /diagram -->";

fn diagram() -> String {
    let mut text = String::from("```mermaid\nflowchart TD\n");
    let edges = edges();
    let part = |name: &String| !name.starts_with("tests") && name != "testkit";
    for (name, dependencies) in edges.iter().filter(|(name, _)| part(name)) {
        // What is reached through another dependency is left out: the picture shows the direction, not every line.
        let direct = dependencies.iter().filter(|dependency| {
            !dependencies.iter().any(|other| other != *dependency && reaches(&edges, other, dependency))
        });
        for dependency in direct {
            text.push_str(&format!("  {} --> {}\n", id(name), id(dependency)));
        }
    }
    text.push_str("```\n");
    text
}

fn reaches(
    edges: &std::collections::BTreeMap<String, std::collections::BTreeSet<String>>,
    from: &str,
    to: &str,
) -> bool {
    edges.get(from).is_some_and(|direct| direct.contains(to) || direct.iter().any(|next| reaches(edges, next, to)))
}

fn id(name: &str) -> String {
    match name.strip_prefix("services/") {
        Some(service) => format!("{service}_service[services/{service}]"),
        None => format!("{name}[{name}]"),
    }
}

#[test]
fn the_readme_shows_the_dependencies_as_they_are() {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README is there");
    let (before, rest) = readme.split_once(BEGIN).expect("the README has a place for the diagram");
    let (shown, after) = rest.split_once(END).expect("the place for the diagram ends");
    let drawn = diagram();
    if std::env::var_os("MAINSTAY_WRITE_DIAGRAM").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{drawn}{END}{after}")).expect("the README can be written");
    } else {
        assert_eq!(shown, drawn, "draw it anew: MAINSTAY_WRITE_DIAGRAM=1 cargo test --package mainstay-tests diagram");
    }
}

#[test]
fn the_list_of_capabilities_is_the_table_in_the_code() {
    let path = root().join("crates/contract/CAPABILITIES.md");
    let drawn = format!(
        "# What a contract may say today\n\nDrawn from `src/capabilities.rs`, which decides what is refused; a test keeps it true.\n\n{}",
        mainstay_contract::capabilities::markdown()
    );
    if std::env::var_os("MAINSTAY_WRITE_DIAGRAM").is_some() {
        std::fs::write(&path, drawn).expect("the list can be written");
    } else {
        let shown = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(shown == drawn, "draw it anew: MAINSTAY_WRITE_DIAGRAM=1 cargo test --package mainstay-tests diagram");
    }
}
