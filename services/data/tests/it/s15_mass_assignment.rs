//! A client sets what is a client's to set, by whatever way it tries.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::library;
use crate::support::Fixture;

const CREATE: &str = "lib.v1.BookService/CreateBook";
const UPDATE: &str = "lib.v1.BookService/UpdateBook";
const COMMIT: &str = "lib.v1.CommitService/Commit";

/// What a client likes to be true.
fn forged(name: &str) -> Json {
    json!({
        "name": name, "title": "T", "uid": "mine", "stamp": "mine",
        "create_time": "2001-01-01T00:00:00Z", "update_time": "2001-01-01T00:00:00Z",
    })
}

/// Every way of writing a book: the method, its request, and how the book is found in the answer.
fn ways(id: &str, mask: &str) -> [(&'static str, Json, &'static str); 8] {
    let name = format!("publishers/p/books/{id}");
    let create = json!({"parent": "publishers/p", "book_id": id, "book": forged("publishers/q/books/z")});
    let change = json!({"book": forged(&name), "update_mask": mask});
    let mut upsert = change.clone();
    upsert["allow_missing"] = json!(true);
    [
        (CREATE, create.clone(), ""),
        ("lib.v1.BookService/BatchCreateBooks", json!({"requests": [create]}), "/books/0"),
        (COMMIT, json!({"writes": [{"create_book": create}]}), "/results/0/book"),
        (UPDATE, upsert.clone(), ""),
        ("lib.v1.BookService/BatchUpdateBooks", json!({"requests": [upsert]}), "/books/0"),
        (COMMIT, json!({"writes": [{"update_book": upsert}]}), "/results/0/book"),
        ("lib.v1.BookService/BatchUpdateBooks", json!({"requests": [change]}), "/books/0"),
        (COMMIT, json!({"writes": [{"update_book": change}]}), "/results/0/book"),
    ]
}

async fn library_with_a_publisher(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &library()).await;
    let publisher = json!({"publisher_id": "p", "publisher": {"title": "P", "open": true}});
    fixture.user("ann", &[]).ok("lib.v1.PublisherService/CreatePublisher", publisher).await;
    fixture
}

both_engines! {
    async fn what_the_server_sets_cannot_be_sent(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let publisher = json!({"publisher_id": "p", "publisher": {"title": "P", "open": true}});
        fixture.user("ann", &[]).ok("lib.v1.PublisherService/CreatePublisher", publisher).await;
        let staff = fixture.user("stan", &["staff"]);
        let mine = json!({
            "name": "publishers/q/books/z", "title": "T", "uid": "mine", "stamp": "mine", "etag": "mine",
            "create_time": "2001-01-01T00:00:00Z", "update_time": "2001-01-01T00:00:00Z",
        });
        let made = staff.ok(CREATE, json!({"parent": "publishers/p", "book_id": "b", "book": mine})).await;
        assert_eq!(made["name"], "publishers/p/books/b");
        assert!(made.get("stamp").is_none());
        assert_ne!(made["uid"], "mine");
        assert_ne!(made["etag"], "mine");
        assert!(made["create_time"].as_str().unwrap() > "2020");
        assert_eq!(made["create_time"], made["update_time"]);
        let mut mine = mine;
        mine["name"] = made["name"].clone();
        mine["etag"] = made["etag"].clone();
        for mask in ["", "*", "uid,stamp,createTime,updateTime,title"] {
            let changed = staff.ok(UPDATE, json!({"book": mine, "update_mask": mask})).await;
            assert!(changed.get("stamp").is_none(), "{mask}");
            assert_eq!((&changed["uid"], &changed["create_time"]), (&made["uid"], &made["create_time"]), "{mask}");
            assert_ne!(changed["update_time"], mine["update_time"], "{mask}");
            mine["etag"] = changed["etag"].clone();
        }
    }

    async fn no_way_of_writing_sets_what_the_server_sets(engine: Engine) {
        let fixture = library_with_a_publisher(engine).await;
        let staff = fixture.user("stan", &["staff"]);
        for (round, mask) in ["*", "title,uid,stamp,createTime,updateTime", ""].into_iter().enumerate() {
            for (way, (method, request, place)) in ways("x", mask).into_iter().enumerate() {
                // The last two change a row that is there.
                let id = format!("b{round}{way}");
                let text = request.to_string().replace("books/x", &format!("books/{id}")).replace("\"x\"", &format!("\"{id}\""));
                let request: Json = serde_json::from_str(&text).unwrap();
                let mut before = Json::Null;
                if way >= 6 {
                    let plain = json!({"parent": "publishers/p", "book_id": id, "book": {"title": "Before"}});
                    before = staff.ok(CREATE, plain).await;
                }
                let answer = staff.ok(method, request).await;
                let book = if place.is_empty() { &answer } else { answer.pointer(place).unwrap() };
                assert_eq!((&book["name"], &book["title"]), (&json!(format!("publishers/p/books/{id}")), &json!("T")), "{method}");
                assert!(book.get("stamp").is_none() && book["uid"] != "mine", "{method}: {book}");
                assert!(book["create_time"].as_str().unwrap() > "2020" && book["update_time"].as_str().unwrap() > "2020");
                if way >= 6 {
                    assert_eq!((&book["uid"], &book["create_time"]), (&before["uid"], &before["create_time"]), "{method}");
                }
                let stored = staff.ok("lib.v1.BookService/GetBook", json!({"name": book["name"]})).await;
                assert_eq!(stored, *book, "{method} {mask}");
            }
        }
    }

    async fn what_is_immutable_stays_by_every_way_of_changing_and_is_told_with_its_place(engine: Engine) {
        let fixture = library_with_a_publisher(engine).await;
        let staff = fixture.user("stan", &["staff"]);
        let made = json!({"parent": "publishers/p", "book_id": "b", "book": {"title": "B", "origin": "here"}});
        staff.ok(CREATE, made).await;
        let change = |origin: &str| json!({"book": {"name": "publishers/p/books/b", "origin": origin}, "update_mask": "origin"});
        for (method, request, field) in [
            (UPDATE, change("there"), "book.origin"),
            ("lib.v1.BookService/BatchUpdateBooks", json!({"requests": [change("there")]}), "requests[0].book.origin"),
            (COMMIT, json!({"writes": [{"update_book": change("there")}]}), "writes[0].update_book.book.origin"),
            (COMMIT, json!({"writes": [{"update_book": change("")}]}), "writes[0].update_book.book.origin"),
        ] {
            assert_eq!(staff.refused(method, request).await, (Reason::ImmutableField, vec![field.to_owned()]));
        }
        staff.ok(COMMIT, json!({"writes": [{"update_book": change("here")}]})).await;
    }

    async fn whoever_may_change_rows_makes_none_with_allow_missing_inside_of_others(engine: Engine) {
        let contract = library().replace("access {read: \"true\" write: \"'staff' in auth.roles\"}", "access {read: \"true\" update: \"auth.uid != ''\"}");
        assert!(contract.contains("update: \"auth.uid"));
        let fixture = Fixture::start(engine, &contract).await;
        let ann = fixture.user("ann", &[]);
        let publisher = json!({"publisher_id": "p", "publisher": {"title": "P", "open": true}});
        ann.ok("lib.v1.PublisherService/CreatePublisher", publisher).await;
        for (method, request, _) in ways("x", "*").into_iter().take(6) {
            assert_eq!(ann.refused(method, request).await, (Reason::PermissionDenied, vec![]), "{method}");
        }
        for (method, request, _) in ways("x", "*").into_iter().skip(6) {
            assert_eq!(ann.refused(method, request).await, (Reason::ResourceNotFound, vec![]), "{method}");
        }
    }

    async fn an_owner_is_who_the_rule_says_and_not_who_the_body_says(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let eve = fixture.user("eve", &[]);
        let create = "shop.v1.OrderService/CreateOrder";
        let order = json!({"order": {"buyer": "ann"}});
        assert_eq!(eve.refused(create, order.clone()).await.0, Reason::PermissionDenied);
        assert_eq!(fixture.anonymous().refused(create, order).await.0, Reason::Unauthenticated);
        let made = eve.ok(create, json!({"order": {}})).await;
        assert_eq!((&made["buyer"], &made["state"]), (&json!("eve"), &json!("CART")), "the defaults");
        let give = json!({"order": {"name": made["name"], "buyer": "ann"}, "update_mask": "buyer"});
        let refused = eve.refused("shop.v1.OrderService/UpdateOrder", give).await;
        assert_eq!(refused, (Reason::ImmutableField, vec!["order.buyer".to_owned()]));
        let shipped = json!({"order": {"state": "SHIPPED"}});
        assert_eq!(eve.refused(create, shipped).await.0, Reason::PermissionDenied);
    }
}
