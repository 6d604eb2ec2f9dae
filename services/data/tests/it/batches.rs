//! Batches (AIP-231 to 235): all or nothing, answered in the order of the request, each element told what is wrong with it.

use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::{file, library};
use crate::support::{Caller, Fixture, on_the_wire};

const SHOP: &str = "shop.v1.ProductService";
const BATCH_CREATE: &str = "shop.v1.ProductService/BatchCreateProducts";
const BATCH_UPDATE: &str = "shop.v1.ProductService/BatchUpdateProducts";
const BOOKS: &str = "lib.v1.BookService";
const ID: &str = "7a1c0b9e-4b44-4c3e-9d0a-0f7d1c2b3a45";

fn shop(method: &str) -> String {
    format!("{SHOP}/{method}Products")
}

fn books(method: &str) -> String {
    format!("{BOOKS}/{method}Books")
}

fn create(id: &str, sku: &str) -> Json {
    json!({"product_id": id, "product": {"sku": sku}})
}

fn update(id: &str, title: &str) -> Json {
    json!({"product": {"name": format!("products/{id}"), "title": title}, "update_mask": "title"})
}

async fn with_products(engine: Engine, ids: &[&str]) -> Fixture {
    let fixture = Fixture::shop(engine).await;
    let requests: Vec<Json> = ids.iter().map(|id| create(id, &id.to_uppercase())).collect();
    fixture.user("m", &["merchant"]).ok(&shop("BatchCreate"), json!({"requests": requests})).await;
    fixture
}

async fn with_publishers(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &library()).await;
    let ann = fixture.user("ann", &[]);
    for (id, open) in [("open", true), ("other", true), ("hidden", false)] {
        let publisher = json!({"publisher_id": id, "publisher": {"title": id, "open": open}});
        ann.ok("lib.v1.PublisherService/CreatePublisher", publisher).await;
    }
    fixture
}

/// The last parts of the names of an answer's rows.
fn ids(answer: &Json) -> Vec<String> {
    let rows = answer["products"].as_array().or(answer["books"].as_array()).cloned().unwrap_or_default();
    rows.iter().map(|row| row["name"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

async fn count(fixture: &Fixture) -> usize {
    ids(&fixture.anonymous().ok(&format!("{SHOP}/ListProducts"), json!({"page_size": 1000})).await).len()
}

async fn refused(caller: &Caller<'_>, method: &str, request: Json) -> (Reason, Vec<String>) {
    caller.refused(method, request).await
}

both_engines! {
    async fn answers_come_in_the_order_of_the_request(engine: Engine) {
        let fixture = with_products(engine, &["cup", "mug", "pot"]).await;
        let merchant = fixture.user("m", &["merchant"]);
        let made = merchant.ok(&shop("BatchCreate"), json!({"requests": [create("zinc", "ZINC"), create("axe", "AXE")]})).await;
        assert_eq!(ids(&made), ["zinc", "axe"]);
        assert_eq!(made["products"][1]["sku"], "AXE");
        let changed = merchant.ok(&shop("BatchUpdate"), json!({"requests": [update("pot", "P"), update("cup", "C")]})).await;
        assert_eq!(ids(&changed), ["pot", "cup"]);
        assert_eq!((&changed["products"][0]["title"], &changed["products"][0]["sku"]), (&json!("P"), &json!("POT")));
        let names = ["products/mug", "products/axe", "products/mug"];
        let got = fixture.anonymous().ok(&shop("BatchGet"), json!({"names": names})).await;
        assert_eq!(ids(&got), ["mug", "axe", "mug"], "who asks twice is told twice");
        assert_eq!(merchant.ok(&shop("BatchDelete"), json!({"names": ["products/zinc", "products/axe"]})).await, json!({}));
        assert_eq!(count(&fixture).await, 3);
    }

    async fn all_is_done_or_nothing(engine: Engine) {
        let fixture = with_products(engine, &["cup", "mug"]).await;
        let merchant = fixture.user("m", &["merchant"]);
        let requests = json!([create("new", "NEW"), create("taken", "CUP"), create("newer", "NEWER")]);
        let fault = merchant.fault(&shop("BatchCreate"), json!({"requests": requests})).await;
        assert_eq!(fault.reason(), Some(Reason::UniqueViolation));
        assert_eq!(fault.violations()[0].field, "requests[1].product.sku");
        assert_eq!(fault.metadata("field"), Some("sku"));
        let fault = merchant.fault(&shop("BatchCreate"), json!({"requests": [create("new", "NEW"), create("mug", "X-1")]})).await;
        assert_eq!((fault.reason(), fault.metadata("element")), (Some(Reason::AlreadyExists), Some("requests[1]")));
        let fault = merchant.fault(&shop("BatchUpdate"), json!({"requests": [update("cup", "C"), update("none", "N")]})).await;
        assert_eq!((fault.reason(), fault.metadata("element")), (Some(Reason::ResourceNotFound), Some("requests[1]")));
        let fault = merchant.fault(&shop("BatchDelete"), json!({"names": ["products/cup", "products/none"]})).await;
        assert_eq!((fault.reason(), fault.metadata("element")), (Some(Reason::ResourceNotFound), Some("names[1]")));
        let fault = fixture.anonymous().fault(&shop("BatchGet"), json!({"names": ["products/cup", "products/none"]})).await;
        assert_eq!((fault.reason(), fault.metadata("element")), (Some(Reason::ResourceNotFound), Some("names[1]")));
        let cup = fixture.anonymous().ok(&format!("{SHOP}/GetProduct"), json!({"name": "products/cup"})).await;
        assert!(cup.get("title").is_none(), "{cup}");
        assert_eq!(count(&fixture).await, 2);
    }

    async fn every_element_is_told_what_is_wrong_with_it(engine: Engine) {
        let fixture = with_products(engine, &["cup", "mug"]).await;
        let merchant = fixture.user("m", &["merchant"]);
        let bad = json!({"product_id": "bad", "product": {"sku": "no good", "stock": -1}});
        let requests = json!([create("good", "GOOD"), bad, {"product": {}}]);
        let fields = ["requests[1].product.sku", "requests[1].product.stock", "requests[2].product.sku"];
        let told = refused(&merchant, &shop("BatchCreate"), json!({"requests": requests})).await;
        assert_eq!(told.0, Reason::FieldViolation);
        for field in fields {
            assert!(told.1.contains(&field.to_owned()), "{field}: {told:?}");
        }
        let stock = |id: &str, stock: i32| json!({
            "product": {"name": format!("products/{id}"), "stock": stock}, "update_mask": "stock",
        });
        let told = refused(&merchant, &shop("BatchUpdate"), json!({"requests": [stock("mug", -2), stock("cup", -1)]})).await;
        let fields = ["requests[0].product.stock", "requests[1].product.stock"].map(str::to_owned).to_vec();
        assert_eq!(told, (Reason::FieldViolation, fields));
        let ids = json!({"requests": [{"product_id": "NO", "product": {"sku": "ABC"}}]});
        let told = refused(&merchant, &shop("BatchCreate"), ids).await;
        assert_eq!(told, (Reason::InvalidName, vec!["requests[0].product_id".to_owned()]));
        for method in ["BatchDelete", "BatchGet"] {
            let told = refused(&merchant, &shop(method), json!({"names": ["products/cup", "cups/1"]})).await;
            assert_eq!(told, (Reason::InvalidName, vec!["names[1]".to_owned()]), "{method}");
        }
        let mask = json!({"requests": [update("cup", "A"), {"product": {"name": "products/mug"}, "update_mask": "noSuch"}]});
        assert_eq!(refused(&merchant, &shop("BatchUpdate"), mask).await.0, Reason::InvalidMask);
    }

    async fn a_row_is_written_once(engine: Engine) {
        let fixture = with_products(engine, &["cup", "mug"]).await;
        let merchant = fixture.user("m", &["merchant"]);
        for (method, request, field) in [
            ("BatchCreate", json!({"requests": [create("a", "AAA"), create("b", "BBB"), create("a", "CCC")]}), "requests[2]"),
            ("BatchUpdate", json!({"requests": [update("cup", "1"), update("mug", "2"), update("cup", "3")]}), "requests[2]"),
            ("BatchDelete", json!({"names": ["products/cup", "products/cup"]}), "names[1]"),
        ] {
            let told = refused(&merchant, &shop(method), request).await;
            assert_eq!(told, (Reason::FieldViolation, vec![field.to_owned()]), "{method}");
        }
        let same = json!({"requests": [create("a", "AAA"), create("b", "AAA")]});
        let told = refused(&merchant, &shop("BatchCreate"), same).await;
        assert_eq!(told, (Reason::UniqueViolation, vec!["requests[1].product.sku".to_owned()]));
        assert_eq!(count(&fixture).await, 2);
    }

    async fn a_batch_has_one_to_a_thousand_elements(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let creates = |n: usize| json!({
            "requests": (0..n).map(|n| create(&format!("p{n}"), &format!("SKU-{n}"))).collect::<Vec<_>>(),
        });
        let names = |n: usize| json!({"names": (0..n).map(|n| format!("products/p{n}")).collect::<Vec<_>>()});
        for n in [0, 1_001] {
            for (method, request, field) in [
                ("BatchCreate", creates(n), "requests"),
                ("BatchUpdate", creates(n), "requests"),
                ("BatchDelete", names(n), "names"),
                ("BatchGet", names(n), "names"),
            ] {
                let request = if method == "BatchUpdate" { json!({"requests": vec![json!({}); n]}) } else { request };
                let told = refused(&merchant, &shop(method), request).await;
                assert_eq!(told, (Reason::FieldViolation, vec![field.to_owned()]), "{method} {n}");
            }
        }
        assert_eq!(ids(&merchant.ok(&shop("BatchCreate"), creates(1_000)).await).len(), 1_000);
        assert_eq!(ids(&merchant.ok(&shop("BatchGet"), names(1_000)).await).len(), 1_000);
        let updates: Vec<Json> = (0..1_000).map(|n| update(&format!("p{n}"), "T")).collect();
        assert_eq!(ids(&merchant.ok(&shop("BatchUpdate"), json!({"requests": updates})).await).len(), 1_000);
        merchant.ok(&shop("BatchDelete"), names(1_000)).await;
        assert_eq!(count(&fixture).await, 0);
    }

    async fn who_may_not_write_learns_nothing_of_what_is_wrong_with_a_batch(engine: Engine) {
        let fixture = with_products(engine, &["cup"]).await;
        let (nobody, user) = (fixture.anonymous(), fixture.user("u", &[]));
        let bad = json!({"product": {"sku": "no good"}, "request_id": "x"});
        for (method, request) in [
            ("BatchCreate", json!({"requests": [bad, bad]})),
            ("BatchCreate", json!({})),
            ("BatchCreate", json!({"requests": vec![json!({}); 1_001], "parent": "nonsense"})),
            ("BatchUpdate", json!({"requests": [{"product": {"name": "nonsense"}}]})),
            ("BatchUpdate", json!({})),
            ("BatchDelete", json!({"names": ["products/cup", "products/cup", "nonsense"], "request_id": "a b"})),
            ("BatchDelete", json!({})),
        ] {
            assert_eq!(refused(&nobody, &shop(method), request.clone()).await, (Reason::Unauthenticated, vec![]), "{method}");
            assert_eq!(refused(&user, &shop(method), request).await, (Reason::PermissionDenied, vec![]), "{method}");
        }
    }

    async fn what_is_hidden_is_missing_for_a_batch(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let bob = fixture.user("bob", &[]);
        let publisher = |method: &str| format!("lib.v1.PublisherService/{method}Publishers");
        for (method, request) in [
            ("BatchGet", json!({"names": ["publishers/open", "publishers/WHAT"]})),
            ("BatchDelete", json!({"names": ["publishers/WHAT"]})),
            ("BatchUpdate", json!({"requests": [{"publisher": {"name": "publishers/WHAT", "title": "X"}}]})),
        ] {
            let one_of = |id: &str| serde_json::from_str::<Json>(&request.to_string().replace("WHAT", id)).unwrap();
            let hidden = bob.fault(&publisher(method), one_of("hidden")).await;
            let missing = bob.fault(&publisher(method), one_of("nobody")).await;
            assert_eq!(hidden.reason(), Some(Reason::ResourceNotFound), "{method}");
            assert_eq!(on_the_wire(hidden), on_the_wire(missing), "{method}");
        }
        let create = json!({"publisher_id": "hidden", "publisher": {"title": "X"}});
        let fault = bob.fault(&publisher("BatchCreate"), json!({"requests": [create]})).await;
        assert_eq!(fault.reason(), Some(Reason::PermissionDenied), "a name that is taken by what is hidden");
    }

    async fn all_of_a_batch_lie_below_its_parent(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let staff = fixture.user("stan", &["staff"]);
        let book = |id: &str| json!({"book_id": id, "book": {"title": id}});
        let with = |mut request: Json, parent: &str| { request["parent"] = json!(parent); request };
        let both = json!([book("a"), with(book("b"), "publishers/open")]);
        let made = staff.ok(&books("BatchCreate"), json!({"parent": "publishers/open", "requests": both})).await;
        assert_eq!(made["books"][0]["name"], "publishers/open/books/a", "the batch's parent is the element's");
        let mixed = json!([with(book("c"), "publishers/open"), with(book("c"), "publishers/other")]);
        for parent in ["publishers/-", ""] {
            let dry = json!({"parent": parent, "requests": mixed, "validate_only": true});
            assert_eq!(ids(&staff.ok(&books("BatchCreate"), dry).await), ["c", "c"], "{parent}: any");
        }
        let told = refused(&staff, &books("BatchCreate"), json!({"parent": "publishers/open", "requests": mixed})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["requests[1].parent".to_owned()]));
        let told = refused(&staff, &books("BatchCreate"), json!({"parent": "publishers/-", "requests": [book("d")]})).await;
        assert_eq!(told, (Reason::InvalidName, vec!["requests[0].parent".to_owned()]), "which one?");
        let told = refused(&staff, &books("BatchCreate"), json!({"parent": "nonsense", "requests": [book("d")]})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["parent".to_owned()]));
        let names = json!(["publishers/open/books/a", "publishers/other/books/b"]);
        for method in ["BatchGet", "BatchDelete"] {
            let told = refused(&staff, &books(method), json!({"parent": "publishers/open", "names": names})).await;
            assert_eq!(told, (Reason::FieldViolation, vec!["names[1]".to_owned()]), "{method}");
        }
        let updates = json!([{"book": {"name": "publishers/open/books/a", "title": "A"}}]);
        let told = refused(&staff, &books("BatchUpdate"), json!({"parent": "publishers/other", "requests": updates})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["requests[0].book.name".to_owned()]));
        let told = refused(&fixture.user("m", &["staff"]), &format!("{BOOKS}/BatchCreateBooks"),
            json!({"requests": [with(book("x"), "publishers/nobody")]})).await;
        assert_eq!(told, (Reason::ReferenceNotFound, vec!["requests[0].parent".to_owned()]));
    }

    async fn a_row_may_refer_to_another_of_its_batch(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let staff = fixture.user("stan", &["staff"]);
        let first = json!({"book_id": "one", "book": {"title": "One"}});
        let second = json!({"book_id": "two", "book": {"title": "Two", "sequel_of": "publishers/open/books/one"}});
        let request = |requests: Json| json!({"parent": "publishers/open", "requests": requests});
        let told = refused(&staff, &books("BatchCreate"), request(json!([second, first]))).await;
        assert_eq!(told, (Reason::ReferenceNotFound, vec!["requests[0].book.sequel_of".to_owned()]), "not there yet");
        let made = staff.ok(&books("BatchCreate"), request(json!([first, second]))).await;
        assert_eq!(made["books"][1]["sequel_of"], "publishers/open/books/one");
        let fault = staff.fault(&books("BatchDelete"), json!({"names": ["publishers/open/books/one", "publishers/open/books/two"]})).await;
        assert_eq!((fault.reason(), fault.metadata("element")), (Some(Reason::StillReferenced), Some("names[0]")));
        staff.ok(&books("BatchDelete"), json!({"names": ["publishers/open/books/two", "publishers/open/books/one"]})).await;
    }

    async fn a_batch_with_a_request_id_is_done_once(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let request = json!({"request_id": ID, "requests": [create("a", "AAA"), {"product": {"sku": "BBB"}}]});
        let answers = join_all((0..20).map(|_| merchant.call(BATCH_CREATE, request.clone()))).await;
        let answers: Vec<Json> = answers.into_iter().map(|answer| answer.unwrap_or_else(|fault| panic!("{fault:?}"))).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "twenty equal answers");
        assert_eq!(count(&fixture).await, 2);
        let part = merchant.with_read_mask("products.sku").ok(&shop("BatchCreate"), request.clone()).await;
        assert_eq!(part, json!({"products": [{"sku": "AAA"}, {"sku": "BBB"}]}));
        let other = json!({"request_id": ID, "requests": [create("a", "AAA"), {"product": {"sku": "CCC"}}]});
        let told = refused(&merchant, &shop("BatchCreate"), other).await;
        assert_eq!(told, (Reason::RequestIdReused, vec!["request_id".to_owned()]));
        let change = json!({"request_id": ID, "requests": [update("a", "T")]});
        let changed = merchant.ok(&shop("BatchUpdate"), change.clone()).await;
        assert_eq!(merchant.ok(&shop("BatchUpdate"), change).await, changed);
        let delete = json!({"request_id": ID, "names": ["products/a"]});
        merchant.ok(&shop("BatchDelete"), delete.clone()).await;
        assert_eq!(merchant.ok(&shop("BatchDelete"), delete).await, json!({}), "gone, and done");
    }

    async fn a_batch_of_many_rows_is_answered_again(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let requests: Vec<Json> = (0..150).map(|i| create(&format!("p{i}"), &format!("SKU-{i}"))).collect();
        let request = json!({"request_id": ID, "requests": requests});
        let made = merchant.ok(&shop("BatchCreate"), request.clone()).await;
        assert_eq!(ids(&made).len(), 150);
        assert_eq!(merchant.ok(&shop("BatchCreate"), request).await, made);
    }

    async fn a_replayed_batch_shows_what_may_be_read_now(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let ann = fixture.user("ann", &[]);
        let method = "lib.v1.PublisherService/BatchCreatePublishers";
        let one = |id: &str| json!({"publisher_id": id, "publisher": {"title": id}});
        let request = json!({"request_id": ID, "requests": [one("p"), one("q")]});
        ann.ok(method, request.clone()).await;
        let give = json!({"publisher": {"name": "publishers/p", "owner": "bob"}, "update_mask": "owner"});
        fixture.system().ok("lib.v1.PublisherService/UpdatePublisher", give).await;
        let again = ann.ok(method, request).await;
        assert_eq!(again["publishers"][0], json!({"name": "publishers/p"}), "the name and no more");
        assert_eq!(again["publishers"][1]["title"], "q");
    }

    async fn what_all_share_stands_in_the_batch(engine: Engine) {
        let fixture = with_products(engine, &["cup"]).await;
        let merchant = fixture.user("m", &["merchant"]);
        let create = json!({"product": {"sku": "NEW"}, "request_id": ID});
        let told = refused(&merchant, &shop("BatchCreate"), json!({"requests": [create]})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["requests[0].request_id".to_owned()]));
        let mut change = update("cup", "T");
        change["validate_only"] = json!(true);
        let told = refused(&merchant, &shop("BatchUpdate"), json!({"requests": [change]})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["requests[0].validate_only".to_owned()]));
        let told = refused(&merchant, &shop("BatchCreate"), json!({"requests": [{"product": {"sku": "NEW"}}], "request_id": "a b"})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["request_id".to_owned()]));
    }

    async fn a_batch_that_only_wants_to_know_does_nothing(engine: Engine) {
        let fixture = with_products(engine, &["cup", "mug"]).await;
        let merchant = fixture.user("m", &["merchant"]);
        let dry = |mut request: Json| { request["validate_only"] = json!(true); request };
        let made = merchant.ok(&shop("BatchCreate"), dry(json!({"requests": [create("a", "AAA"), create("b", "BBB")]}))).await;
        assert_eq!(ids(&made), ["a", "b"]);
        let told = refused(&merchant, &shop("BatchCreate"), dry(json!({"requests": [create("a", "AAA"), create("b", "CUP")]}))).await;
        assert_eq!(told, (Reason::UniqueViolation, vec!["requests[1].product.sku".to_owned()]));
        merchant.ok(&shop("BatchUpdate"), dry(json!({"requests": [update("cup", "X")]}))).await;
        merchant.ok(&shop("BatchDelete"), dry(json!({"names": ["products/cup", "products/mug"]}))).await;
        assert_eq!(count(&fixture).await, 2);
    }

    async fn a_read_mask_names_the_rows_of_the_answer(engine: Engine) {
        let fixture = with_products(engine, &["cup", "mug"]).await;
        let merchant = fixture.user("m", &["merchant"]).with_read_mask("products.name");
        let got = merchant.ok(&shop("BatchGet"), json!({"names": ["products/cup"]})).await;
        assert_eq!(got, json!({"products": [{"name": "products/cup"}]}));
        let changed = merchant.ok(&shop("BatchUpdate"), json!({"requests": [update("mug", "M")]})).await;
        assert_eq!(changed, json!({"products": [{"name": "products/mug"}]}));
        let wrong = fixture.user("m", &["merchant"]).with_read_mask("name");
        for (method, request) in [
            ("BatchGet", json!({"names": ["products/cup"]})),
            ("BatchUpdate", json!({"requests": [update("mug", "N")]})),
            ("BatchCreate", json!({"requests": [create("pot", "POT")]})),
        ] {
            assert_eq!(refused(&wrong, &shop(method), request).await, (Reason::InvalidMask, vec!["$fields".to_owned()]), "{method}");
        }
        assert_eq!(count(&fixture).await, 2);
    }

    async fn a_batch_may_make_what_it_does_not_find(engine: Engine) {
        let fixture = with_products(engine, &["cup"]).await;
        let merchant = fixture.user("m", &["merchant"]);
        let upsert = |id: &str, sku: &str| json!({
            "product": {"name": format!("products/{id}"), "sku": sku, "title": "T"}, "allow_missing": true,
        });
        let answers = join_all((0..8).map(|_| {
            let request = json!({"requests": [upsert("cup", "CUP"), upsert("new", "NEW")]});
            merchant.call(BATCH_UPDATE, request)
        }))
        .await;
        for answer in answers {
            assert_eq!(ids(&answer.unwrap_or_else(|fault| panic!("{fault:?}"))), ["cup", "new"]);
        }
        assert_eq!(count(&fixture).await, 2);
    }

    async fn batches_that_meet_wait_for_each_other_in_one_order(engine: Engine) {
        let fixture = with_products(engine, &["cup", "mug", "pot"]).await;
        let merchant = fixture.user("m", &["merchant"]);
        let orders = [["cup", "mug", "pot"], ["pot", "mug", "cup"], ["mug", "cup", "pot"]];
        let batches = (0..60).map(|n| {
            let requests: Vec<Json> = orders[n % 3].iter().map(|id| update(id, &format!("by {n}"))).collect();
            merchant.call(BATCH_UPDATE, json!({"requests": requests}))
        });
        for answer in join_all(batches).await {
            answer.unwrap_or_else(|fault| panic!("{fault:?}"));
        }
        assert_eq!(fixture.data.db().counters().retries, 0, "nobody was in a deadlock");
    }

    async fn a_batch_that_could_not_be_answered_is_refused(engine: Engine) {
        let contract = file("big.v1", r#"
message Blob {
  option (google.api.resource) = {type: "big.example.com/Blob" pattern: "blobs/{blob}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string text = 2;
}
"#);
        let fixture = Fixture::start(engine, &contract).await;
        let nobody = fixture.anonymous();
        let text = "x".repeat(1_500_000);
        let blob = |id: &str| json!({"blob_id": id, "blob": {"text": text}});
        for requests in [json!([blob("a"), blob("b")]), json!([blob("c")])] {
            nobody.ok("big.v1.BlobService/BatchCreateBlobs", json!({"requests": requests})).await;
        }
        let three = json!({"requests": [blob("x"), blob("y"), blob("z")]});
        let told = refused(&nobody, "big.v1.BlobService/BatchCreateBlobs", three).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["requests".to_owned()]));
        let told = refused(&nobody, "big.v1.BlobService/BatchGetBlobs", json!({"names": ["blobs/a", "blobs/b", "blobs/c"]})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["names".to_owned()]));
    }

    async fn what_is_no_message_is_no_batch(engine: Engine) {
        let fixture = with_products(engine, &["cup"]).await;
        let merchant = fixture.user("m", &["merchant"]);
        for bytes in [&b"\x12\x7f"[..], b"\x10\x01", b"\x12\x02\x12\x7f", b"\xff"] {
            for method in ["BatchCreate", "BatchUpdate"] {
                let path = shop(method);
                let fault = merchant.raw(&path, bytes.to_vec()).await.unwrap_err();
                assert_eq!(fault.reason(), Some(Reason::MalformedRequest), "{method} {bytes:?}");
                let fault = fixture.anonymous().raw(&path, bytes.to_vec()).await.unwrap_err();
                assert_eq!(fault.reason(), Some(Reason::Unauthenticated), "{method} {bytes:?}");
            }
        }
    }
}
