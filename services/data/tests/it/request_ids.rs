//! Request ids (AIP-155).

use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::{library, notes_with};
use crate::support::Fixture;

const CREATE: &str = "shop.v1.ProductService/CreateProduct";
const UPDATE: &str = "shop.v1.ProductService/UpdateProduct";
const DELETE: &str = "shop.v1.ProductService/DeleteProduct";
const LIST: &str = "shop.v1.ProductService/ListProducts";
const NOTE: &str = "note.v1.NoteService/CreateNote";
const ID: &str = "7a1c0b9e-4b44-4c3e-9d0a-0f7d1c2b3a45";
const DAY_SECONDS: i64 = 24 * 60 * 60;

async fn count(fixture: &Fixture) -> usize {
    let answer = fixture.anonymous().ok(LIST, json!({})).await;
    answer["products"].as_array().map_or(0, Vec::len)
}

async fn fifty_at_once(fixture: &Fixture, request: Json) {
    let merchant = fixture.user("m", &["merchant"]);
    let answers = join_all((0..50).map(|_| merchant.call(CREATE, request.clone()))).await;
    let answers: Vec<Json> = answers.into_iter().map(|answer| answer.unwrap_or_else(|f| panic!("{f:?}"))).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "fifty equal answers");
    assert_eq!(count(fixture).await, 1, "one row");
}

both_engines! {
    async fn fifty_requests_of_one_id_make_one_row(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        fifty_at_once(&fixture, json!({"request_id": ID, "product": {"sku": "CUP"}})).await;
    }

    async fn fifty_requests_of_one_id_and_one_name_make_one_row(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        fifty_at_once(&fixture, json!({"request_id": ID, "product_id": "cup", "product": {"sku": "CUP"}})).await;
    }

    async fn another_request_with_a_used_id_is_refused(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        merchant.ok(CREATE, json!({"request_id": ID, "product": {"sku": "CUP"}})).await;
        let other = json!({"request_id": ID, "product": {"sku": "MUG"}});
        let refused = merchant.refused(CREATE, other.clone()).await;
        assert_eq!(refused, (Reason::RequestIdReused, vec!["request_id".to_owned()]));
        fixture.user("n", &["merchant"]).ok(CREATE, other).await;
        assert_eq!(count(&fixture).await, 2, "another caller's ids are another's");
    }

    async fn callers_who_are_nobody_share_no_request_ids(engine: Engine) {
        let fixture = Fixture::start(engine, &notes_with("", "string text = 2;")).await;
        let (one, other) = (fixture.anonymous(), fixture.anonymous());
        let create = |text: &str| json!({"request_id": ID, "note": {"text": text}});
        let first = one.ok(NOTE, create("mine")).await;
        let second = other.ok(NOTE, create("also mine")).await;
        assert_eq!((&first["text"], &second["text"]), (&json!("mine"), &json!("also mine")), "neither blocked nor told");
        assert_ne!(first["name"], second["name"]);
        assert_eq!(one.ok(NOTE, create("mine")).await, first, "the same request is a repetition");
        assert_eq!(other.ok(NOTE, create("also mine")).await, second);
        let signed_in = fixture.user("ann", &[]).ok(NOTE, create("mine")).await;
        assert_ne!(signed_in["name"], first["name"], "who is signed in has ids of her own");
        let mine = json!({"request_id": ID, "name": first["name"]});
        let theirs = json!({"request_id": ID, "name": second["name"]});
        for delete in [&mine, &theirs, &mine, &theirs] {
            one.ok("note.v1.NoteService/DeleteNote", delete.clone()).await;
        }
    }

    async fn fifty_requests_of_nobody_with_one_id_make_one_row(engine: Engine) {
        let fixture = Fixture::start(engine, &notes_with("", "string text = 2;")).await;
        let nobody = fixture.anonymous();
        let request = json!({"request_id": ID, "note": {"text": "once"}});
        let answers = join_all((0..50).map(|_| nobody.ok(NOTE, request.clone()))).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "fifty equal answers");
    }

    async fn an_answer_is_forgotten_after_a_day(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let request = json!({"request_id": ID, "product_id": "cup", "product": {"sku": "CUP"}});
        let first = merchant.ok(CREATE, request.clone()).await;
        fixture.clock.advance_seconds(DAY_SECONDS - 60);
        assert_eq!(merchant.ok(CREATE, request.clone()).await, first);
        fixture.clock.advance_seconds(120);
        assert_eq!(merchant.fault(CREATE, request).await.code(), tonic::Code::AlreadyExists, "done, not replayed");
        merchant.ok(CREATE, json!({"request_id": ID, "product": {"sku": "MUG"}})).await;
    }

    async fn updates_and_deletes_are_replayed_too(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let made = merchant.ok(CREATE, json!({"product_id": "cup", "product": {"sku": "CUP"}})).await;
        let product = json!({"name": "products/cup", "title": "B", "etag": made["etag"]});
        let update = json!({"product": product, "update_mask": "title", "request_id": ID});
        let changed = merchant.ok(UPDATE, update.clone()).await;
        assert_eq!(merchant.ok(UPDATE, update).await, changed, "not an etag mismatch");
        let delete = json!({"name": "products/cup", "request_id": ID});
        merchant.ok(DELETE, delete.clone()).await;
        assert_eq!(merchant.ok(DELETE, delete).await, json!({}));
        let again = json!({"name": "products/cup", "request_id": "another"});
        assert_eq!(merchant.refused(DELETE, again).await.0, Reason::ResourceNotFound);
    }

    async fn a_failed_request_is_not_remembered(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        merchant.refused(CREATE, json!({"request_id": ID, "product": {"sku": "no good"}})).await;
        merchant.ok(CREATE, json!({"request_id": ID, "product": {"sku": "CUP"}})).await;
        assert_eq!(count(&fixture).await, 1);
    }

    async fn a_replay_asks_again_whether_the_caller_may_read(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let ann = fixture.user("ann", &[]);
        let create = "lib.v1.PublisherService/CreatePublisher";
        let request = json!({"request_id": ID, "publisher_id": "p", "publisher": {"title": "Secret"}});
        let made = ann.ok(create, request.clone()).await;
        assert_eq!(made["title"], "Secret");
        let give = json!({"publisher": {"name": "publishers/p", "owner": "bob"}, "update_mask": "owner"});
        fixture.system().ok("lib.v1.PublisherService/UpdatePublisher", give).await;
        assert_eq!(ann.ok(create, request).await, json!({"name": "publishers/p"}), "the name and no more");
    }

    async fn a_request_id_has_its_form(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        for id in ["a b", "ä", "a\u{0}b", "a\nb", &"x".repeat(65)] {
            let refused = merchant.refused(CREATE, json!({"request_id": id, "product": {"sku": "CUP"}})).await;
            assert_eq!(refused, (Reason::FieldViolation, vec!["request_id".to_owned()]), "{id:?}");
        }
        assert_eq!(count(&fixture).await, 0);
        let missing = json!({"name": "products/none", "request_id": "a b"});
        assert_eq!(merchant.refused(DELETE, missing).await.0, Reason::ResourceNotFound, "existence comes first");
    }
}
