//! Modules of one crate import each other in one direction: a circle of files can only be understood as a whole. A module
//! and those below it may know each other; what two others both need gets a room of its own below.

use std::collections::{BTreeMap, BTreeSet};

use super::workspace::rust_files;

/// Crates that still have circles, with how many modules are in them: a number may only fall.
const STILL: [(&str, usize); 0] = [];

/// `a::b` as its parts.
type Path = Vec<String>;

#[test]
fn modules_do_not_import_each_other_in_circles() {
    let mut crates: BTreeMap<String, BTreeMap<Path, String>> = BTreeMap::new();
    for (file, text) in rust_files() {
        if let Some((name, file)) = file.split_once("/src/") {
            // A binary beside a library is a crate of its own: one short file.
            crates.entry(name.to_owned()).or_default().entry(module(file)).or_insert(text);
        }
    }
    assert!(crates.len() > 15, "the crates were found: {:?}", crates.keys());
    let told: Vec<String> = crates.iter().filter_map(|(name, modules)| told(name, &circles(modules))).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// What is wrong with a crate: the modules that are in circles, where those are more than there may be.
fn told(name: &str, circles: &[BTreeSet<String>]) -> Option<String> {
    let within: usize = circles.iter().map(BTreeSet::len).sum();
    let allowed = STILL.iter().find(|(still, _)| *still == name).map_or(0, |(_, count)| *count);
    (within > allowed).then(|| format!("{within} modules of {name} are in circles: {circles:#?}"))
}

#[test]
fn a_circle_is_found_however_it_is_imported() {
    let found = |modules: &[(&str, &str)]| {
        circles(&modules.iter().map(|(file, text)| (module(file), (*text).to_owned())).collect())
    };
    let both = vec![BTreeSet::from(["a".to_owned(), "b".to_owned()])];
    let root = ("lib.rs", "mod a;\nmod b;\npub use a::One;\n");
    assert_eq!(found(&[root, ("a.rs", "use crate::b;"), ("b.rs", "use super::a::{self, One as Uno};")]), both);
    assert_eq!(found(&[root, ("a.rs", "use crate::{x::{Y}, b::Two};"), ("b.rs", "use crate::One;")]), both);
    assert_eq!(found(&[root, ("a.rs", "fn f() { crate::b::two() }"), ("b.rs", "use crate::a::One;")]), both);
    assert!(found(&[root, ("a.rs", "use crate::b;"), ("b.rs", "// use crate::a;\nuse std::fmt;")]).is_empty());
    assert!(found(&[root, ("a.rs", "use crate::b;"), ("b.rs", "#[cfg(test)]\nmod tests {use crate::a;}")]).is_empty());
    let child = ("a/mod.rs", "mod inner;\nuse inner::Deep;");
    assert!(found(&[root, child, ("a/inner.rs", "use super::One;")]).is_empty(), "a parent and its child");
    let cousins = [root, ("a/mod.rs", "mod inner;"), ("a/inner.rs", "use crate::b;"), ("b.rs", "use crate::a::inner;")];
    assert_eq!(found(&cousins), vec![BTreeSet::from(["a::inner".to_owned(), "b".to_owned()])]);
}

/// The module that a file below `src` is.
fn module(file: &str) -> Path {
    let mut path: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    path.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
    path
}

/// The groups of modules of which each leads to each other.
fn circles(modules: &BTreeMap<Path, String>) -> Vec<BTreeSet<String>> {
    let code: BTreeMap<Path, String> = modules.iter().map(|(path, text)| (path.clone(), code(text))).collect();
    let known = Crate { exports: code.iter().map(|(path, text)| (path.clone(), exports(text))).collect() };
    let direct: BTreeMap<&Path, BTreeSet<Path>> =
        code.iter().map(|(path, text)| (path, known.imports(path, text))).collect();
    let reachable: BTreeMap<&Path, BTreeSet<Path>> =
        direct.keys().map(|path| (*path, reachable(&direct, path))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for (path, leads) in &reachable {
        let back = |other: &&Path| leads.contains(*other) && reachable[*other].contains(*path);
        let circle: BTreeSet<String> = reachable.keys().copied().filter(back).map(|path| path.join("::")).collect();
        if !circle.is_empty() && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

fn reachable(direct: &BTreeMap<&Path, BTreeSet<Path>>, from: &Path) -> BTreeSet<Path> {
    let mut seen = BTreeSet::new();
    let mut pending: Vec<&Path> = direct[from].iter().collect();
    while let Some(next) = pending.pop() {
        if seen.insert(next.clone()) {
            pending.extend(&direct[next]);
        }
    }
    seen
}

/// What counts of a file: neither comments nor the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every path of every `use` declaration, with whether it is public.
fn uses(code: &str) -> Vec<(bool, Path)> {
    let mut found = Vec::new();
    for statement in code.split(';') {
        let Some(at) = statement.rfind("use ").filter(|at| starts_word(statement, *at)) else { continue };
        let public = statement[..at].trim_end().ends_with(['b', ')']);
        found.extend(expand(&statement[at + 4..]).into_iter().map(|path| (public, path)));
    }
    found
}

fn starts_word(text: &str, at: usize) -> bool {
    !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// `a::{b, c::d as e}` to `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<Path> {
    let Some((before, list)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split("::").map(|part| part.trim().to_owned()).collect()];
    };
    let list = list.rsplit_once('}').map_or(list, |(list, _)| list);
    let lead: Path = before.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut depth = 0;
    let items = list.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let items = items.filter(|item| !item.trim().is_empty()).flat_map(expand);
    items.map(|rest| lead.iter().chain(rest.iter().filter(|part| *part != "self")).cloned().collect()).collect()
}

/// What a module passes on under its own name.
fn exports(code: &str) -> BTreeMap<String, Path> {
    let public = uses(code).into_iter().filter(|(public, _)| *public);
    public.filter_map(|(_, path)| Some((path.last()?.clone(), path))).collect()
}

struct Crate {
    /// By module.
    exports: BTreeMap<Path, BTreeMap<String, Path>>,
}

impl Crate {
    /// The other modules that a module takes something from, its own parents and children left out.
    fn imports(&self, module: &Path, code: &str) -> BTreeSet<Path> {
        let declared = uses(code).into_iter().filter(|(public, _)| !public).map(|(_, path)| path);
        let inline = ["crate::", "super::"].into_iter().flat_map(|root| {
            code.match_indices(root).filter(|(at, _)| starts_word(code, *at)).map(|(at, _)| {
                let end = code[at..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
                let path = &code[at..end.map_or(code.len(), |end| at + end)];
                path.trim_end_matches(':').split("::").map(str::to_owned).collect::<Path>()
            })
        });
        let found = declared.chain(inline).filter_map(|path| self.resolve(module, &path, 0));
        found.filter(|other| !other.starts_with(module) && !module.starts_with(other)).collect()
    }

    /// The module that a path, as seen from another, leads into; nothing outside of the crate.
    fn resolve(&self, from: &Path, path: &[String], hops: usize) -> Option<Path> {
        let mut at = from.clone();
        let mut rest = path;
        match rest.first().map(String::as_str)? {
            "crate" => (at, rest) = (Path::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    at.pop()?;
                    rest = &rest[1..];
                }
            }
            first => self.exports.contains_key(&child(from, first)).then_some(())?,
        }
        while let Some((next, further)) = rest.split_first() {
            let inner = child(&at, next);
            if self.exports.contains_key(&inner) {
                (at, rest) = (inner, further);
                continue;
            }
            if let Some(passed) = self.exports.get(&at).and_then(|exports| exports.get(next)).filter(|_| hops < 5) {
                let path: Path = passed.iter().chain(further).cloned().collect();
                return self.resolve(&at, &path, hops + 1).or(Some(at));
            }
            break;
        }
        Some(at)
    }
}

fn child(of: &Path, name: &str) -> Path {
    of.iter().cloned().chain([name.to_owned()]).collect()
}
