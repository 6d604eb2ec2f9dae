//! Lists under rules that climb: where few rows are seen they are found from above, where many are from each row.

use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::rule_plans::{by_hand, listed, numbers, work};
use crate::support::{Caller, Fixture};

const DRIVE: &str = r#"
message Folder {
  option (google.api.resource) = {type: "drive.example.com/Folder" pattern: "folders/{folder}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.seen" write: "true"}
    predicate {name: "seen" rule: "resource.owner == auth.uid || resource.shares.exists(s, s.account == auth.uid) || resource.within.seen"}
    index {fields: "owner"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  string within = 3 [(google.api.resource_reference).type = "drive.example.com/Folder", (mainstay.v1.field) = {acyclic: true}];
}
message Share {
  option (google.api.resource) = {type: "drive.example.com/Share" pattern: "folders/{folder}/shares/{share}"};
  option (mainstay.v1.resource) = {access {read: "folder.seen" write: "true"} index {fields: "account"} on_parent_delete: CASCADE};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2;
}
message File {
  option (google.api.resource) = {type: "drive.example.com/File" pattern: "files/{file}"};
  option (mainstay.v1.resource) = {access {read: "resource.folder.seen" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string folder = 2 [(google.api.resource_reference).type = "drive.example.com/Folder"];
}
"#;

/// So many folders, in trees ten levels deep of ten folders each, one file in each. Ann owns one folder and was given another,
/// the topmost of their trees; all others are root's.
pub async fn with_folders(engine: Engine, count: usize) -> Fixture {
    let fixture = Fixture::start(engine, &file("drive.v1", DRIVE)).await;
    let n = numbers(engine, count);
    for statement in [
        "INSERT INTO drive_v1_folder (_id, _revision, owner, within) {n} SELECT 'f' || i, 1, CASE WHEN i = 1001 THEN 'ann' \
         WHEN i % 10 = 1 THEN 'root' ELSE 'u' || i END, CASE WHEN i % 10 = 1 THEN NULL ELSE 'f' || (i - 1) END FROM n",
        "INSERT INTO drive_v1_share (_folder_id, _id, _revision, account) {n} \
         SELECT 'f' || i, 's', 1, CASE WHEN i = 2001 THEN 'ann' ELSE 'u' || (i + 1) END FROM n",
        "INSERT INTO drive_v1_file (_id, _revision, folder) {n} SELECT 'd' || i, 1, 'f' || i FROM n",
    ] {
        fixture.sql(&statement.replace("{n}", &n)).await;
    }
    fixture.sql("ANALYZE").await;
    fixture
}

pub const FOLDERS_BY_HAND: &str = "WITH RECURSIVE mine(id) AS (\
    SELECT f._id FROM drive_v1_folder AS f WHERE f.owner = 'ann' \
    UNION SELECT s._folder_id FROM drive_v1_share AS s WHERE s.account = 'ann' \
    UNION SELECT f._id FROM mine JOIN drive_v1_folder AS f ON f.within = mine.id) \
    SELECT t._id, t._revision, t.owner, t.within FROM mine JOIN drive_v1_folder AS t ON t._id = mine.id ORDER BY t._id LIMIT 51";

/// The names of all pages.
async fn all(caller: &Caller<'_>, message: &str, plural: &str, filter: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut request = json!({"page_size": 1000, "filter": filter});
    loop {
        let page = caller.call(&format!("drive.v1.{message}Service/List{message}s"), request.clone()).await.unwrap();
        let rows = page[plural].as_array().cloned().unwrap_or_default();
        names.extend(rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)));
        match page["next_page_token"].as_str() {
            Some(token) => request["page_token"] = Json::from(token),
            None => return names,
        }
    }
}

fn sorted(names: impl IntoIterator<Item = usize>, prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().map(|i| format!("{prefix}{i}")).collect();
    names.sort();
    names
}

both_engines! {
    async fn few_and_many_see_what_lies_below_what_they_were_given(engine: Engine) {
        let count = 5_000;
        let fixture = with_folders(engine, count).await;
        let (ann, root) = (fixture.user("ann", &[]), fixture.user("root", &[]));
        let own = || (1001..=1010).chain(2001..=2010);
        assert_eq!(all(&ann, "Folder", "folders", "").await, sorted(own(), "folders/f"));
        assert_eq!(all(&ann, "File", "files", "").await, sorted(own(), "files/d"));
        let others = (1..=count).filter(|i| !(1001..=1010).contains(i));
        assert_eq!(all(&root, "Folder", "folders", "").await, sorted(others.clone(), "folders/f"));
        assert_eq!(all(&root, "File", "files", "").await, sorted(others, "files/d"));
        // What a filter looks at is seen by the same rule.
        let found = all(&ann, "File", "files", "folder.within = \"folders/f1001\"").await;
        assert_eq!(found, ["files/d1002"]);
        assert!(all(&ann, "File", "files", "folder.within = \"folders/f1\"").await.is_empty());
        // Who was given nothing sees nothing; and who is given the top of a tree sees the whole of it at once.
        let bob = fixture.user("bob", &[]);
        assert!(all(&bob, "Folder", "folders", "").await.is_empty());
        fixture.sql("UPDATE drive_v1_folder SET owner = 'bob' WHERE _id = 'f3001'").await;
        assert_eq!(all(&bob, "Folder", "folders", "").await, sorted(3001..=3010, "folders/f"));
    }

    async fn what_is_shared_with_few_costs_what_it_would_by_hand(engine: Engine) {
        for count in [5_000, 50_000] {
            let fixture = with_folders(engine, count).await;
            let ours = listed(&fixture, engine, "folders").await;
            let theirs = by_hand(&fixture, engine, FOLDERS_BY_HAND).await;
            let (own, other) = (work(engine, &ours), work(engine, &theirs));
            assert!(own <= other * 3.0, "{own} beside {other}\n{}\nby hand\n{}", ours.join("\n"), theirs.join("\n"));
        }
    }
}
