//! `mainstay contract explain` with a database of PostgreSQL: the plan is that of the database as it is.

use std::path::Path;
use std::process::Command;

use mainstay_testkit::Engine;
use mainstay_testkit::database::place;
use mainstay_testkit::server::binary;

const DRIVE: &str = r#"syntax = "proto3";
package drive.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

message Folder {
  option (google.api.resource) = {type: "drive.example.com/Folder" pattern: "folders/{folder}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.seen" write: "resource.seen"}
    predicate {name: "seen" rule: "resource.owner == auth.uid || resource.within.seen"}
    index {fields: "owner"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  string within = 3 [(google.api.resource_reference).type = "drive.example.com/Folder", (mainstay.v1.field) = {acyclic: true}];
}
"#;

/// Runs a command of `mainstay contract`: whether it succeeded, and what it said.
fn contract(data: &Path, url: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(binary());
    command.env_clear().env("MAINSTAY__DATA__DATABASE_URL", url).arg("contract").args(arguments);
    let output = command.arg("--data-dir").arg(data).output().expect("the binary runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn explain_tells_how_postgresql_would_find_the_rows_that_are_there() {
    let (directory, place) = (tempfile::tempdir().expect("a folder can be made"), place(Engine::Postgres).await);
    let (folder, data) = (directory.path().join("drive"), directory.path().join("data"));
    let url = place.url().expect("it is on PostgreSQL").to_owned();
    std::fs::create_dir_all(folder.join("v1")).expect("a folder can be made");
    let write = |text: &str| std::fs::write(folder.join("v1/folder.proto"), text).expect("a file can be written");
    write(DRIVE);
    let folder_name = folder.to_string_lossy().into_owned();
    let explain = |what: &str| contract(&data, &url, &["explain", what, &folder_name, "--database", &url]);

    let (succeeded, said) = explain("Folder.list");
    assert!(!succeeded && said.contains("no contract was applied to this database"), "{said}");

    let (succeeded, said) = contract(&data, &url, &["apply", &folder_name]);
    assert!(succeeded, "{said}");
    let parts = [
        "PostgreSQL, with the rows that are there",
        "read by key",
        "Index Cond: (_id",
        "page, where the caller was given few rows",
        "Recursive Union",
        "Limit",
    ];
    let (succeeded, said) = explain("Folder.list");
    let plan = said.split_once("PostgreSQL, with the rows").map(|(_, plan)| plan.to_owned()).unwrap_or_default();
    assert!(succeeded && parts.iter().skip(1).all(|part| plan.contains(part)), "{said}");
    assert!(
        said.contains(parts[0]) && plan.contains("drive_v1_folder__owner_idx"),
        "an index finds what one owns: {said}"
    );

    // What was renamed and is not applied yet has its old name there.
    write(&DRIVE.replace("string owner = 2;", "string holder = 2;").replace("owner", "holder"));
    let (succeeded, said) = explain("Folder.update");
    assert!(succeeded && said.contains("t.\"holder\"") && said.contains("read by key"), "{said}");
}
