//! A client sets what is a client's to set, by whatever way it tries.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::library;
use crate::support::Fixture;

const CREATE: &str = "lib.v1.BookService/CreateBook";
const UPDATE: &str = "lib.v1.BookService/UpdateBook";

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
