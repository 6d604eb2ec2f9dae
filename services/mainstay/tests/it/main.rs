//! The command line, as far as it needs no server.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod editor;
mod plans;
mod rules;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

fn mainstay(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mainstay")).args(arguments).output().unwrap()
}

fn shop() -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/contracts/shop").display().to_string()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn contract(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.proto"), text).unwrap();
    folder
}

fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

#[test]
fn help_names_every_command() {
    let output = mainstay(&["--help"]);
    assert!(output.status.success());
    for command in ["serve", "init", "contract", "admin", "--config", "--data-dir", "--contracts", "--listen"] {
        assert!(stdout(&output).contains(command), "{command}");
    }
}

#[test]
fn a_new_application_is_a_valid_contract_and_a_seed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let within = |name: &str| folder.path().join(name);
    let output = mainstay(&["init", "ledger2", "--dir", path(&within("books"))]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("/ledger2/v1/notes"), "{}", stdout(&output));
    let mut files: Vec<String> = std::fs::read_dir(within("books"))
        .unwrap()
        .chain(std::fs::read_dir(within("books/v1")).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["note.proto", "seed.json", "v1"]);
    let checked = mainstay(&["contract", "check", path(&within("books"))]);
    assert!(checked.status.success(), "{}", stdout(&checked));
    assert!(!stdout(&checked).contains("warning"), "{}", stdout(&checked));
    let seed: Json = serde_json::from_slice(&std::fs::read(within("books/seed.json")).unwrap()).unwrap();
    assert!(seed["ledger2.v1.Note"].is_array(), "{seed}");
}

#[test]
fn a_new_application_overwrites_nothing_and_has_a_name_that_can_be_a_package() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine");
    std::fs::write(&file, "kept").unwrap();
    let output = mainstay(&["init", "notes", "--dir", path(folder.path())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is not empty"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    let output = mainstay(&["init", "notes", "--dir", path(&file)]);
    assert!(!output.status.success() && stderr(&output).contains("cannot be used"), "{}", stderr(&output));
    let long = "n".repeat(41);
    for name in ["Notes", "my-notes", "2notes", "", "..", "a/b", "mainstay", "auth", "nötes", "google", "buf", &long] {
        let output = mainstay(&["init", name, "--dir", path(&folder.path().join("new"))]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(stderr(&output).contains(&format!("`{name}`")), "{name}: {}", stderr(&output));
        assert!(!folder.path().join("new").exists(), "{name}");
    }
}

#[test]
fn a_good_contract_passes_the_check() {
    let output = mainstay(&["contract", "check", &shop()]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("is a valid contract"));
}

#[test]
fn a_broken_contract_fails_the_check_with_every_place() {
    let folder = contract(
        "syntax = \"proto3\";\npackage a.v1;\nimport \"google/api/resource.proto\";\nimport \"mainstay/v1/options.proto\";\n\
         message Thing {\n  option (google.api.resource) = {type: \"a.example.com/Thing\" pattern: \"things/{thing}\"};\n  \
         option (mainstay.v1.resource) = {access {read: \"resource.nope == 1\" write: \"resource.title > 2\"}};\n  \
         string name = 1;\n  string title = 2;\n}\n",
    );
    let output = mainstay(&["contract", "check", path(folder.path())]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(text.contains("broken.proto:7:"), "{text}");
    assert!(text.contains("nope"), "{text}");
    let output = mainstay(&["contract", "check", path(folder.path()), "--json"]);
    let json: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["ok"], false);
    assert!(json["diagnostics"].as_array().unwrap().len() >= 2, "all problems at once: {json}");
    assert_eq!(json["diagnostics"][0]["line"], 7);
}

#[test]
fn a_missing_folder_is_named_with_the_remedy() {
    let output = mainstay(&["contract", "check", "/nowhere/at/all"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(text.contains("/nowhere/at/all") && text.contains("does not exist"), "{text}");
}

#[test]
fn explain_shows_the_rule_and_the_sql_of_both_engines() {
    let output = mainstay(&["contract", "explain", "Order.update", &shop()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    for part in [
        "shop.v1.Order",
        "old.buyer == auth.uid",
        "SQLite",
        "PostgreSQL",
        "UPDATE \"shop_v1_order\" AS t SET",
        "FOR NO KEY UPDATE",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let output = mainstay(&["contract", "explain", "Order.list", &shop()]);
    let text = stdout(&output);
    for part in [
        "query plans, for a caller who is signed in",
        "SQLite, without rows",
        "read by key",
        "USING INDEX",
        "--database",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let output = mainstay(&["contract", "explain", "Nobody.read", &shop()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("Order, Product, Review"), "{}", stderr(&output));
}

const CLINIC: &str = r#"syntax = "proto3";
package clinic.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";
message Ward {
  option (google.api.resource) = {type: "clinic.example.com/Ward" pattern: "wards/{ward}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string nurse = 2;
}
message Patient {
  option (google.api.resource) = {type: "clinic.example.com/Patient" pattern: "patients/{patient}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string ward = 2 [(google.api.resource_reference).type = "clinic.example.com/Ward"];
  string note = 3 [(mainstay.v1.field) = {read: "resource.ward.nurse == auth.uid" write: "'doctor' in auth.roles"}];
  string bed = 4;
}
"#;

#[test]
fn explain_says_who_is_granted_what_a_rule_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let contract = r#"
syntax = "proto3";
package desk.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";
option (mainstay.v1.roles) = {
  role {name: "support" permissions: "notes.read"}
  role {name: "viewer" scope: ORGANISATION includes: "support"}
};
message Note {
  option (google.api.resource) = {type: "desk.example.com/Note" pattern: "notes/{note}"};
  option (mainstay.v1.resource) = {access {read: "'notes.read' in auth.permissions" write: "false"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
"#;
    std::fs::write(folder.path().join("desk.proto"), contract).unwrap();
    let output = mainstay(&["contract", "explain", "Note.read", path(folder.path())]);
    let said = stdout(&output) + &stderr(&output);
    assert!(said.contains("'notes.read' is granted by: support, viewer (in an organisation)"), "{said}");
}

#[test]
fn explain_shows_who_sees_and_sets_a_field_and_the_sql_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path_of = folder.path().join("clinic/v1");
    std::fs::create_dir_all(&path_of).unwrap();
    std::fs::write(path_of.join("patient.proto"), CLINIC).unwrap();
    let explained = |what: &str| {
        let output = mainstay(&["contract", "explain", what, path(folder.path())]);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let has = |text: &str, parts: &[&str]| {
        assert!(parts.iter().all(|part| text.contains(part)), "{parts:?} is not in\n{text}");
    };
    let note = explained("Patient.note");
    has(
        &note,
        &[
            "who sees it: rule at",
            "patient.proto:17:",
            "resource.ward.nurse == auth.uid",
            "\"clinic_v1_ward\"",
            "PostgreSQL: ",
        ],
    );
    has(
        &note,
        &[
            "asked in the statement that reads the row",
            "who sets it: rule at",
            "'doctor' in auth.roles",
            "decided by the caller alone",
        ],
    );
    has(&explained("Patient.bed"), &["who sees it: whoever reads the row", "who sets it: whoever writes the row"]);
    let list = explained("Patient.list");
    has(&list, &["who sees note: rule at"]);
    assert!(!list.contains("who sets note"), "{list}");
    let page = list.split("  page\n").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default();
    assert!(page.contains("\"nurse\""), "the page says of each row whether the field is seen: {page}");
    has(
        &explained("Patient.update"),
        &["who sets note: rule at", "asked of the row before and the row after, in memory"],
    );
}

#[test]
fn export_writes_the_derived_services_and_all_that_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let output = mainstay(&["contract", "export", &shop(), "--out", path(folder.path())]);
    assert!(output.status.success(), "{}", stderr(&output));
    let derived = std::fs::read_to_string(folder.path().join("shop/v1/product_service.proto")).unwrap();
    assert!(derived.contains("service ProductService"), "{derived}");
    for imported in ["google/api/annotations.proto", "buf/validate/validate.proto", "mainstay/v1/options.proto"] {
        assert!(folder.path().join(imported).is_file(), "{imported}");
    }
}

#[test]
fn export_brings_the_contract_by_which_a_client_signs_in() {
    let folder = tempfile::tempdir().unwrap();
    let output = mainstay(&["contract", "export", &shop(), "--out", path(folder.path())]);
    assert!(output.status.success(), "{}", stderr(&output));
    let sessions = std::fs::read_to_string(folder.path().join("mainstay/auth/v1/session_service.proto")).unwrap();
    assert!(sessions.contains("rpc SignIn"), "{sessions}");
    assert!(!folder.path().join("mainstay/data").exists(), "what operators call is no client's");
}

#[test]
fn export_removes_what_an_earlier_export_left_and_nothing_else() {
    let (contracts, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let resource = |name: &str, plural: &str| {
        let lower = name.to_lowercase();
        format!(
            "syntax = \"proto3\";\npackage a.v1;\nimport \"google/api/resource.proto\";\nimport \"mainstay/v1/options.proto\";\n\
             message {name} {{\n  option (google.api.resource) = {{type: \"a.example.com/{name}\" pattern: \"{plural}/{{{lower}}}\"}};\n  \
             option (mainstay.v1.resource) = {{access {{read: \"true\" write: \"true\"}}}};\n  string name = 1;\n}}\n"
        )
    };
    let write = |file: &str, text: &str| std::fs::write(contracts.path().join(file), text).unwrap();
    let export = || {
        let output = mainstay(&["contract", "export", path(contracts.path()), "--out", path(out.path())]);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let there = |file: &str| out.path().join(file).exists();
    write("cup.proto", &resource("Cup", "cups"));
    write("pot.proto", &resource("Pot", "pots"));
    write("jug.proto", &resource("Jug", "jugs"));
    export();
    assert!(there("a/v1/pot_service.proto") && there("a/v1/jug_service.proto"));
    std::fs::write(out.path().join("a/v1/mine.proto"), "// mine").unwrap();
    std::fs::write(out.path().join("a/v1/jug_service.proto"), "// changed by hand").unwrap();
    std::fs::remove_file(contracts.path().join("pot.proto")).unwrap();
    std::fs::remove_file(contracts.path().join("jug.proto")).unwrap();
    let said = export();
    assert!(said.contains("removed 3 that an earlier export left"), "{said}");
    assert!(said.contains("left a/v1/jug_service.proto"), "{said}");
    assert!(!there("a/v1/pot_service.proto"));
    for kept in ["a/v1/mine.proto", "a/v1/jug_service.proto", "a/v1/cup_service.proto", "google/api/http.proto"] {
        assert!(there(kept), "{kept}");
    }
    let said = export();
    assert!(!said.contains("removed") && !said.contains("left"), "what was left is nobody's business any more: {said}");
}

#[test]
fn export_takes_nothing_away_by_a_record_that_leads_out_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (out, outside) = (folder.path().join("out"), folder.path().join("outside.proto"));
    std::fs::create_dir(&out).unwrap();
    std::fs::write(&outside, "").unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let record = serde_json::json!({"../outside.proto": empty, path(&outside): empty});
    std::fs::write(out.join(".mainstay-export.json"), record.to_string()).unwrap();
    let output = mainstay(&["contract", "export", &shop(), "--out", path(&out)]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(outside.exists());
    std::fs::write(out.join(".mainstay-export.json"), "no record").unwrap();
    let output = mainstay(&["contract", "export", &shop(), "--out", path(&out)]);
    assert!(stderr(&output).contains("damaged"), "{}", stderr(&output));
}

#[test]
fn export_does_not_put_derived_files_among_the_sources() {
    let contracts = tempfile::tempdir().unwrap();
    let text = "syntax = \"proto3\"; package a.v1; import \"google/api/resource.proto\"; message Cup { option (google.api.resource) = \
                {type: \"a.example.com/Cup\" pattern: \"cups/{cup}\"}; string name = 1; }";
    std::fs::create_dir_all(contracts.path().join("a/v1")).unwrap();
    std::fs::write(contracts.path().join("a/v1/cup.proto"), text).unwrap();
    for (folder, out) in [("", ""), ("a", ""), ("a/v1", ""), ("", "a/v1")] {
        let (folder, out) = (contracts.path().join(folder), contracts.path().join(out));
        let output = mainstay(&["contract", "export", path(&folder), "--out", path(&out)]);
        assert_eq!(output.status.code(), Some(1), "{folder:?} {out:?}");
        assert!(stderr(&output).contains("name another --out"), "{}", stderr(&output));
    }
    assert!(!contracts.path().join("a/v1/cup_service.proto").exists());
}

#[test]
fn every_problem_of_the_configuration_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mainstay.toml");
    std::fs::write(&file, "lisen = \"127.0.0.1:1\"\nmax_connections = \"many\"\n[gateway]\nmax_reqest_bytes = 3\n")
        .unwrap();
    let output = mainstay(&["serve", "--config", path(&file)]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    for part in ["lisen", "listen", "max_connections", "max_reqest_bytes", "max_request_bytes"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn a_password_is_never_an_argument() {
    let folder = tempfile::tempdir().unwrap();
    let output = mainstay(&["admin", "create", "root@example.org", "--data-dir", path(folder.path())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("--password-stdin"), "{}", stderr(&output));
}

#[test]
fn a_file_is_not_called_a_missing_folder() {
    let folder = contract("");
    let file = folder.path().join("broken.proto");
    let output = mainstay(&["contract", "check", path(&file)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("is a file, not a folder"), "{}", stdout(&output));

    let output = mainstay(&["admin", "grant", "ada@example.org", "merchant", "--data-dir", path(&file)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is a file, and must be a folder"), "{}", stderr(&output));
}

#[test]
fn a_role_for_nobody_and_a_bad_role_are_told_by_what_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let grant = |email: &str, role: &str| {
        let output = mainstay(&["admin", "grant", email, role, "--data-dir", path(folder.path())]);
        assert_eq!(output.status.code(), Some(1));
        stderr(&output)
    };
    let said = grant("nobody@example.org", "merchant");
    assert!(said.contains("no account has the address nobody@example.org"), "{said}");
    let said = grant("nobody@example.org", "bad role!");
    assert!(said.contains("`bad role!` is not a role"), "{said}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay"));
    let command = command.args(["contract", "explain", "Order.update", &shop()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
}
