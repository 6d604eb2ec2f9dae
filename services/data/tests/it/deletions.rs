//! What becomes of the rows that hang on one that is deleted (AIP-135, `on_delete`, `on_parent_delete`).

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

fn blog() -> String {
    file(
        "blog.v1",
        r#"
message Author {
  option (google.api.resource) = {type: "blog.example.com/Author" pattern: "authors/{author}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string best = 2 [(google.api.resource_reference).type = "blog.example.com/Post"];
}
message Post {
  option (google.api.resource) = {type: "blog.example.com/Post" pattern: "authors/{author}/posts/{post}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"} on_parent_delete: CASCADE};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string reply_to = 2 [(google.api.resource_reference).type = "blog.example.com/Post", (mainstay.v1.field).on_delete = SET_NULL];
  string after = 3 [(google.api.resource_reference).type = "blog.example.com/Post"];
  string etag = 4;
}
message Like {
  option (google.api.resource) = {type: "blog.example.com/Like" pattern: "likes/{like}"};
  option (mainstay.v1.resource) = {access {read: "resource.by == auth.uid" create: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string by = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  string post = 3 [(google.api.resource_reference).type = "blog.example.com/Post", (mainstay.v1.field).on_delete = CASCADE];
}
message Pin {
  option (google.api.resource) = {type: "blog.example.com/Pin" pattern: "pins/{pin}"};
  option (mainstay.v1.resource) = {access {read: "resource.by == auth.uid" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string by = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  string post = 3 [(google.api.resource_reference).type = "blog.example.com/Post"];
}
message Note {
  option (google.api.resource) = {type: "blog.example.com/Note" pattern: "authors/{author}/notes/{note}"};
  option (mainstay.v1.resource) = {access {read: "!resource.secret || resource.by == auth.uid" write: "resource.by == auth.uid"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string by = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  bool secret = 3;
}
"#,
    )
}

fn method(verb: &str, message: &str) -> String {
    let many = if verb == "List" { "s" } else { "" };
    format!("blog.v1.{message}Service/{verb}{message}{many}")
}

async fn post(caller: &Caller<'_>, author: &str, id: &str, body: Json) {
    let request = json!({"parent": format!("authors/{author}"), "post_id": id, "post": body});
    caller.ok(&method("Create", "Post"), request).await;
}

/// Two authors, of whom ann's posts are liked and answered by others.
async fn with_posts(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &blog()).await;
    let (ann, bob) = (fixture.user("ann", &[]), fixture.user("bob", &[]));
    for author in ["ann", "bob"] {
        ann.ok(&method("Create", "Author"), json!({"author_id": author, "author": {}})).await;
    }
    post(&ann, "ann", "one", json!({})).await;
    post(&ann, "ann", "two", json!({"after": "authors/ann/posts/one", "reply_to": "authors/ann/posts/one"})).await;
    post(&bob, "bob", "reply", json!({"reply_to": "authors/ann/posts/two"})).await;
    let best = json!({"author": {"name": "authors/ann", "best": "authors/ann/posts/two"}});
    ann.ok(&method("Update", "Author"), best).await;
    for (id, of) in [("l1", "one"), ("l2", "two")] {
        let like = json!({"like_id": id, "like": {"post": format!("authors/ann/posts/{of}")}});
        bob.ok(&method("Create", "Like"), like).await;
    }
    fixture
}

async fn count(fixture: &Fixture, message: &str, parent: &str) -> usize {
    let list = fixture.system().ok(&method("List", message), json!({"parent": parent, "page_size": 1000})).await;
    let rows = list.as_object().and_then(|fields| fields.values().find_map(Json::as_array).cloned());
    rows.map_or(0, |rows| rows.len())
}

both_engines! {
    async fn what_hangs_on_a_row_goes_with_it_whoever_wrote_it(engine: Engine) {
        let fixture = with_posts(engine).await;
        let ann = fixture.user("ann", &[]);
        let before = ann.ok(&method("Get", "Post"), json!({"name": "authors/bob/posts/reply"})).await;
        ann.ok(&method("Delete", "Author"), json!({"name": "authors/ann", "validate_only": true})).await;
        assert_eq!((count(&fixture, "Author", "").await, count(&fixture, "Like", "").await), (2, 2), "a dry run does nothing");
        ann.ok(&method("Delete", "Author"), json!({"name": "authors/ann"})).await;
        assert_eq!(count(&fixture, "Author", "").await, 1);
        assert_eq!((count(&fixture, "Post", "authors/-").await, count(&fixture, "Like", "").await), (1, 0));
        let after = ann.ok(&method("Get", "Post"), json!({"name": "authors/bob/posts/reply"})).await;
        assert!(after.get("reply_to").is_none(), "{after}");
        assert_ne!(before["etag"], after["etag"], "it was changed");
    }

    async fn a_reference_that_keeps_its_target_is_named_to_who_may_read_it(engine: Engine) {
        let fixture = with_posts(engine).await;
        let (ann, bob) = (fixture.user("ann", &[]), fixture.user("bob", &[]));
        let pin = json!({"pin_id": "p", "pin": {"post": "authors/ann/posts/one"}});
        bob.ok(&method("Create", "Pin"), pin).await;
        for (message, name, seen_by_ann) in
            [("Author", "authors/ann", None), ("Post", "authors/ann/posts/one", Some("authors/ann/posts/two"))]
        {
            for (caller, by) in [(&ann, seen_by_ann), (&bob, Some("pins/p"))] {
                let fault = caller.fault(&method("Delete", message), json!({"name": name})).await;
                assert_eq!((fault.reason(), fault.metadata("by")), (Some(Reason::StillReferenced), by), "{fault:?}");
                assert_eq!(fault.metadata("name"), Some(name));
            }
        }
        assert_eq!((count(&fixture, "Post", "authors/-").await, count(&fixture, "Like", "").await), (3, 2), "nothing is gone");
        bob.ok(&method("Delete", "Pin"), json!({"name": "pins/p"})).await;
        ann.ok(&method("Delete", "Author"), json!({"name": "authors/ann"})).await;
        assert_eq!(count(&fixture, "Like", "").await, 0);
    }

    async fn force_deletes_what_lies_below_as_far_as_the_caller_may(engine: Engine) {
        let fixture = Fixture::start(engine, &blog()).await;
        let (ann, bob) = (fixture.user("ann", &[]), fixture.user("bob", &[]));
        ann.ok(&method("Create", "Author"), json!({"author_id": "ann", "author": {}})).await;
        let note = |id: &str, secret: bool| json!({"parent": "authors/ann", "note_id": id, "note": {"secret": secret}});
        ann.ok(&method("Create", "Note"), note("mine", false)).await;
        let delete = |force: bool| json!({"name": "authors/ann", "force": force});
        let fault = ann.fault(&method("Delete", "Author"), delete(false)).await;
        assert_eq!((fault.reason(), fault.metadata("by")), (Some(Reason::StillReferenced), Some("authors/ann/notes/mine")));
        bob.ok(&method("Create", "Note"), note("open", false)).await;
        let fault = ann.fault(&method("Delete", "Author"), delete(true)).await;
        assert_eq!((fault.reason(), fault.metadata("by")), (Some(Reason::StillReferenced), Some("authors/ann/notes/open")));
        bob.ok(&method("Delete", "Note"), json!({"name": "authors/ann/notes/open"})).await;
        bob.ok(&method("Create", "Note"), note("hidden", true)).await;
        let fault = ann.fault(&method("Delete", "Author"), delete(true)).await;
        assert_eq!((fault.reason(), fault.metadata("by")), (Some(Reason::StillReferenced), None), "{fault:?}");
        assert_eq!(count(&fixture, "Note", "authors/-").await, 2);
        bob.ok(&method("Delete", "Note"), json!({"name": "authors/ann/notes/hidden"})).await;
        ann.ok(&method("Delete", "Author"), delete(true)).await;
        assert_eq!((count(&fixture, "Author", "").await, count(&fixture, "Note", "authors/-").await), (0, 0));
    }

    async fn a_deletion_takes_a_bounded_number_along(engine: Engine) {
        let fixture = with_posts(engine).await;
        let ann = fixture.user("ann", &[]);
        let many: Vec<Json> = (0..999).map(|_| json!({"post": {}})).collect();
        let batch = json!({"parent": "authors/bob", "requests": many});
        ann.ok("blog.v1.PostService/BatchCreatePosts", batch).await;
        post(&ann, "bob", "one-more", json!({})).await;
        let fault = ann.fault(&method("Delete", "Author"), json!({"name": "authors/bob"})).await;
        assert_eq!((fault.reason(), fault.metadata("name")), (Some(Reason::StillReferenced), Some("authors/bob")));
        assert!(fault.text().contains("1000"), "{fault:?}");
        ann.ok(&method("Delete", "Post"), json!({"name": "authors/bob/posts/one-more"})).await;
        ann.ok(&method("Delete", "Author"), json!({"name": "authors/bob"})).await;
        assert_eq!(count(&fixture, "Author", "").await, 1);
    }

    async fn batches_and_commits_delete_alike(engine: Engine) {
        let fixture = with_posts(engine).await;
        let ann = fixture.user("ann", &[]);
        let writes = json!([
            {"delete_post": {"name": "authors/bob/posts/reply"}},
            {"delete_author": {"name": "authors/ann"}},
            {"create_author": {"author_id": "new", "author": {}}},
        ]);
        ann.ok("blog.v1.CommitService/Commit", json!({"writes": writes})).await;
        assert_eq!((count(&fixture, "Author", "").await, count(&fixture, "Post", "authors/-").await), (2, 0));
        let gone = json!([{"delete_author": {"name": "authors/bob"}}, {"create_post": {"parent": "authors/bob", "post": {}}}]);
        let fault = ann.fault("blog.v1.CommitService/Commit", json!({"writes": gone})).await;
        assert_eq!(fault.reason(), Some(Reason::ReferenceNotFound));
        post(&ann, "bob", "p", json!({})).await;
        ann.ok("blog.v1.AuthorService/BatchDeleteAuthors", json!({"names": ["authors/new", "authors/bob"]})).await;
        assert_eq!((count(&fixture, "Author", "").await, count(&fixture, "Post", "authors/-").await), (0, 0));
    }

    async fn what_is_kept_keeps_what_goes_with_it(engine: Engine) {
        let fixture = Fixture::start(engine, &drive()).await;
        let ann = fixture.user("ann", &[]);
        let call = |verb: &str, message: &str| format!("drive.v1.{message}Service/{verb}{message}");
        ann.ok(&call("Create", "Folder"), json!({"folder_id": "f", "folder": {}})).await;
        ann.ok(&call("Create", "Sheet"), json!({"parent": "folders/f", "sheet_id": "s", "sheet": {}})).await;
        ann.ok(&call("Create", "Mark"), json!({"mark_id": "m", "mark": {"sheet": "folders/f/sheets/s"}})).await;
        let gone = ann.ok(&call("Delete", "Folder"), json!({"name": "folders/f"})).await;
        assert!(gone.get("delete_time").is_some());
        let sheet = ann.ok(&call("Get", "Sheet"), json!({"name": "folders/f/sheets/s"})).await;
        assert_eq!(sheet["delete_time"], gone["delete_time"], "kept, and deleted at the same time");
        assert!(ann.ok(&call("Get", "Mark"), json!({"name": "marks/m"})).await.get("sheet").is_none());
        ann.ok(&call("Undelete", "Folder"), json!({"name": "folders/f"})).await;
        let sheet = ann.ok(&call("Get", "Sheet"), json!({"name": "folders/f/sheets/s"})).await;
        assert!(sheet.get("delete_time").is_some(), "each comes back by itself");
        ann.ok(&call("Undelete", "Sheet"), json!({"name": "folders/f/sheets/s"})).await;
    }

    async fn what_would_be_unset_twice_where_one_may_be_keeps_the_row_that_it_refers_to(engine: Engine) {
        let fixture = Fixture::start(engine, &parking()).await;
        let ann = fixture.user("ann", &[]);
        let call = |verb: &str, message: &str| format!("park.v1.{message}Service/{verb}{message}");
        for spot in ["a", "b"] {
            ann.ok(&call("Create", "Spot"), json!({"spot_id": spot})).await;
            ann.ok(&call("Create", "Car"), json!({"car_id": spot, "car": {"spot": format!("spots/{spot}")}})).await;
        }
        ann.ok(&call("Delete", "Spot"), json!({"name": "spots/a"})).await;
        assert_eq!(ann.ok(&call("Get", "Car"), json!({"name": "cars/a"})).await.get("spot"), None);
        let fault = ann.fault(&call("Delete", "Spot"), json!({"name": "spots/b"})).await;
        assert_eq!(fault.reason(), Some(Reason::StillReferenced), "two cars may not have no spot");
        assert_eq!(ann.ok(&call("Get", "Car"), json!({"name": "cars/b"})).await["spot"], "spots/b");
        ann.ok(&call("Delete", "Car"), json!({"name": "cars/a"})).await;
        ann.ok(&call("Delete", "Spot"), json!({"name": "spots/b"})).await;
    }
}

fn parking() -> String {
    file(
        "park.v1",
        r#"
message Spot {
  option (google.api.resource) = {type: "park.example.com/Spot" pattern: "spots/{spot}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
message Car {
  option (google.api.resource) = {type: "park.example.com/Car" pattern: "cars/{car}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "auth.uid != ''"}
    index {fields: "spot" unique: true unset_conflicts: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string spot = 2 [(google.api.resource_reference).type = "park.example.com/Spot", (mainstay.v1.field).on_delete = SET_NULL];
}
"#,
    )
}

fn drive() -> String {
    file(
        "drive.v1",
        r#"
message Folder {
  option (google.api.resource) = {type: "drive.example.com/Folder" pattern: "folders/{folder}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"} soft_delete: true};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  google.protobuf.Timestamp delete_time = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
}
message Sheet {
  option (google.api.resource) = {type: "drive.example.com/Sheet" pattern: "folders/{folder}/sheets/{sheet}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"} soft_delete: true on_parent_delete: CASCADE};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  google.protobuf.Timestamp delete_time = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
}
message Mark {
  option (google.api.resource) = {type: "drive.example.com/Mark" pattern: "marks/{mark}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string sheet = 2 [(google.api.resource_reference).type = "drive.example.com/Sheet", (mainstay.v1.field).on_delete = SET_NULL];
}
"#,
    )
}
