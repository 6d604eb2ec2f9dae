//! S10 and S13 of organisations: what every method answers to a member of one is the same to the byte whether or not another one
//! has rows, under the same names and others; and nothing that he sends changes a row of that.

use std::collections::BTreeMap;

use futures_util::future::join;
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::derived::{ETAG, Request, Words, requests};
use crate::relations::{list, method};
use crate::s10_two_worlds::walked;
use crate::support::{Caller, Fixture};
use crate::tenants::stores;

/// What rows of the other organisation hold, and nobody sends.
const CANARIES: [&str; 3] = ["hush-3", "hush-4", "hush-5"];

const WORDS: Words = Words {
    names: &[
        ("Store", &["stores/own", "stores/same", "stores/theirs", "stores/none", "no name"]),
        (
            "Product",
            &[
                "stores/own/products/cup",
                "stores/same/products/pot",
                "stores/theirs/products/pan",
                "stores/theirs/products/none",
            ],
        ),
        ("Settings", &["stores/own/settings", "stores/same/settings", "stores/theirs/settings"]),
        ("Order", &["orders/own", "orders/same", "orders/theirs", "orders/none"]),
        ("Notice", &["notices/none"]),
        ("Ban", &["bans/own", "bans/theirs", "bans/none"]),
        ("Region", &["regions/north", "regions/none"]),
    ],
    texts: &[("owner", &["ann", "hush-1"]), ("code", &["C1", "HUSH"]), ("title", &["cup", "hush-2"])],
    ids: &["new", "same", "theirs", "NO"],
};

/// The rows of the one who asks, in both worlds, and those of the other, in one of them.
async fn sow(world: &Fixture, both: bool) {
    let create = async |caller: &Caller<'_>, message: &str, request: Json| {
        caller.ok(&method("Create", message), request).await;
    };
    create(&world.system(), "Region", json!({"region_id": "north", "region": {}})).await;
    let ann = world.member("ann", "acme", &[]);
    create(&ann, "Store", json!({"store_id": "own", "store": {"owner": "ann", "code": "C1"}})).await;
    create(&ann, "Store", json!({"store_id": "same", "store": {"mate": "stores/own"}})).await;
    create(&ann, "Product", json!({"parent": "stores/own", "product_id": "cup", "product": {"title": "cup"}})).await;
    create(&ann, "Product", json!({"parent": "stores/same", "product_id": "pot", "product": {}})).await;
    create(&ann, "Order", json!({"order_id": "own", "order": {"product": "stores/own/products/cup"}})).await;
    create(&ann, "Order", json!({"order_id": "same", "order": {"store": "stores/same"}})).await;
    create(&ann, "Ban", json!({"ban_id": "own", "ban": {"account": "cat"}})).await;
    if !both {
        return;
    }
    let bob = world.member("bob", "zeta", &[]);
    let stores = [
        ("same", json!({"owner": "hush-3", "code": "HUSH"})),
        ("theirs", json!({"owner": "hush-1", "code": "C1", "branch_of": "stores/same"})),
    ];
    for (id, store) in stores {
        create(&bob, "Store", json!({"store_id": id, "store": store})).await;
    }
    let pan = json!({"parent": "stores/theirs", "product_id": "pan", "product": {"title": "hush-2"}});
    create(&bob, "Product", pan).await;
    create(&bob, "Product", json!({"parent": "stores/same", "product_id": "pot", "product": {"title": "hush-4"}}))
        .await;
    for (id, order) in
        [("same", json!({"product": "stores/same/products/pot"})), ("theirs", json!({"store": "stores/theirs"}))]
    {
        create(&bob, "Order", json!({"order_id": id, "order": order})).await;
    }
    create(&bob, "Ban", json!({"ban_id": "theirs", "ban": {"account": "ann"}})).await;
    let theme = json!({"settings": {"name": "stores/same/settings", "theme": "hush-5"}});
    bob.ok(&method("Update", "Settings"), theme).await;
}

/// All rows that somebody sees, deleted ones included, by their names.
async fn rows(caller: &Caller<'_>) -> BTreeMap<String, Json> {
    let mut rows = BTreeMap::new();
    for (message, names) in WORDS.names {
        for name in *names {
            if let Ok(row) = caller.call(&method("Get", message), json!({"name": name})).await {
                rows.insert((*name).to_owned(), row);
            }
        }
        // And those that got their names from the server, or are deleted and kept.
        let request = match *message {
            "Settings" => continue,
            "Product" => json!({"parent": "stores/-", "page_size": 1000}),
            "Store" => json!({"show_deleted": true, "page_size": 1000}),
            _ => json!({"page_size": 1000}),
        };
        let page = caller.call(&list(message), request).await.unwrap_or_default();
        for row in page.as_object().into_iter().flat_map(|page| page.values()).filter_map(Json::as_array).flatten() {
            rows.insert(row["name"].as_str().unwrap().to_owned(), row.clone());
        }
    }
    rows
}

fn put_etags(message: &mut Json, rows: &BTreeMap<String, Json>) {
    match message {
        Json::Object(fields) => {
            if fields.get("etag") == Some(&json!(ETAG)) {
                let row = fields.get("name").and_then(Json::as_str).and_then(|name| rows.get(name));
                let etag = row.map_or(json!("0000000000000000"), |row| row["etag"].clone());
                fields.insert("etag".to_owned(), if etag.is_null() { json!("none") } else { etag });
            }
            fields.values_mut().for_each(|value| put_etags(value, rows));
        }
        Json::Array(elements) => elements.iter_mut().for_each(|element| put_etags(element, rows)),
        _ => {}
    }
}

async fn agree([one, other]: [&Caller<'_>; 2], rows: [&BTreeMap<String, Json>; 2], request: &Request) {
    let messages = rows.map(|rows| {
        let mut message = request.message.clone();
        put_etags(&mut message, rows);
        message
    });
    let (one, other) =
        join(walked(one, &request.method, &messages[0]), walked(other, &request.method, &messages[1])).await;
    assert_eq!(one, other, "{} {}", request.method, request.message);
    let text = format!("{one:?}");
    assert!(!CANARIES.iter().any(|canary| text.contains(canary)), "{} {}: {text}", request.method, request.message);
}

fn derived(world: &Fixture, dry: bool) -> Vec<Request> {
    requests(&world.data.reconciler().served().load().contract, &world.pool(), &WORDS, dry)
}

both_engines! {
    async fn s10_no_method_tells_whether_another_organisation_has_rows(engine: Engine) {
        let (one, other) = (Fixture::start(engine, &stores()).await, Fixture::start(engine, &stores()).await);
        sow(&one, true).await;
        sow(&other, false).await;
        let requests = derived(&one, true);
        for (first, second) in [
            (one.member("ann", "acme", &[]), other.member("ann", "acme", &[])),
            (one.user("ann", &[]), other.user("ann", &[])),
            (one.member("cat", "new", &[]), other.member("cat", "new", &[])),
        ] {
            let known = [rows(&first).await, rows(&second).await];
            for request in requests.iter().filter(|request| request.is_dry) {
                agree([&first, &second], [&known[0], &known[1]], request).await;
            }
        }
        assert!(requests.len() > 500, "only {} requests were tried", requests.len());
    }

    async fn s13_no_method_changes_a_row_of_another_organisation(engine: Engine) {
        let (one, other) = (Fixture::start(engine, &stores()).await, Fixture::start(engine, &stores()).await);
        sow(&one, true).await;
        sow(&other, false).await;
        let bob = one.member("bob", "zeta", &[]);
        let theirs = rows(&bob).await;
        let (first, second) = (one.member("ann", "acme", &[]), other.member("ann", "acme", &[]));
        let known = [rows(&first).await, rows(&second).await];
        for request in &derived(&one, false) {
            agree([&first, &second], [&known[0], &known[1]], request).await;
        }
        let (mut theirs, mut after) = (theirs, rows(&bob).await);
        // What is nobody's counts the stores of everybody.
        for rows in [&mut theirs, &mut after] {
            rows.remove("regions/north");
        }
        assert_eq!(after, theirs);
        assert_ne!(rows(&first).await, known[0], "his own are his to change");
    }

    async fn s13_what_was_given_in_another_organisation_is_good_for_nothing(engine: Engine) {
        let fixture = Fixture::start(engine, &stores()).await;
        sow(&fixture, true).await;
        let bob = fixture.member("bob", "zeta", &[]);
        let open = "m.v1.StoreService/OpenStore";
        for name in ["stores/same", "stores/theirs"] {
            bob.ok(open, json!({"name": name})).await;
        }
        let lists = [
            (list("Store"), json!({"page_size": 1})),
            (list("Store"), json!({"page_size": 1, "order_by": "owner desc", "filter": "state = OPEN"})),
            (list("Product"), json!({"page_size": 1, "parent": "stores/-"})),
            (list("Order"), json!({"page_size": 1, "expand": "store"})),
            (list("Notice"), json!({"page_size": 1})),
        ];
        // Who is no member, who is one elsewhere, who was one, and bob himself, acting elsewhere and nowhere.
        let others = [
            fixture.member("ann", "acme", &[]),
            fixture.member("bob", "acme", &[]),
            fixture.member("bob", "zet", &[]),
            fixture.user("bob", &[]),
            fixture.user("bob in zeta", &[]),
            fixture.anonymous(),
        ];
        for (method, request) in lists {
            let page = bob.ok(&method, request.clone()).await;
            let mut next = request;
            next["page_token"] = page["next_page_token"].clone();
            bob.ok(&method, next.clone()).await;
            for other in &others[..3] {
                assert_eq!(other.refused(&method, next.clone()).await.0, Reason::InvalidPageToken, "{method}");
            }
            for other in &others[3..] {
                // Who sees nothing at all is shown that, whatever the token; who is nobody may be asked who he is before that.
                match other.call(&method, next.clone()).await {
                    Ok(page) => assert_eq!(page, json!({}), "{method}"),
                    Err(fault) => {
                        let reason = fault.reason().unwrap();
                        assert!(matches!(reason, Reason::InvalidPageToken | Reason::Unauthenticated), "{method}: {reason:?}");
                    }
                }
            }
        }
        let made = json!({"store": {"owner": "hush-3"}, "request_id": "0199a1c4-0000-7000-8000-000000000001"});
        let row = bob.ok(&method("Create", "Store"), made.clone()).await;
        assert_eq!(bob.ok(&method("Create", "Store"), made.clone()).await, row);
        for other in &others[..3] {
            let own = other.ok(&method("Create", "Store"), made.clone()).await;
            assert_ne!(own["name"], row["name"]);
            assert_eq!(other.refused(&method("Get", "Store"), json!({"name": row["name"]})).await.0, Reason::ResourceNotFound);
        }
        assert_eq!(rows(&bob).await["stores/same"]["state"], "OPEN");
    }
}
