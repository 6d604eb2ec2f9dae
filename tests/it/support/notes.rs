//! A small contract that grows from generation to generation, and rows that are recognised when they are whole.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mainstay_testkit::Engine;
use mainstay_testkit::http::Http;
use serde_json::{Value, json};

use super::{Folder, System};

/// The contract's only file.
pub const FILE: &str = "notes/v1/note.proto";

/// The contract of a generation. From one to the next, the title gets another name, and a field and an index on it are
/// added: `title_3` was called `title_2` before, and `extra_1`, `extra_2` and `extra_3` are there.
pub fn contract(generation: usize) -> String {
    let mut extras = String::new();
    let mut indexes = String::new();
    for extra in 1..=generation {
        let _ = writeln!(extras, "  int32 extra_{extra} = {};", 10 + extra);
        let _ = writeln!(indexes, "    index {{fields: \"extra_{extra}\"}}");
    }
    let aliases = match generation {
        0 => String::new(),
        _ => format!(" [(mainstay.v1.field) = {{aliases: \"title_{}\"}}]", generation - 1),
    };
    format!(
        r#"syntax = "proto3";

package notes.v1;

import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

// What somebody wants to remember. Everybody may do everything.
message Note {{
  option (google.api.resource) = {{type: "notes.example.org/Note" pattern: "notes/{{note}}"}};
  option (mainstay.v1.resource) = {{
    access {{read: "true" write: "true"}}
{indexes}  }};

  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title_{generation} = 2{aliases};
  string body = 3;
  int32 weight = 4;
{extras}}}
"#
    )
}

/// A folder with the contract of generation 0.
pub fn folder() -> Folder {
    Folder::with(FILE, &contract(0))
}

/// The note with this id: every field follows from it.
pub fn note(id: &str) -> Value {
    json!({"title_0": format!("title of {id}"), "body": format!("{id} ").repeat(20), "weight": 7})
}

/// Checks that a note is as it was written, whatever its title is called now.
pub fn assert_whole(note: &Value, generation: usize) {
    let name = note["name"].as_str().expect("a note has a name");
    let id = name.strip_prefix("notes/").expect("the name has the pattern's form");
    assert_eq!(note[format!("title{generation}")], format!("title of {id}"), "{note}");
    assert_eq!(note["body"], format!("{id} ").repeat(20), "{note}");
    assert_eq!(note["weight"], 7, "{note}");
}

/// Creates a note.
pub async fn create(http: &Http, id: &str) {
    http.post(&format!("/notes/v1/notes?noteId={id}"), note(id)).await.ok();
}

/// Reads all notes, page by page, by their ids.
pub async fn all(http: &Http) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut token = String::new();
    loop {
        let page = http.get(&format!("/notes/v1/notes?pageSize=1000&pageToken={token}")).await.ok();
        for note in page["notes"].as_array().into_iter().flatten() {
            let id = note["name"].as_str().expect("a note has a name").trim_start_matches("notes/").to_owned();
            assert!(found.insert(id, note.clone()).is_none(), "a note is on two pages: {note}");
        }
        match page["nextPageToken"].as_str() {
            Some(next) if !next.is_empty() => token = next.to_owned(),
            _ => return found,
        }
    }
}

/// Adds the notes `f0` to `f<count - 1>` to a stopped system's table, as a busy server would have left them.
pub async fn fill(system: &System, engine: Engine, count: usize) {
    let (series, body) = match engine {
        Engine::Sqlite => (
            format!("WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < {count})"),
            "replace(hex(zeroblob(20)), '00', 'f' || i || ' ')",
        ),
        Engine::Postgres => {
            (format!("WITH s(i) AS (SELECT generate_series(0, {}))", count - 1), "repeat('f' || i || ' ', 20)")
        }
    };
    let values = format!("SELECT 'f' || i, 1, 'title of f' || i, {body}, 7 FROM s");
    let insert = "INSERT INTO notes_v1_note (_id, _revision, title_0, body, weight)";
    let sql = match engine {
        Engine::Sqlite => format!("{insert} {series} {values}"),
        Engine::Postgres => format!("{series} {insert} {values}"),
    };
    system.run_sql(&sql).await;
}
