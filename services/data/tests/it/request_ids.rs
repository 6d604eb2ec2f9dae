//! Request ids (AIP-155).

use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
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

/// Fields whose values can be written down in several ways.
const MANIFOLD: &str = "string text = 2; map<string, string> tags = 3; google.protobuf.Struct extra = 4; Inner inner = 5; \
    repeated Inner lines = 6; optional int32 optional = 7; message Inner { map<string, int32> tags = 1; int32 size = 2; }";

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
    async fn a_request_is_the_same_in_whatever_order_it_is_written(engine: Engine) {
        let fixture = Fixture::start(engine, &notes_with("", MANIFOLD)).await;
        let message = |name: &str| format!("note.v1.{name}NoteRequest");
        let part = |name: &str, json: Json| fixture.encoded(&message(name), &json);
        let note = |text: Json| part("Create", json!({"note": text}));
        // Entries of a map are repeated fields, a message may come in parts, and a zero says nothing.
        let first = [
            part("Create", json!({"request_id": ID})), note(json!({"text": "t", "tags": {"a": "1", "b": "2"}})),
            note(json!({"inner": {"tags": {"x": 1, "y": 2}}, "extra": {"p": 1, "q": {"r": 2, "s": 3}}})),
            note(json!({"lines": [{"tags": {"m": 1, "n": 2}, "size": 5}, {}]})),
        ].concat();
        let second = [
            note(json!({"inner": {"tags": {"y": 2}}})), note(json!({"tags": {"b": "0"}})), note(json!({"tags": {"b": "2"}})),
            note(json!({"extra": {"q": {"s": 3, "r": 2}, "p": 1}})), note(json!({"inner": {"tags": {"x": 1}}})),
            note(json!({"lines": [{"size": 5, "tags": {"n": 2, "m": 1}}, {}]})), note(json!({"tags": {"a": "1"}})),
            note(json!({"text": "other"})), note(json!({"text": "t"})),
            part("Create", json!({"request_id": ID})),
            // A field that the contract does not know, and a flag that is not set.
            b"\xfa\x01\x03abc".to_vec(), b"\x28\x00".to_vec(),
        ].concat();
        for caller in [fixture.user("ann", &[]), fixture.anonymous()] {
            let made = caller.raw(NOTE, first.clone()).await.unwrap();
            assert_eq!(caller.raw(NOTE, second.clone()).await.unwrap(), made, "a repetition");
        }
        let ann = fixture.user("ann", &[]);
        for other in [
            json!({"text": "t", "tags": {"a": "2", "b": "1"}}), json!({"text": "t"}), json!({"extra": {"p": 1}}),
            json!({"lines": [{}, {"tags": {"m": 1, "n": 2}, "size": 5}]}), json!({"optional": 0}),
        ] {
            let refused = ann.refused(NOTE, json!({"request_id": ID, "note": other})).await;
            assert_eq!(refused.0, Reason::RequestIdReused, "{other}");
        }
        let list = ann.ok("note.v1.NoteService/ListNotes", json!({})).await;
        assert_eq!(list["notes"].as_array().unwrap().len(), 2, "hers, and nobody's");
    }

    async fn every_write_is_the_same_in_whatever_order_it_is_written(engine: Engine) {
        let fixture = Fixture::start(engine, &notes_with("", MANIFOLD)).await;
        let ann = fixture.user("ann", &[]);
        let tags = [json!({"a": "1", "b": "2"}), json!({"b": "2", "a": "1"})];
        let entries = |which: usize| -> Json { tags[which].clone() };
        let masks = ["text,tags", "tags,text"];
        let transforms = [json!([{"field": "lines", "append_missing": [{"size": 1, "tags": {"k": 1, "l": 2}}]}]),
            json!([{"append_missing": [{"tags": {"l": 2, "k": 1}, "size": 1}], "field": "lines"}])];
        let update = |which: usize| json!({"note": {"name": "notes/n", "text": "u", "tags": entries(which)},
            "update_mask": masks[which], "transforms": transforms[which]});
        let with_id = |mut request: Json, id: &str| { request["request_id"] = json!(id); request };
        let methods = [
            ("note.v1.NoteService/UpdateNote", Box::new(update) as Box<dyn Fn(usize) -> Json>),
            ("note.v1.NoteService/BatchUpdateNotes", Box::new(|which| json!({"requests": [update(which)]}))),
            ("note.v1.NoteService/BatchCreateNotes", Box::new(|which| json!({"requests": [{"note": {"tags": entries(which)}}]}))),
            ("note.v1.CommitService/Commit", Box::new(|which| json!({"writes": [
                {"create_note": {"note": {"tags": entries(which)}}}, {"update_note": update(which)},
                {"delete_note": {"name": "notes/none", "allow_missing": true}},
            ], "preconditions": [{"name": "notes/n", "exists": true}]}))),
        ];
        ann.ok(NOTE, json!({"note_id": "n", "note": {}})).await;
        for (method, request) in &methods {
            let first = ann.ok(method, with_id(request(0), "one")).await;
            assert_eq!(ann.ok(method, with_id(request(1), "one")).await, first, "{method}");
            let mut other = with_id(request(1), "one");
            let list = ["requests", "writes"].into_iter().find(|list| other.get(*list).is_some());
            match list {
                Some(list) => { let more = other[list][0].clone(); other[list].as_array_mut().unwrap().push(more); }
                None => other["update_mask"] = json!("text"),
            }
            assert_eq!(ann.refused(method, other).await.0, Reason::RequestIdReused, "{method}");
        }
    }

    async fn what_a_former_version_remembered_is_answered_again(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let request = json!({"request_id": ID, "product_id": "cup", "product": {"sku": "CUP", "title": "Cup"}});
        let made = merchant.ok(CREATE, request.clone()).await;
        let body = fixture.encoded("shop.v1.Product", &request["product"]);
        let mut former = ring::digest::Context::new(&ring::digest::SHA256);
        for part in [&b""[..], b"cup", &body] {
            former.update(&(part.len() as u64).to_be_bytes());
            former.update(part);
        }
        let former: String = former.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = if engine == Engine::Sqlite { format!("x'{former}'") } else { format!("decode('{former}', 'hex')") };
        fixture.sql(&format!("UPDATE mainstay_replies SET fingerprint = {bytes}")).await;
        assert_eq!(merchant.ok(CREATE, request).await, made);
        let other = json!({"request_id": ID, "product_id": "cup", "product": {"sku": "CUP", "title": "Mug"}});
        assert_eq!(merchant.refused(CREATE, other).await.0, Reason::RequestIdReused);
    }

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
