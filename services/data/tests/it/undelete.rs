//! Deleted rows are kept, come back, and go for good (AIP-164).

use futures_util::future::join;
use mainstay_data::plans::Shape;
use mainstay_data::purge;
use mainstay_data::rights::Caller as Rights;
use mainstay_db::Lane;
use mainstay_fault::Reason;
use mainstay_identity::Principal;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture, on_the_wire};

const GET: &str = "lib.v1.BookService/GetBook";
const LIST: &str = "lib.v1.BookService/ListBooks";
const CREATE: &str = "lib.v1.BookService/CreateBook";
const UPDATE: &str = "lib.v1.BookService/UpdateBook";
const DELETE: &str = "lib.v1.BookService/DeleteBook";
const UNDELETE: &str = "lib.v1.BookService/UndeleteBook";
const CREATE_SHELF: &str = "lib.v1.ShelfService/CreateShelf";
const DELETE_SHELF: &str = "lib.v1.ShelfService/DeleteShelf";
const UNDELETE_SHELF: &str = "lib.v1.ShelfService/UndeleteShelf";
const CREATE_AUTHOR: &str = "lib.v1.AuthorService/CreateAuthor";
const UPDATE_AUTHOR: &str = "lib.v1.AuthorService/UpdateAuthor";
const DELETE_AUTHOR: &str = "lib.v1.AuthorService/DeleteAuthor";
const UNDELETE_AUTHOR: &str = "lib.v1.AuthorService/UndeleteAuthor";
const CREATE_NOTE: &str = "lib.v1.NoteService/CreateNote";
const DELETE_NOTE: &str = "lib.v1.NoteService/DeleteNote";
const ID: &str = "7a1c0b9e-4b44-4c3e-9d0a-0f7d1c2b3a45";
const HOUR_SECONDS: i64 = 60 * 60;
const BOOK: &str = "shelves/s/books/b";

/// Shelves, authors and books are kept when they are deleted; notes, which refer to authors, are not.
fn archive() -> String {
    file(
        "lib.v1",
        r#"
message Shelf {
  option (google.api.resource) = {type: "lib.example.com/Shelf" pattern: "shelves/{shelf}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != null"} soft_delete: true purge_after: "1h"};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  google.protobuf.Timestamp delete_time = 2;
}

message Author {
  option (google.api.resource) = {type: "lib.example.com/Author" pattern: "authors/{author}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != null"} soft_delete: true};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string mentor = 2 [(google.api.resource_reference).type = "lib.example.com/Author"];
  google.protobuf.Timestamp delete_time = 3;
}

message Book {
  option (google.api.resource) = {type: "lib.example.com/Book" pattern: "shelves/{shelf}/books/{book}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.open || resource.owner == auth.uid || 'staff' in auth.roles"
      create: "resource.owner == auth.uid"
      update: "old.owner == auth.uid"
      delete: "resource.owner == auth.uid || 'staff' in auth.roles"
    }
    index {fields: "isbn" unique: true}
    index {fields: "title"}
    soft_delete: true
    purge_after: "1h"
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
  string isbn = 3;
  bool open = 4;
  string owner = 5 [(mainstay.v1.field) = {default: "auth.uid"}, (google.api.field_behavior) = IMMUTABLE];
  string author = 6 [(google.api.resource_reference).type = "lib.example.com/Author"];
  google.protobuf.Timestamp update_time = 7;
  google.protobuf.Timestamp delete_time = 8;
  google.protobuf.Timestamp expire_time = 9;
  string etag = 10;
}

message Note {
  option (google.api.resource) = {type: "lib.example.com/Note" pattern: "notes/{note}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != null"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string author = 2 [(google.api.resource_reference).type = "lib.example.com/Author"];
}
"#,
    )
}

/// A shelf with one book, which is ann's; what Create answered.
async fn with_a_book(engine: Engine, book: Json) -> (Fixture, Json) {
    let fixture = Fixture::start(engine, &archive()).await;
    let ann = fixture.user("ann", &[]);
    ann.ok(CREATE_SHELF, json!({"shelf_id": "s", "shelf": {}})).await;
    let made = ann.ok(CREATE, json!({"parent": "shelves/s", "book_id": "b", "book": book})).await;
    (fixture, made)
}

async fn names(caller: &Caller<'_>, request: Json) -> Vec<String> {
    let answer = caller.ok(LIST, request).await;
    let books = answer["books"].as_array().cloned().unwrap_or_default();
    books.iter().map(|book| book["name"].as_str().unwrap().to_owned()).collect()
}

both_engines! {
    async fn a_deleted_row_is_kept_out_of_lists_and_comes_back_as_it_was(engine: Engine) {
        let (fixture, made) = with_a_book(engine, json!({"title": "A", "open": true})).await;
        let ann = fixture.user("ann", &[]);
        let deleted = ann.ok(DELETE, json!({"name": BOOK})).await;
        assert!(deleted["delete_time"].is_string() && deleted["expire_time"].as_str() > deleted["delete_time"].as_str());
        assert!(deleted["etag"] != made["etag"] && deleted["update_time"] != made["update_time"]);
        assert_eq!(ann.ok(GET, json!({"name": BOOK})).await, deleted, "Get shows what is deleted");
        assert_eq!(fixture.anonymous().ok(GET, json!({"name": BOOK})).await, deleted);
        let parent = "shelves/s";
        assert!(names(&ann, json!({"parent": parent})).await.is_empty());
        assert!(names(&ann, json!({"parent": parent, "filter": "title = A", "order_by": "title"})).await.is_empty());
        for filter in ["", "title = A", "delete_time > \"2001-01-01T00:00:00Z\""] {
            let all = json!({"parent": parent, "filter": filter, "show_deleted": true});
            assert_eq!(names(&ann, all).await, [BOOK], "{filter}");
        }
        let back = ann.ok(UNDELETE, json!({"name": BOOK})).await;
        for field in ["delete_time", "expire_time"] {
            assert!(back.get(field).is_none(), "{field}");
        }
        assert_eq!((&back["title"], &back["owner"]), (&made["title"], &made["owner"]));
        assert!(back["etag"] != deleted["etag"] && back["update_time"].as_str() > deleted["update_time"].as_str());
        assert_eq!(names(&ann, json!({"parent": parent, "filter": "title = A"})).await, [BOOK]);
        ann.ok(UPDATE, json!({"book": {"name": BOOK, "title": "B"}, "update_mask": "title"})).await;
    }

    async fn what_is_deleted_is_neither_changed_nor_deleted_again_nor_made_again(engine: Engine) {
        let (fixture, _) = with_a_book(engine, json!({"title": "A"})).await;
        let ann = fixture.user("ann", &[]);
        let fault = ann.fault(UNDELETE, json!({"name": BOOK})).await;
        assert_eq!((fault.reason(), fault.code()), (Some(Reason::AlreadyExists), tonic::Code::AlreadyExists));
        assert_eq!(ann.refused(UNDELETE, json!({"name": "shelves/s/books/c"})).await.0, Reason::ResourceNotFound);
        let deleted = ann.ok(DELETE, json!({"name": BOOK})).await;
        let change = json!({"book": {"name": BOOK, "title": "B"}, "update_mask": "title"});
        let fault = ann.fault(UPDATE, change.clone()).await;
        assert_eq!((fault.reason(), fault.code()), (Some(Reason::ResourceDeleted), tonic::Code::FailedPrecondition));
        let mut upsert = change;
        upsert["allow_missing"] = json!(true);
        assert_eq!(ann.refused(UPDATE, upsert).await.0, Reason::ResourceDeleted);
        assert_eq!(ann.refused(DELETE, json!({"name": BOOK})).await.0, Reason::ResourceNotFound);
        let again = ann.ok(DELETE, json!({"name": BOOK, "allow_missing": true})).await;
        assert_eq!(again, deleted, "and nothing of it is another");
        assert_eq!(ann.ok(DELETE, json!({"name": "shelves/s/books/c", "allow_missing": true})).await, json!({}));
        let create = json!({"parent": "shelves/s", "book_id": "b", "book": {}});
        assert_eq!(ann.refused(CREATE, create).await.0, Reason::AlreadyExists);
        assert_eq!(ann.ok(GET, json!({"name": BOOK})).await, deleted);
    }

    async fn what_a_deleted_row_had_is_free_until_it_comes_back(engine: Engine) {
        let (fixture, _) = with_a_book(engine, json!({"isbn": "1"})).await;
        let ann = fixture.user("ann", &[]);
        let other = |id: &str| json!({"parent": "shelves/s", "book_id": id, "book": {"isbn": "1"}});
        let taken = (Reason::UniqueViolation, vec!["book.isbn".to_owned()]);
        assert_eq!(ann.refused(CREATE, other("c")).await, taken);
        ann.ok(DELETE, json!({"name": BOOK})).await;
        ann.ok(CREATE, other("c")).await;
        assert_eq!(ann.refused(UNDELETE, json!({"name": BOOK})).await, taken, "and by its field");
        ann.ok(DELETE, json!({"name": "shelves/s/books/c"})).await;
        ann.ok(CREATE, other("d")).await;
        ann.ok(DELETE, json!({"name": "shelves/s/books/d"})).await;
        ann.ok(UNDELETE, json!({"name": "shelves/s/books/c"})).await;
        assert_eq!(ann.refused(UNDELETE, json!({"name": BOOK})).await, taken);
    }

    async fn nothing_new_refers_to_a_row_that_is_deleted_or_lies_below_it(engine: Engine) {
        let (fixture, _) = with_a_book(engine, json!({"title": "A"})).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(CREATE_AUTHOR, json!({"author_id": "a", "author": {}})).await;
        let write = json!({"book": {"name": BOOK, "author": "authors/a"}, "update_mask": "author"});
        ann.ok(UPDATE, write.clone()).await;
        assert_eq!(ann.refused(DELETE_AUTHOR, json!({"name": "authors/a"})).await.0, Reason::StillReferenced);
        assert_eq!(ann.refused(DELETE_SHELF, json!({"name": "shelves/s"})).await.0, Reason::StillReferenced);
        ann.ok(DELETE, json!({"name": BOOK})).await;
        ann.ok(DELETE_AUTHOR, json!({"name": "authors/a"})).await;
        ann.ok(DELETE_SHELF, json!({"name": "shelves/s"})).await;
        let child = json!({"parent": "shelves/s", "book": {"title": "B"}});
        assert_eq!(ann.refused(CREATE, child.clone()).await, (Reason::ReferenceNotFound, vec!["parent".to_owned()]));
        assert_eq!(ann.refused(CREATE_NOTE, json!({"note": {"author": "authors/a"}})).await.0, Reason::ReferenceNotFound);
        assert_eq!(ann.refused(UNDELETE, json!({"name": BOOK})).await.0, Reason::ReferenceNotFound, "its shelf is gone");
        ann.ok(UNDELETE_SHELF, json!({"name": "shelves/s"})).await;
        let refused = ann.refused(UNDELETE, json!({"name": BOOK})).await;
        assert_eq!(refused, (Reason::ReferenceNotFound, vec!["book.author".to_owned()]), "and its author");
        ann.ok(CREATE, child).await;
        ann.ok(UNDELETE_AUTHOR, json!({"name": "authors/a"})).await;
        ann.ok(UNDELETE, json!({"name": BOOK})).await;
        ann.ok(UPDATE, json!({"book": {"name": BOOK, "title": "B"}, "update_mask": "title"})).await;
    }

    async fn a_row_that_refers_to_itself_can_be_deleted(engine: Engine) {
        let fixture = Fixture::start(engine, &archive()).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(CREATE_AUTHOR, json!({"author_id": "a", "author": {}})).await;
        let own = json!({"author": {"name": "authors/a", "mentor": "authors/a"}, "update_mask": "mentor"});
        ann.ok(UPDATE_AUTHOR, own).await;
        ann.ok(CREATE_AUTHOR, json!({"author_id": "b", "author": {"mentor": "authors/a"}})).await;
        assert_eq!(ann.refused(DELETE_AUTHOR, json!({"name": "authors/a"})).await.0, Reason::StillReferenced);
        ann.ok(DELETE_AUTHOR, json!({"name": "authors/b"})).await;
        ann.ok(DELETE_AUTHOR, json!({"name": "authors/a"})).await;
    }

    async fn a_row_that_refers_to_itself_comes_back(engine: Engine) {
        let fixture = Fixture::start(engine, &archive()).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(CREATE_AUTHOR, json!({"author_id": "a", "author": {}})).await;
        let own = json!({"author": {"name": "authors/a", "mentor": "authors/a"}, "update_mask": "mentor"});
        ann.ok(UPDATE_AUTHOR, own).await;
        ann.ok(DELETE_AUTHOR, json!({"name": "authors/a"})).await;
        let back = ann.ok(UNDELETE_AUTHOR, json!({"name": "authors/a"})).await;
        assert_eq!(back["mentor"], "authors/a");
        ann.ok(CREATE_AUTHOR, json!({"author_id": "b", "author": {"mentor": "authors/a"}})).await;
        ann.ok(DELETE_AUTHOR, json!({"name": "authors/b"})).await;
        ann.ok(DELETE_AUTHOR, json!({"name": "authors/a"})).await;
        let refused = ann.refused(UNDELETE_AUTHOR, json!({"name": "authors/b"})).await;
        assert_eq!(refused, (Reason::ReferenceNotFound, vec!["author.mentor".to_owned()]), "another row's is looked at");
    }

    async fn a_row_may_refer_to_itself_as_it_is_made(engine: Engine) {
        let fixture = Fixture::start(engine, &archive()).await;
        let ann = fixture.user("ann", &[]);
        let create = json!({"author_id": "a", "author": {"mentor": "authors/a"}});
        let tried = json!({"author_id": "a", "author": {"mentor": "authors/a"}, "validate_only": true});
        assert_eq!(ann.ok(CREATE_AUTHOR, tried).await["mentor"], "authors/a");
        assert_eq!(ann.ok(CREATE_AUTHOR, create.clone()).await["mentor"], "authors/a");
        assert_eq!(ann.refused(CREATE_AUTHOR, create).await.0, Reason::AlreadyExists);
        let upsert = json!({
            "author": {"name": "authors/b", "mentor": "authors/b"}, "update_mask": "mentor", "allow_missing": true,
        });
        assert_eq!(ann.ok(UPDATE_AUTHOR, upsert).await["mentor"], "authors/b");
        let batch = json!({"requests": [
            {"author_id": "c", "author": {"mentor": "authors/c"}},
            {"author_id": "d", "author": {"mentor": "authors/c"}},
        ]});
        ann.ok("lib.v1.AuthorService/BatchCreateAuthors", batch).await;
        let other = ann.refused(CREATE_AUTHOR, json!({"author_id": "e", "author": {"mentor": "authors/x"}})).await;
        assert_eq!(other, (Reason::ReferenceNotFound, vec!["author.mentor".to_owned()]));
        let keyed = json!({"author_id": "f", "author": {"mentor": "authors/f"}, "request_id": ID});
        let made = ann.ok(CREATE_AUTHOR, keyed.clone()).await;
        assert_eq!(ann.ok(CREATE_AUTHOR, keyed).await, made);
    }

    async fn the_longest_time_of_a_deleted_row_ends_with_the_calendar(engine: Engine) {
        const YEAR_SECONDS: i64 = 31_556_952;
        let contract = archive().replace("soft_delete: true\n    purge_after: \"1h\"", "soft_delete: true purge_after: \"876000h\"");
        assert!(contract.contains("876000h"));
        let fixture = Fixture::start(engine, &contract).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(CREATE_SHELF, json!({"shelf_id": "s", "shelf": {}})).await;
        ann.ok(CREATE, json!({"parent": "shelves/s", "book_id": "b", "book": {}})).await;
        let deleted = ann.ok(DELETE, json!({"name": BOOK})).await;
        assert!(deleted["expire_time"].as_str().unwrap().starts_with("2123-"), "{deleted}");
        ann.ok(UNDELETE, json!({"name": BOOK})).await;
        fixture.clock.advance_seconds(7_950 * YEAR_SECONDS);
        let deleted = ann.ok(DELETE, json!({"name": BOOK})).await;
        assert_eq!(deleted["expire_time"], "9999-12-31T23:59:59.999999Z");
        assert_eq!(ann.ok(GET, json!({"name": BOOK})).await, deleted);
        assert_eq!(names(&ann, json!({"parent": "shelves/s", "show_deleted": true})).await, [BOOK]);
        assert_eq!(purge::rows(fixture.data.resources()).await.unwrap(), 0);
        ann.ok(UNDELETE, json!({"name": BOOK})).await;
    }

    async fn a_reference_and_the_deletion_of_its_target_do_not_both_succeed(engine: Engine) {
        let fixture = Fixture::start(engine, &archive()).await;
        let ann = fixture.user("ann", &[]);
        for round in 0..20 {
            let author = format!("authors/a{round}");
            ann.ok(CREATE_AUTHOR, json!({"author_id": format!("a{round}"), "author": {}})).await;
            let note = json!({"note_id": format!("n{round}"), "note": {"author": author}});
            let (noted, deleted) =
                join(ann.call(CREATE_NOTE, note), ann.call(DELETE_AUTHOR, json!({"name": author}))).await;
            let reason = match (noted, deleted) {
                (Ok(_), Err(fault)) | (Err(fault), Ok(_)) => fault.reason(),
                other => panic!("{other:?}"),
            };
            assert!(matches!(reason, Some(Reason::StillReferenced | Reason::ReferenceNotFound)), "{reason:?}");
        }
    }

    async fn etags_request_ids_and_dry_runs_mean_what_they_mean_elsewhere(engine: Engine) {
        let (fixture, made) = with_a_book(engine, json!({"title": "A"})).await;
        let ann = fixture.user("ann", &[]);
        let stale = json!({"name": BOOK, "etag": "\"0\""});
        assert_eq!(ann.refused(DELETE, stale.clone()).await.0, Reason::EtagMismatch);
        let dry = ann.ok(DELETE, json!({"name": BOOK, "validate_only": true})).await;
        assert!(dry["delete_time"].is_string());
        assert_eq!(ann.ok(GET, json!({"name": BOOK})).await, made, "nothing was done");
        let delete = json!({"name": BOOK, "etag": made["etag"], "request_id": ID});
        let deleted = ann.ok(DELETE, delete.clone()).await;
        assert_eq!(ann.ok(DELETE, delete).await, deleted, "the answer is given again");
        assert_eq!(ann.refused(UNDELETE, stale).await.0, Reason::EtagMismatch);
        let dry = ann.ok(UNDELETE, json!({"name": BOOK, "validate_only": true})).await;
        assert!(dry.get("delete_time").is_none());
        assert_eq!(ann.ok(GET, json!({"name": BOOK})).await, deleted);
        let undelete = json!({"name": BOOK, "etag": deleted["etag"], "request_id": ID});
        let back = ann.ok(UNDELETE, undelete.clone()).await;
        assert_eq!(ann.ok(UNDELETE, undelete.clone()).await, back, "though it is there already");
        let mut other = undelete;
        other["etag"] = made["etag"].clone();
        assert_eq!(ann.refused(UNDELETE, other).await.0, Reason::RequestIdReused);
        let part = ann.with_read_mask("name").ok(DELETE, json!({"name": BOOK})).await;
        assert_eq!(part, json!({"name": BOOK}));
    }

    async fn s13_undelete_is_for_those_who_may_delete_and_tells_others_no_more_than_delete(engine: Engine) {
        let (fixture, _) = with_a_book(engine, json!({"title": "A"})).await;
        let (ann, bob) = (fixture.user("ann", &[]), fixture.user("bob", &[]));
        ann.ok(CREATE, json!({"parent": "shelves/s", "book_id": "o", "book": {"open": true}})).await;
        for book in [BOOK, "shelves/s/books/o"] {
            ann.ok(DELETE, json!({"name": book})).await;
        }
        for method in [DELETE, UNDELETE] {
            let missing = on_the_wire(bob.fault(method, json!({"name": "shelves/s/books/x"})).await);
            let hidden = on_the_wire(bob.fault(method, json!({"name": BOOK, "etag": "\"0\""})).await);
            assert_eq!(hidden, missing, "{method}");
            let open = json!({"name": "shelves/s/books/o", "etag": "\"0\"", "request_id": "é"});
            assert_eq!(bob.refused(method, open.clone()).await.0, Reason::PermissionDenied, "{method}");
            assert_eq!(fixture.anonymous().refused(method, open).await.0, Reason::Unauthenticated, "{method}");
            let malformed = [0x08, 0x01].to_vec();
            let refused = fixture.anonymous().raw(method, malformed.clone()).await.unwrap_err();
            assert_eq!(refused.reason(), Some(Reason::Unauthenticated), "permission before the request: {method}");
            let refused = ann.raw(method, malformed).await.unwrap_err();
            assert_eq!(refused.reason(), Some(Reason::MalformedRequest), "{method}");
        }
        fixture.user("stan", &["staff"]).ok(UNDELETE, json!({"name": BOOK})).await;
        assert!(names(&bob, json!({"parent": "shelves/s", "show_deleted": true})).await == ["shelves/s/books/o"]);
    }

    async fn s15_nobody_sends_when_a_row_was_deleted(engine: Engine) {
        let mine = json!({"delete_time": "2001-01-01T00:00:00Z", "expire_time": "2099-01-01T00:00:00Z", "open": true});
        let (fixture, made) = with_a_book(engine, mine.clone()).await;
        let ann = fixture.user("ann", &[]);
        let is_live = |book: &Json| book.get("delete_time").is_none() && book.get("expire_time").is_none();
        assert!(is_live(&made));
        let mut book = mine;
        (book["name"], book["owner"]) = (json!(BOOK), json!("ann"));
        for mask in ["", "*", "deleteTime,expireTime,open"] {
            let request = json!({"book": book, "update_mask": mask, "allow_missing": true});
            assert!(is_live(&ann.ok(UPDATE, request).await), "{mask}");
        }
        let deleted = ann.ok(DELETE, json!({"name": BOOK})).await;
        assert!(deleted["delete_time"].as_str().unwrap() > "2020" && deleted["expire_time"].as_str().unwrap() < "2090");
    }

    async fn s34_a_deleted_row_goes_for_good_when_its_time_is_over_and_not_before(engine: Engine) {
        let (fixture, _) = with_a_book(engine, json!({"isbn": "1", "open": true})).await;
        let ann = fixture.user("ann", &[]);
        let resources = fixture.data.resources();
        ann.ok(CREATE, json!({"parent": "shelves/s", "book_id": "c", "book": {}})).await;
        for book in [BOOK, "shelves/s/books/c"] {
            ann.ok(DELETE, json!({"name": book})).await;
        }
        ann.ok(DELETE_SHELF, json!({"name": "shelves/s"})).await;
        fixture.clock.advance_seconds(HOUR_SECONDS - 60);
        assert_eq!(purge::rows(resources).await.unwrap(), 0, "a minute is left");
        ann.ok(UNDELETE_SHELF, json!({"name": "shelves/s"})).await;
        ann.ok(UNDELETE, json!({"name": BOOK})).await;
        ann.ok(DELETE, json!({"name": BOOK})).await;
        ann.ok(DELETE_SHELF, json!({"name": "shelves/s"})).await;
        fixture.clock.advance_seconds(120);
        assert_eq!(purge::rows(resources).await.unwrap(), 1, "the one that was not touched meanwhile");
        assert_eq!(ann.refused(GET, json!({"name": "shelves/s/books/c"})).await.0, Reason::ResourceNotFound);
        assert_eq!(ann.refused(UNDELETE, json!({"name": "shelves/s/books/c"})).await.0, Reason::ResourceNotFound);
        ann.ok(GET, json!({"name": BOOK})).await;
        fixture.clock.advance_seconds(HOUR_SECONDS);
        let gone = purge::rows(resources).await.unwrap() + purge::rows(resources).await.unwrap();
        assert_eq!(gone, 2, "the shelf waits for its book");
        assert!(names(&ann, json!({"parent": "shelves/-", "show_deleted": true})).await.is_empty());
        ann.ok(CREATE_SHELF, json!({"shelf_id": "s", "shelf": {}})).await;
        ann.ok(CREATE, json!({"parent": "shelves/s", "book_id": "b", "book": {"isbn": "1"}})).await;
    }

    async fn a_row_that_others_refer_to_waits_and_does_not_hold_up_those_behind_it(engine: Engine) {
        let fixture = Fixture::start(engine, &archive().replace(
            "write: \"auth.uid != null\"} soft_delete: true};\n  string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  string mentor",
            "write: \"auth.uid != null\"} soft_delete: true purge_after: \"1h\"};\n  string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  string mentor",
        )).await;
        let ann = fixture.user("ann", &[]);
        for id in ["a", "b"] {
            ann.ok(CREATE_AUTHOR, json!({"author_id": id, "author": {}})).await;
        }
        ann.ok(CREATE_AUTHOR, json!({"author_id": "c", "author": {"mentor": "authors/a"}})).await;
        ann.ok(DELETE_AUTHOR, json!({"name": "authors/c"})).await;
        for id in ["a", "b"] {
            ann.ok(DELETE_AUTHOR, json!({"name": format!("authors/{id}")})).await;
        }
        ann.ok(UNDELETE_AUTHOR, json!({"name": "authors/a"})).await;
        ann.ok(UNDELETE_AUTHOR, json!({"name": "authors/c"})).await;
        ann.ok(CREATE_NOTE, json!({"note_id": "n", "note": {"author": "authors/c"}})).await;
        assert_eq!(ann.refused(DELETE_AUTHOR, json!({"name": "authors/c"})).await.0, Reason::StillReferenced);
        ann.ok(DELETE_NOTE, json!({"name": "notes/n"})).await;
        for id in ["c", "a"] {
            ann.ok(DELETE_AUTHOR, json!({"name": format!("authors/{id}")})).await;
        }
        fixture.clock.advance_seconds(2 * HOUR_SECONDS);
        let mut gone = 0;
        for _ in 0..3 {
            gone += purge::rows(fixture.data.resources()).await.unwrap();
        }
        assert_eq!(gone, 3);
    }

    async fn a_list_of_rows_that_are_not_deleted_is_read_off_an_index(engine: Engine) {
        let fixture = Fixture::start(engine, &archive()).await;
        let snapshot = fixture.data.reconciler().served().load();
        let books = snapshot.resources().iter().find(|plan| plan.resource.plural == "books").unwrap();
        let system = Rights::without_roles(Principal::system(), 0);
        let lane = |order_by: &str, deleted: bool| {
            let (filter, order_by) = (String::new(), order_by.to_owned());
            let shape = Shape { atoms: None, filter, order_by, deleted, parents: 0, after: None };
            books.list(shape, &system).unwrap().lane(20)
        };
        for (order_by, deleted, wanted) in [
            ("", false, Lane::Inline),
            ("", true, Lane::Inline),
            ("title", false, Lane::Inline),
            ("title", true, Lane::Heavy),
            ("isbn", false, Lane::Heavy),
        ] {
            assert_eq!(lane(order_by, deleted), wanted, "{order_by} {deleted}");
        }
    }

    async fn a_page_goes_on_in_the_list_that_it_is_of(engine: Engine) {
        let (fixture, _) = with_a_book(engine, json!({"open": true})).await;
        let ann = fixture.user("ann", &[]);
        for id in ["c", "d", "e"] {
            ann.ok(CREATE, json!({"parent": "shelves/s", "book_id": id, "book": {"open": true}})).await;
        }
        ann.ok(DELETE, json!({"name": "shelves/s/books/c"})).await;
        let page = |token: &Json, show_deleted: bool| {
            json!({"parent": "shelves/s", "page_size": 1, "page_token": token, "show_deleted": show_deleted})
        };
        let first = ann.ok(LIST, page(&json!(""), true)).await;
        let token = &first["next_page_token"];
        assert_eq!(names(&ann, page(token, true)).await, ["shelves/s/books/c"]);
        assert_eq!(ann.refused(LIST, page(token, false)).await.0, Reason::InvalidPageToken);
        let first = ann.ok(LIST, page(&json!(""), false)).await;
        assert_eq!(names(&ann, page(&first["next_page_token"], false)).await, ["shelves/s/books/d"]);
    }
}
