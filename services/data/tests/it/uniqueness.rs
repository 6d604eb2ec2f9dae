//! Names and unique indexes.

use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::{file, library, notes_with};
use crate::support::Fixture;

const CREATE: &str = "shop.v1.ProductService/CreateProduct";
const UPDATE: &str = "shop.v1.ProductService/UpdateProduct";
const LIST: &str = "shop.v1.ProductService/ListProducts";

both_engines! {
    async fn of_fifty_creates_of_one_name_one_wins(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let creates = (0..50).map(|n| {
            merchant.call(CREATE, json!({"product_id": "cup", "product": {"sku": format!("CUP-{n}")}}))
        });
        let answers = join_all(creates).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for fault in answers.into_iter().filter_map(Result::err) {
            assert_eq!(fault.reason(), Some(Reason::AlreadyExists), "{fault:?}");
            assert_eq!(fault.metadata("name"), Some("products/cup"));
        }
    }

    async fn of_fifty_creates_with_one_unique_value_one_wins(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let creates =
            (0..50).map(|n| merchant.call(CREATE, json!({"product_id": format!("p-{n}"), "product": {"sku": "CUP"}})));
        let answers = join_all(creates).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for fault in answers.into_iter().filter_map(Result::err) {
            assert_eq!(fault.reason(), Some(Reason::UniqueViolation), "{fault:?}");
            assert_eq!(fault.metadata("field"), Some("sku"));
            let said = format!("{} {:?}", fault.text(), fault.violations());
            assert!(!said.contains("p-") && !said.contains("CUP"), "nothing of the other row: {said}");
        }
        assert_eq!(merchant.ok(LIST, json!({})).await["products"].as_array().unwrap().len(), 1);
    }

    async fn of_a_taken_name_and_a_taken_value_the_name_is_told(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let create = json!({"product_id": "cup", "product": {"sku": "CUP"}});
        merchant.ok(CREATE, create.clone()).await;
        let with = |field: &str, value: Json| {
            let mut request = create.clone();
            request[field] = value;
            request
        };
        let id = "7a1c0b9e-4b44-4c3e-9d0a-0f7d1c2b3a45";
        for request in [create.clone(), with("validate_only", json!(true)), with("request_id", json!(id))] {
            let fault = merchant.fault(CREATE, request).await;
            assert_eq!(fault.reason(), Some(Reason::AlreadyExists));
            assert_eq!(fault.metadata("name"), Some("products/cup"));
        }
        let other = json!({"product_id": "mug", "product": {"sku": "CUP"}});
        assert_eq!(merchant.refused(CREATE, other).await.0, Reason::UniqueViolation);
    }

    async fn of_several_taken_values_the_first_of_the_contract_is_told(engine: Engine) {
        let options = r#"index {fields: "a" unique: true} index {fields: "b" fields: "n" unique: true} index {fields: "c" unique: true}"#;
        let fixture = Fixture::start(engine, &notes_with(options, "string a = 2; string b = 3; int32 n = 4; optional string c = 5;")).await;
        let nobody = fixture.anonymous();
        let create = "note.v1.NoteService/CreateNote";
        nobody.ok(create, json!({"note_id": "one", "note": {"a": "x", "b": "y", "n": 7, "c": "z"}})).await;
        nobody.ok(create, json!({"note_id": "two", "note": {"a": "xx", "b": "yy", "n": 8, "c": "zz"}})).await;
        nobody.ok(create, json!({"note_id": "bare", "note": {}})).await;
        for (values, fields) in [
            (json!({"a": "x", "b": "y", "n": 7, "c": "z"}), "a"),
            (json!({"a": "new", "b": "y", "n": 7, "c": "z"}), "b,n"),
            (json!({"a": "new", "b": "y", "n": 9, "c": "z"}), "c"),
            (json!({"b": "y", "n": 7, "c": "z"}), "b,n"),
            (json!({"c": "z"}), "c"),
        ] {
            let fault = nobody.fault(create, json!({"note": values})).await;
            assert_eq!((fault.reason(), fault.metadata("field")), (Some(Reason::UniqueViolation), Some(fields)), "{values}");
            let mut note = values.clone();
            note["name"] = json!("notes/two");
            let fault = nobody.fault("note.v1.NoteService/UpdateNote", json!({"note": note, "update_mask": "*"})).await;
            assert_eq!((fault.reason(), fault.metadata("field")), (Some(Reason::UniqueViolation), Some(fields)), "{values}");
        }
        let own = json!({"note": {"name": "notes/two", "a": "xx", "b": "yy", "n": 8, "c": "z"}, "update_mask": "*"});
        let fault = nobody.fault("note.v1.NoteService/UpdateNote", own).await;
        assert_eq!(fault.metadata("field"), Some("c"), "what the row has itself is not taken");
    }

    async fn a_hidden_row_that_an_update_would_make_again_denies_it_whatever_else_it_breaks(engine: Engine) {
        let fixture = Fixture::start(engine, &file("hidden.v1", r#"
            message Thing {
              option (google.api.resource) = {type: "hidden.example.com/Thing" pattern: "things/{thing}"};
              option (mainstay.v1.resource) = {
                access {read: "resource.owner == auth.uid" write: "true"}
                index {fields: "code" unique: true}
              };
              string name = 1 [(google.api.field_behavior) = IDENTIFIER];
              string owner = 2;
              string code = 3 [(google.api.field_behavior) = REQUIRED];
            }"#)).await;
        let thing = json!({"thing_id": "a", "thing": {"owner": "ann", "code": "x"}});
        fixture.user("ann", &[]).ok("hidden.v1.ThingService/CreateThing", thing).await;
        let update = json!({"thing": {"name": "things/a", "owner": "bob", "code": "x"}, "allow_missing": true});
        let refused = fixture.user("bob", &[]).refused("hidden.v1.ThingService/UpdateThing", update).await;
        assert_eq!(refused, (Reason::PermissionDenied, vec![]));
    }

    async fn an_update_into_a_taken_value_is_refused(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        for sku in ["ONE", "TWO"] {
            merchant.ok(CREATE, json!({"product_id": sku.to_lowercase(), "product": {"sku": sku}})).await;
        }
        let request = json!({"product": {"name": "products/two", "sku": "ONE"}, "update_mask": "sku"});
        assert_eq!(merchant.refused(UPDATE, request).await.0, Reason::UniqueViolation);
        let same = json!({"product": {"name": "products/two", "sku": "TWO"}, "update_mask": "sku"});
        merchant.ok(UPDATE, same).await;
    }

    async fn an_unset_value_conflicts_with_none(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]));
        let publisher = json!({"publisher_id": "p", "publisher": {"title": "P", "open": true}});
        ann.ok("lib.v1.PublisherService/CreatePublisher", publisher).await;
        let create = "lib.v1.BookService/CreateBook";
        for _ in 0..3 {
            staff.ok(create, json!({"parent": "publishers/p", "book": {"title": "A"}})).await;
        }
        let with_isbn = json!({"parent": "publishers/p", "book": {"title": "A", "isbn": ""}});
        staff.ok(create, with_isbn.clone()).await;
        let (reason, fields) = staff.refused(create, with_isbn).await;
        assert_eq!((reason, fields), (Reason::UniqueViolation, vec!["book.isbn".to_owned()]), "empty is a value here");
    }
}
