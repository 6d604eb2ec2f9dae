//! S28: which methods somebody who is not signed in can do anything by, as the rules say it.

use std::collections::BTreeSet;

use mainstay_testkit::both_engines;

use crate::contracts::file;
use crate::support::Fixture;

fn resource(message: &str, access: &str) -> String {
    let collection = format!("{}s", message.to_lowercase());
    format!(
        r#"message {message} {{
          option (google.api.resource) = {{type: "club.example.com/{message}" pattern: "{collection}/{{it}}"}};
          option (mainstay.v1.resource) = {{access {{{access}}}}};
          string name = 1 [(google.api.field_behavior) = IDENTIFIER];
          string owner = 2;
          bool open = 3;
        }}"#
    )
}

/// The methods of one resource that are open.
async fn open(fixture: &Fixture, message: &str) -> BTreeSet<String> {
    let snapshot = fixture.data.reconciler().served().load();
    let service = format!("/club.v1.{message}Service/");
    let all: Vec<String> = snapshot.open_methods().map(str::to_owned).collect();
    all.iter().filter_map(|path| path.strip_prefix(&service)).map(str::to_owned).collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

both_engines! {
    async fn what_no_rule_gives_nobody_is_not_open(engine: Engine) {
        let contract = [
            resource("Notice", r#"read: "true" write: "'staff' in auth.roles""#),
            resource("Letter", r#"read: "'staff' in auth.roles" create: "true" update: "true" delete: "true""#),
            resource("Vault", r#"read: "resource.owner == auth.uid" write: "resource.owner == auth.uid""#),
            resource("Door", r#"read: "resource.open || resource.owner == auth.uid" write: "resource.owner == auth.uid""#),
            resource("Ruin", ""),
        ];
        let fixture = Fixture::start(engine, &file("club.v1", &contract.join("\n"))).await;
        let reads = |one: &str| names([&format!("Get{one}"), &format!("List{one}s"), &format!("BatchGet{one}s")]);
        assert_eq!(open(&fixture, "Notice").await, reads("Notice"));
        assert_eq!(open(&fixture, "Door").await, reads("Door"));
        // What is changed must be read.
        assert_eq!(open(&fixture, "Letter").await, names(["CreateLetter", "BatchCreateLetters"]));
        assert_eq!(open(&fixture, "Vault").await, names([]));
        assert_eq!(open(&fixture, "Ruin").await, names([]));
        // A Commit names all that it can write.
        assert_eq!(open(&fixture, "Commit").await, names([]));
    }

    async fn a_commit_is_open_where_all_of_its_writes_are(engine: Engine) {
        let contract = file("club.v1", &resource("Board", r#"read: "true" write: "true""#));
        let fixture = Fixture::start(engine, &contract).await;
        assert_eq!(open(&fixture, "Commit").await, names(["Commit"]));
    }
}
