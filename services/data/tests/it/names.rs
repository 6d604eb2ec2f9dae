//! Names and ids (AIP-122, AIP-148), and resources inside others (AIP-159).

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::library;
use crate::support::Fixture;

const CREATE_PUBLISHER: &str = "lib.v1.PublisherService/CreatePublisher";
const GET_PUBLISHER: &str = "lib.v1.PublisherService/GetPublisher";
const CREATE: &str = "lib.v1.BookService/CreateBook";
const GET: &str = "lib.v1.BookService/GetBook";
const LIST: &str = "lib.v1.BookService/ListBooks";

both_engines! {
    async fn an_id_that_is_left_out_becomes_a_uuid_of_version_7(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let made = fixture.user("ann", &[]).ok(CREATE_PUBLISHER, json!({"publisher": {"title": "A"}})).await;
        let id = made["name"].as_str().unwrap().strip_prefix("publishers/").unwrap();
        let shape: String = id.chars().map(|c| if c == '-' { '-' } else { 'x' }).collect();
        assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        assert_eq!(&id[14..15], "7", "the version");
        assert!(id.chars().all(|c| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c)), "lower case: {id}");
    }

    async fn ids_have_their_form_and_others_are_refused_by_name(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let ann = fixture.user("ann", &[]);
        let longest = "a".repeat(63);
        for id in ["a", "0", "a-b", "9-9", "a--b", longest.as_str()] {
            let made = ann.ok(CREATE_PUBLISHER, json!({"publisher_id": id, "publisher": {"title": "A"}})).await;
            assert_eq!(made["name"], format!("publishers/{id}"));
        }
        let too_long = "a".repeat(64);
        for id in ["-a", "a-", "A", "ä", "a b", "a/b", "a.b", "a_b", "..", "-", "a\n", too_long.as_str()] {
            let request = json!({"publisher_id": id, "publisher": {"title": "A"}});
            let refused = ann.refused(CREATE_PUBLISHER, request).await;
            assert_eq!(refused, (Reason::InvalidName, vec!["publisher_id".to_owned()]), "{id:?}");
        }
    }

    async fn the_name_in_a_body_does_not_choose_the_id(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let ann = fixture.user("ann", &[]);
        let request = json!({"publisher_id": "a", "publisher": {"name": "publishers/other", "title": "A"}});
        assert_eq!(ann.ok(CREATE_PUBLISHER, request).await["name"], "publishers/a");
    }

    async fn a_name_of_another_form_is_refused_with_the_form(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let ann = fixture.user("ann", &[]);
        for name in ["", "publishers", "publishers/", "books/a", "publishers/a/books/b", "/publishers/a", "publishers/a/"] {
            let fault = ann.fault(GET_PUBLISHER, json!({"name": name})).await;
            assert_eq!(fault.reason(), Some(Reason::InvalidName), "{name}");
            assert!(fault.violations()[0].description.contains("publishers/{publisher}"), "{name}");
        }
        let missing = ann.refused(GET_PUBLISHER, json!({"name": "publishers/no-such"})).await;
        assert_eq!(missing.0, Reason::ResourceNotFound);
    }

    async fn a_child_lives_under_its_parent(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]));
        for id in ["one", "two"] {
            ann.ok(CREATE_PUBLISHER, json!({"publisher_id": id, "publisher": {"title": id, "open": true}})).await;
            for book in ["a", "b"] {
                let parent = format!("publishers/{id}");
                let request = json!({"parent": parent, "book_id": book, "book": {"title": format!("{id} {book}")}});
                assert_eq!(staff.ok(CREATE, request).await["name"], format!("publishers/{id}/books/{book}"));
            }
        }
        let read = staff.ok(GET, json!({"name": "publishers/two/books/a"})).await;
        assert_eq!(read["title"], "two a");
        let titles = |answer: serde_json::Value| -> Vec<String> {
            answer["books"].as_array().unwrap().iter().map(|book| book["title"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(titles(staff.ok(LIST, json!({"parent": "publishers/two"})).await), ["two a", "two b"]);
        let all = titles(staff.ok(LIST, json!({"parent": "publishers/-"})).await);
        assert_eq!(all, ["one a", "one b", "two a", "two b"], "the hyphen stands for every parent");
        let none = staff.ok(LIST, json!({"parent": "publishers/none"})).await;
        assert_eq!(none, json!({}), "a list under a parent that is not there is empty, as under one that is hidden");
    }

    async fn a_parent_must_be_there_and_have_its_form(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let staff = fixture.user("stan", &["staff"]);
        for parent in ["", "publishers", "books/x", "publishers/a/books/b"] {
            let (reason, fields) = staff.refused(CREATE, json!({"parent": parent, "book": {"title": "A"}})).await;
            assert_eq!((reason, fields), (Reason::InvalidName, vec!["parent".to_owned()]), "{parent:?}");
            let (reason, _) = staff.refused(LIST, json!({"parent": parent})).await;
            assert_eq!(reason, Reason::InvalidName, "{parent:?}");
        }
        for parent in ["publishers/none", "publishers/-"] {
            let (reason, fields) = staff.refused(CREATE, json!({"parent": parent, "book": {"title": "A"}})).await;
            assert_eq!((reason, fields), (Reason::ReferenceNotFound, vec!["parent".to_owned()]), "{parent}");
        }
    }

    async fn the_ids_of_a_parent_that_is_no_resource_have_the_form_of_ids(engine: Engine) {
        let contract = r#"
            syntax = "proto3";
            package one.v1;
            import "google/api/field_behavior.proto";
            import "google/api/resource.proto";
            import "mainstay/v1/options.proto";
            message Publisher {
              option (google.api.resource) = {type: "one.example.com/Publisher" pattern: "publishers/{publisher}"};
              option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
              string name = 1 [(google.api.field_behavior) = IDENTIFIER];
            }
            message One {
              option (google.api.resource) = {type: "one.example.com/One" pattern: "publishers/{publisher}/ones/{one}"};
              option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
              string name = 1 [(google.api.field_behavior) = IDENTIFIER];
            }
        "#;
        let fixture = Fixture::start(engine, contract).await;
        // As an earlier version took it: the pattern of the parent is that of no resource.
        let orphaned = r#"UPDATE mainstay_contracts SET sources = replace(sources, 'publishers/{publisher}\"}', 'houses/{house}\"}')"#;
        fixture.sql(orphaned).await;
        fixture.write("no contract at all");
        let fixture = fixture.restart().await;
        let create = "one.v1.OneService/CreateOne";
        for parent in ["publishers/-", "publishers/A", "publishers/a b", "publishers/\u{202e}x", "publishers/x\n"] {
            let request = json!({"parent": parent, "one": {}});
            let (reason, fields) = fixture.anonymous().refused(create, request).await;
            assert_eq!((reason, fields), (Reason::InvalidName, vec!["parent".to_owned()]), "{parent:?}");
        }
        let made = fixture.anonymous().ok(create, json!({"parent": "publishers/a", "one_id": "b", "one": {}})).await;
        assert_eq!(made["name"], "publishers/a/ones/b");
    }
}
