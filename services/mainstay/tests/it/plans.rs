//! `contract plan` and `contract apply` on a store that nobody serves.

use std::path::Path;
use std::process::Output;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::{mainstay, path, stderr, stdout};

fn note(rule: &str, fields: &str) -> String {
    format!(
        "syntax = \"proto3\";\npackage a.v1;\nimport \"google/api/resource.proto\";\nimport \"mainstay/v1/options.proto\";\n\
         message Thing {{\n  option (google.api.resource) = {{type: \"a.example.com/Thing\" pattern: \"things/{{thing}}\"}};\n  \
         option (mainstay.v1.resource) = {{access {{read: \"true\" write: \"{rule}\"}}}};\n  string name = 1;\n  {fields}\n}}\n"
    )
}

struct Place {
    folder: TempDir,
    data: TempDir,
}

impl Place {
    fn new(text: &str) -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap(), data: tempfile::tempdir().unwrap() };
        place.write(text);
        place
    }

    fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join("thing.proto"), text).unwrap();
    }

    fn run(&self, command: &str, more: &[&str]) -> Output {
        let mut words = vec!["contract", command, path(self.folder.path()), "--data-dir", path(self.data.path())];
        words.extend(more);
        mainstay(&words)
    }

    fn store(&self) -> bool {
        self.data.path().join("data.sqlite").exists()
    }
}

#[test]
fn a_plan_says_by_its_exit_code_that_something_waits() {
    let place = Place::new(&note("'librarian' in auth.roles", "string title = 2;"));
    let planned = place.run("plan", &[]);
    assert!(planned.status.success() && stdout(&planned).contains("add resource"), "{}", stderr(&planned));
    assert!(!place.store(), "a look makes no store");
    assert!(place.run("apply", &[]).status.success());
    let same = place.run("plan", &[]);
    assert!(same.status.success() && stdout(&same).contains("schema up to date"), "{}", stdout(&same));

    place.write(&note("true", "string title = 2;"));
    let widened = place.run("plan", &["--json"]);
    assert_eq!(widened.status.code(), Some(2));
    let json: Json = serde_json::from_slice(&widened.stdout).unwrap();
    let step = &json["steps"][0];
    assert_eq!(
        (&step["severity"], &step["areas"][0], &step["safety"]),
        (&"widened".into(), &"access".into(), &"reviewed".into())
    );
    assert_eq!(step["id"], "widen:rule:a.example.com/Thing#write");
    place.write(&note("'librarian' in auth.roles", "int32 title = 2;"));
    let refused = place.run("plan", &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stdout(&refused).contains("  --> thing.proto:9:9\n"), "{}", stdout(&refused));
}

#[test]
fn the_command_that_accepts_is_printed_whole() {
    let place = Place::new(&note("true", "string title = 2;"));
    assert!(place.run("apply", &[]).status.success());
    place.write(&note("auth.uid != null", "string title = 2;"));
    assert!(place.run("apply", &[]).status.success(), "what is narrowed waits for nobody");
    place.write(&note("true", "string title = 2;"));
    let said = stdout(&place.run("plan", &["--json"]));
    assert!(said.contains("\"reviewed\""), "{said}");
    let said = stdout(&place.run("plan", &[]));
    let command = format!(
        "contract apply {} --data-dir {} --accept widen:rule:a.example.com/Thing#write",
        path(place.folder.path()),
        path(place.data.path())
    );
    let line =
        said.lines().find(|line| line.ends_with(&command)).unwrap_or_else(|| panic!("{command} is not in {said}"));
    let run = std::process::Command::new("sh").arg("-c").arg(line).output().unwrap();
    assert!(run.status.success(), "{}", stderr(&run));
    assert!(stdout(&place.run("plan", &[])).contains("schema up to date"));
}

#[test]
fn another_services_directory_is_refused() {
    for (file, service) in [("gateway.sqlite", "gateway"), ("auth.sqlite", "auth"), ("gateway/run.lock", "gateway")] {
        let place = Place::new(&note("true", ""));
        let file = place.data.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(&file, "").unwrap();
        for command in ["plan", "apply"] {
            let refused = place.run(command, &[]);
            assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
            let said = stderr(&refused);
            assert!(
                said.contains(&format!("is a data directory of the {service} service")) && said.contains("--data-dir"),
                "{said}"
            );
        }
        assert!(!place.store());
    }
}
