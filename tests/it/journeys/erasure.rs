//! Somebody is exported and erased by the command line, in one process and in three.

use std::fs;
use std::path::Path;
use std::process::Command;

use mainstay_testkit::server::binary;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value, json};

use crate::support::{Folder, System};

const CONTRACT: &str = r#"syntax = "proto3";
package clinic.v1;

import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

message Patient {
  option (google.api.resource) = {type: "clinic.example.org/Patient" pattern: "patients/{patient}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.account == auth.uid || 'staff' in auth.roles" write: "resource.account == auth.uid"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2 [(mainstay.v1.field).default = "auth.uid"];
  string mail = 3 [
    (google.api.field_behavior) = REQUIRED, (mainstay.v1.field).class = PII, (buf.validate.field).string.email = true
  ];
  string allergy = 4 [(mainstay.v1.field).class = PHI];
  int64 owed = 5 [(mainstay.v1.field).class = FINANCIAL];
  string internal = 6 [(mainstay.v1.field).read = "'staff' in auth.roles"];
}
"#;

const ADDRESS: &str = "ada@canary.example";

/// What a command prints, and whether it succeeded.
fn mainstay(data: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(binary());
    command.env_clear().args(arguments).arg("--data-dir").arg(data);
    let output = command.output().expect("the command runs");
    let text = if output.status.success() { output.stdout } else { [output.stdout, output.stderr].concat() };
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Everything that lies below a folder and holds a text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes())) {
            found.push(path.display().to_string());
        }
    }
    found
}

async fn erased_in(engine: Engine, mut system: System) {
    let data = system.folder.path().join("data");
    let ada = system.user(ADDRESS).await;
    let bob = system.user("bob@example.org").await;
    for (who, mail) in [(&ada, ADDRESS), (&bob, "bob@example.org")] {
        let patient = json!({"mail": mail, "allergy": "canary-allergy", "owed": "7", "internal": "says staff"});
        who.post("/clinic/v1/patients", patient).await.ok();
    }
    let uid = ada.get("/auth/v1/accounts/me").await.ok()["uid"].as_str().expect("a uid").to_owned();

    // Over REST each gets their own, as they may read it.
    let own = ada.get("/data/v1/accounts/me:export").await.text();
    assert!(own.contains(ADDRESS) && !own.contains("says staff") && !own.contains("bob@"), "{own}");
    let name = format!("/data/v1/accounts/{uid}:export");
    assert!(!bob.get(&name).await.text().contains(ADDRESS));
    bob.post(&format!("/data/v1/accounts/{uid}:erase"), json!({})).await.refusal(403, "PERMISSION_DENIED");

    let out = system.folder.path().join("export");
    let (succeeded, text) = mainstay(&data, &["admin", "export", ADDRESS, "--output", out.to_str().expect("a path")]);
    assert!(succeeded && text.contains("1 rows"), "{text}");
    let rows = fs::read_to_string(out.join("rows.jsonl")).expect("rows");
    let row: Value = serde_json::from_str(rows.lines().next().expect("a row")).expect("JSON");
    assert_eq!(row["row"]["record"]["mail"], ADDRESS, "{rows}");
    assert!(fs::read_to_string(out.join("account.jsonl")).expect("items").contains(ADDRESS));
    fs::remove_dir_all(&out).expect("it goes");

    let (succeeded, text) = mainstay(&data, &["admin", "erase", ADDRESS, "--dry-run"]);
    assert!(succeeded && text.contains("nothing was erased") && text.contains("allergy (PHI): 1 emptied"), "{text}");
    let (succeeded, text) = mainstay(&data, &["admin", "erase", ADDRESS]);
    assert!(!succeeded && text.contains("--yes"), "{text}");
    let certificate = system.folder.path().join("certificate.json");
    let arguments = ["admin", "erase", ADDRESS, "--yes", "--certificate", certificate.to_str().expect("a path")];
    let (succeeded, text) = mainstay(&data, &arguments);
    assert!(succeeded && text.contains("owed (FINANCIAL): 1 kept (FINANCIAL)"), "{text}");
    let written = fs::read_to_string(&certificate).expect("a certificate");
    let told: Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(told["account"], format!("accounts/{uid}"));
    assert_eq!(told["report"]["data"]["resources"][0]["changedRows"], "1", "{written}");
    assert!(!written.contains("canary"));
    let (succeeded, again) = mainstay(&data, &["admin", "erase", &uid, "--dry-run", "--json"]);
    assert!(succeeded && again.contains("was gone before"), "{again}");
    let nobody = "0199a1c4-0000-7000-8000-00000000dead";
    let other = system.folder.path().join("other.json");
    let arguments = ["admin", "erase", nobody, "--yes", "--certificate", other.to_str().expect("a path")];
    let (succeeded, refused) = mainstay(&data, &arguments);
    assert!(!succeeded && !other.exists(), "nobody is certified: {refused}");
    let (succeeded, audit) = mainstay(&data, &["audit", "verify"]);
    assert!(succeeded, "{audit}");
    if engine == Engine::Sqlite {
        assert_eq!(files_with(&data, ADDRESS), Vec::<String>::new());
        assert!(!files_with(&data, "bob@example.org").is_empty());
    }
    let kept = bob.get("/clinic/v1/patients").await.ok();
    assert_eq!(kept["patients"][0]["allergy"], "canary-allergy", "{kept}");
    system.gateway.stop().await;
}

both_engines! {
    async fn somebody_is_exported_and_erased_in_one_process(engine: Engine) {
        let folder = Folder::with("clinic/v1/patient.proto", CONTRACT);
        erased_in(engine, System::one(engine, folder).await).await;
    }
}

#[tokio::test]
async fn somebody_is_exported_and_erased_in_three_processes() {
    let folder = Folder::with("clinic/v1/patient.proto", CONTRACT);
    erased_in(Engine::Sqlite, System::three(Engine::Sqlite, folder).await).await;
}
