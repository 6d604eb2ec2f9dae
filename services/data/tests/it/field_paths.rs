//! Every violation names its field from the request message, in the contract's names (AIP-193).

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::library;
use crate::support::Fixture;

both_engines! {
    async fn a_field_has_one_path_whatever_is_wrong_with_it(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let staff = fixture.user("stan", &["staff"]);
        let open = json!({"publisher_id": "open", "publisher": {"title": "O", "open": true, "owner": "stan"}});
        staff.ok("lib.v1.PublisherService/CreatePublisher", open).await;
        let create = |id: &str, book: Json| json!({"parent": "publishers/open", "book_id": id, "book": book});
        let one = create("one", json!({"title": "1", "isbn": "1", "origin": "here"}));
        staff.ok("lib.v1.BookService/CreateBook", one).await;
        let change = |book: Json| {
            let mut book = book;
            book["name"] = json!("publishers/open/books/one");
            json!({"book": book})
        };
        for (method, request, reason, field) in [
            ("CreateBook", create("x", json!({})), Reason::FieldViolation, "book.title"),
            ("CreateBook", create("x", json!({"title": "x", "year": -1})), Reason::FieldViolation, "book.year"),
            ("CreateBook", create("x", json!({"title": "x", "distributor": "x"})), Reason::FieldViolation, "book.distributor"),
            ("CreateBook", create("x", json!({"title": "x", "distributor": "publishers/x"})), Reason::ReferenceNotFound, "book.distributor"),
            ("CreateBook", create("x", json!({"title": "x", "isbn": "1"})), Reason::UniqueViolation, "book.isbn"),
            ("CreateBook", create("X", json!({"title": "x"})), Reason::InvalidName, "book_id"),
            ("CreateBook", json!({"parent": "nowhere", "book": {"title": "x"}}), Reason::InvalidName, "parent"),
            ("CreateBook", json!({"parent": "publishers/x", "book": {"title": "x"}}), Reason::ReferenceNotFound, "parent"),
            ("UpdateBook", change(json!({"origin": "there"})), Reason::ImmutableField, "book.origin"),
            ("UpdateBook", change(json!({"distributor": "publishers/x"})), Reason::ReferenceNotFound, "book.distributor"),
            ("UpdateBook", json!({"book": {"name": "nowhere"}}), Reason::InvalidName, "book.name"),
            ("GetBook", json!({"name": "nowhere"}), Reason::InvalidName, "name"),
            ("DeleteBook", json!({"name": "nowhere"}), Reason::InvalidName, "name"),
        ] {
            let refused = staff.refused(&format!("lib.v1.BookService/{method}"), request.clone()).await;
            assert_eq!(refused, (reason, vec![field.to_owned()]), "{method} {request}");
        }
    }
}
