//! Commit: several writes of a package together, which may name what each other make.

use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture, on_the_wire};

const COMMIT: &str = "till.v1.CommitService/Commit";
const ID: &str = "7a1c0b9e-4b44-4c3e-9d0a-0f7d1c2b3a45";

fn till() -> String {
    file(
        "till.v1",
        r#"
message Product {
  option (google.api.resource) = {type: "till.example.com/Product" pattern: "products/{product}"};
  option (mainstay.v1.resource) = {
    access {read: "!resource.secret || 'merchant' in auth.roles" write: "auth.uid != ''"}
    index {fields: "sku" unique: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  optional string sku = 2;
  int32 stock = 3 [(buf.validate.field).int32.gte = 0];
  repeated string tags = 4 [(buf.validate.field).repeated.max_items = 3];
  bool secret = 5;
  string etag = 6;
  double weight = 7;
  int64 sold = 8 [(google.api.field_behavior) = OUTPUT_ONLY];
  optional int64 best = 9;
  repeated int64 numbers = 10;
  Limits limits = 11;
  message Limits { int32 daily = 1; }
}
message Order {
  option (google.api.resource) = {type: "till.example.com/Order" pattern: "orders/{order}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.buyer == auth.uid" write: "resource.buyer == auth.uid"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string buyer = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  string product = 3 [(google.api.resource_reference).type = "till.example.com/Product"];
  string note = 4 [(buf.validate.field).string.max_len = 10];
}
message Line {
  option (google.api.resource) = {type: "till.example.com/Line" pattern: "orders/{order}/lines/{line}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string product = 2 [(google.api.resource_reference).type = "till.example.com/Product"];
}
message Account {
  option (google.api.resource) = {type: "till.example.com/Account" pattern: "accounts/{account}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int64 balance = 2 [(buf.validate.field).int64.gte = 0];
}
"#,
    )
}

async fn with_products(engine: Engine, products: &[(&str, i32)]) -> Fixture {
    let fixture = Fixture::start(engine, &till()).await;
    let writes: Vec<Json> = products.iter().map(|(id, stock)| create(id, *stock)).collect();
    fixture.user("m", &["merchant"]).ok(COMMIT, json!({"writes": writes})).await;
    fixture
}

fn create(id: &str, stock: i32) -> Json {
    json!({"create_product": {"product_id": id, "product": {"stock": stock, "sku": id.to_uppercase()}}})
}

fn change(id: &str, body: Json) -> Json {
    let mut product = body;
    product["name"] = json!(format!("products/{id}"));
    json!({"update_product": {"product": product}})
}

fn transform(id: &str, transforms: &Json) -> Json {
    json!({"update_product": {"product": {"name": format!("products/{id}")}, "transforms": transforms}})
}

async fn product(fixture: &Fixture, id: &str) -> Json {
    fixture.system().ok("till.v1.ProductService/GetProduct", json!({"name": format!("products/{id}")})).await
}

async fn orders(caller: &Caller<'_>) -> usize {
    let list = caller.ok("till.v1.OrderService/ListOrders", json!({"page_size": 1000})).await;
    list["orders"].as_array().map_or(0, Vec::len)
}

both_engines! {
    async fn a_commit_does_all_of_its_writes_in_their_order(engine: Engine) {
        let fixture = with_products(engine, &[("cup", 5), ("mug", 1)]).await;
        let ann = fixture.user("ann", &[]);
        let writes = json!([
            {"label": "order", "create_order": {"order": {"product": "products/cup"}}},
            {"create_line": {"parent": "$order", "line_id": "one", "line": {"product": "products/cup"}}},
            change("cup", json!({"stock": 4})),
            {"delete_product": {"name": "products/mug"}},
        ]);
        let answer = ann.ok(COMMIT, json!({"writes": writes})).await;
        let results = answer["results"].as_array().unwrap();
        let order = results[0]["order"]["name"].as_str().unwrap();
        assert_eq!(results[0]["order"]["buyer"], "ann");
        assert_eq!(results[1]["line"]["name"], format!("{order}/lines/one"));
        assert_eq!(results[2]["product"]["stock"], 4);
        assert_eq!(results[3], json!({}), "what is gone is not shown");
        assert_eq!(product(&fixture, "cup").await["stock"], 4);
    }

    async fn a_later_write_names_what_an_earlier_one_makes(engine: Engine) {
        let fixture = Fixture::start(engine, &till()).await;
        let ann = fixture.user("ann", &[]);
        let writes = json!([
            {"label": "p", "create_product": {"product": {"stock": 1}}},
            {"label": "o", "create_order": {"order_id": "mine", "order": {"product": "$p"}}},
            {"create_line": {"parent": "$o", "line": {"product": "$p"}}},
        ]);
        let answer = ann.ok(COMMIT, json!({"writes": writes})).await;
        let made = answer["results"][0]["product"]["name"].clone();
        assert_eq!((&answer["results"][1]["order"]["product"], &answer["results"][2]["line"]["product"]), (&made, &made));
        assert!(answer["results"][2]["line"]["name"].as_str().unwrap().starts_with("orders/mine/lines/"));
        for (writes, field) in [
            (json!([{"create_order": {"order": {"product": "$p"}}}, {"label": "p", "create_product": {}}]),
                "writes[0].create_order.order.product"),
            (json!([{"label": "l", "create_line": {"parent": "$l"}}]), "writes[0].create_line.parent"),
            (json!([{"label": "p", "create_product": {}}, {"label": "p", "create_product": {}}]), "writes[1].label"),
            (json!([{"label": "No", "create_product": {}}]), "writes[0].label"),
            (json!([{"label": "a".repeat(64), "create_product": {}}]), "writes[0].label"),
        ] {
            let told = ann.refused(COMMIT, json!({"writes": writes})).await;
            assert_eq!(told, (Reason::FieldViolation, vec![field.to_owned()]));
        }
        let text = json!([{"create_order": {"order": {"note": "$p"}}}]);
        let answer = ann.ok(COMMIT, json!({"writes": text})).await;
        assert_eq!(answer["results"][0]["order"]["note"], "$p", "what is no name stays what it is");
    }

    async fn a_commit_that_fails_does_nothing(engine: Engine) {
        let fixture = with_products(engine, &[("cup", 5), ("mug", 1)]).await;
        let ann = fixture.user("ann", &[]);
        let first = json!({"create_order": {"order": {"product": "products/cup"}}});
        for (second, reason, field) in [
            (change("cup", json!({"stock": -1})), Reason::FieldViolation, "writes[1].update_product.product.stock"),
            (create("new", -1), Reason::FieldViolation, "writes[1].create_product.product.stock"),
            (change("cup", json!({"sku": "MUG"})), Reason::UniqueViolation, "writes[1].update_product.product.sku"),
            (json!({"create_order": {"order": {"product": "products/none"}}}), Reason::ReferenceNotFound,
                "writes[1].create_order.order.product"),
            (json!({"delete_product": {"name": "nonsense"}}), Reason::InvalidName, "writes[1].delete_product.name"),
        ] {
            let told = ann.refused(COMMIT, json!({"writes": [first, second]})).await;
            assert_eq!(told, (reason, vec![field.to_owned()]));
        }
        for (second, reason) in [
            (change("none", json!({"stock": 1})), Reason::ResourceNotFound),
            (json!({"create_order": {"order": {"buyer": "bob"}}}), Reason::PermissionDenied),
            (json!({"delete_product": {"name": "products/cup"}}), Reason::StillReferenced),
            (json!({"create_product": {"product_id": "mug"}}), Reason::AlreadyExists),
            (change("cup", json!({"etag": "stale"})), Reason::EtagMismatch),
        ] {
            let fault = ann.fault(COMMIT, json!({"writes": [first, second]})).await;
            assert_eq!(fault.reason(), Some(reason), "{fault:?}");
            assert!(fault.metadata("element").unwrap().starts_with("writes[1]."), "{fault:?}");
        }
        assert_eq!(orders(&ann).await, 0);
        let twice = json!([change("cup", json!({"stock": 1})), {"delete_product": {"name": "products/cup"}}]);
        let told = ann.refused(COMMIT, json!({"writes": twice})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["writes[1].delete_product".to_owned()]));
    }

    async fn a_commit_writes_again_what_it_makes(engine: Engine) {
        let fixture = with_products(engine, &[("cup", 5)]).await;
        let ann = fixture.user("ann", &[]);
        let writes = json!([
            create("new", 1), change("new", json!({"stock": 2})), transform("new", &json!([{"field": "stock", "add": 5}])),
            {"create_order": {"order_id": "o", "order": {"product": "products/new"}}},
            change("cup", json!({"stock": 1})),
            create("short", 1), {"delete_product": {"name": "products/short"}},
        ]);
        for dry in [true, false] {
            let request = json!({"writes": writes, "validate_only": dry, "preconditions": [{"name": "products/new", "exists": false}]});
            let answer = ann.ok(COMMIT, request).await;
            let stocks: Vec<_> = (0..3).map(|n| answer["results"][n]["product"]["stock"].clone()).collect();
            assert_eq!(stocks, [json!(1), json!(2), json!(7)], "each as its write left it");
        }
        assert_eq!((product(&fixture, "new").await["stock"].clone(), product(&fixture, "cup").await["stock"].clone()), (json!(7), json!(1)));
        let gone = fixture.system().fault("till.v1.ProductService/GetProduct", json!({"name": "products/short"})).await;
        assert_eq!(gone.reason(), Some(Reason::ResourceNotFound));
        for (writes, reason, element) in [
            (json!([create("x", 1), change("x", json!({"stock": -1}))]), Reason::FieldViolation, None),
            (json!([create("x", 1), change("x", json!({"etag": "stale"}))]), Reason::EtagMismatch, Some("writes[1].update_product")),
            (json!([create("x", 1), {"delete_product": {"name": "products/x"}}, change("x", json!({"stock": 1}))]),
                Reason::ResourceNotFound, Some("writes[2].update_product")),
            (json!([create("x", 1), {"create_order": {"order": {"product": "products/x"}}}, {"delete_product": {"name": "products/x"}}]),
                Reason::StillReferenced, Some("writes[2].delete_product")),
        ] {
            let fault = ann.fault(COMMIT, json!({"writes": writes})).await;
            assert_eq!((fault.reason(), fault.metadata("element")), (Some(reason), element), "{fault:?}");
        }
        let hidden = json!([{"create_product": {"product_id": "h", "product": {"secret": true}}}, change("h", json!({"stock": 1}))]);
        let fault = ann.fault(COMMIT, json!({"writes": hidden})).await;
        assert_eq!(fault.reason(), Some(Reason::ResourceNotFound), "what she may not read she may not change");
    }

    async fn a_label_is_a_name_wherever_a_name_is(engine: Engine) {
        let fixture = Fixture::start(engine, &till()).await;
        let ann = fixture.user("ann", &[]);
        let writes = json!([
            {"label": "p", "create_product": {"product": {"stock": 1}}},
            {"label": "q", "update_product": {"product": {"name": "$p", "stock": 2}}},
            {"label": "o", "create_order": {"order": {"product": "$q"}}},
            {"create_line": {"parent": "$o", "line": {}}},
            {"label": "gone", "create_product": {}},
            {"delete_product": {"name": "$gone"}},
        ]);
        let request = json!({"writes": writes, "request_id": ID});
        let answer = ann.ok(COMMIT, request.clone()).await;
        let results = &answer["results"];
        assert_eq!(results[0]["product"]["name"], results[1]["product"]["name"]);
        assert_eq!(results[1]["product"]["stock"], 2);
        assert_eq!(results[2]["order"]["product"], results[0]["product"]["name"]);
        assert_eq!(results[5], json!({}));
        let again = ann.ok(COMMIT, request).await;
        assert_eq!(again["results"][2], answer["results"][2], "the ids that the server made tell no request from another");
        for (write, field) in [
            (json!({"delete_product": {"name": "$none"}}), "writes[0].delete_product.name"),
            (json!({"update_product": {"product": {"name": "$none"}}}), "writes[0].update_product.product.name"),
        ] {
            let told = ann.refused(COMMIT, json!({"writes": [write]})).await;
            assert_eq!(told, (Reason::FieldViolation, vec![field.to_owned()]));
        }
    }

    async fn rows_may_swap_their_unique_values(engine: Engine) {
        let fixture = with_products(engine, &[("a", 1), ("b", 2), ("c", 3)]).await;
        let ann = fixture.user("ann", &[]);
        let sku = |id: &str, sku: &str| change(id, json!({"sku": sku}));
        let (a, b, c) = ("products/a", "products/b", "products/c");
        let skus = || async {
            let mut skus = Vec::new();
            for id in ["a", "b", "c"] {
                skus.push(product(&fixture, id).await["sku"].as_str().unwrap().to_owned());
            }
            skus.join("")
        };
        ann.ok(COMMIT, json!({"writes": [sku("a", "B"), sku("b", "A")]})).await;
        assert_eq!(skus().await, "BAC");
        let requests: Vec<Json> = [(a, "A"), (b, "C"), (c, "B")].iter()
            .map(|(name, sku)| json!({"product": {"name": name, "sku": sku}, "update_mask": "sku"})).collect();
        let batch = "till.v1.ProductService/BatchUpdateProducts";
        ann.ok(batch, json!({"requests": requests, "validate_only": true})).await;
        assert_eq!(skus().await, "BAC");
        ann.ok(batch, json!({"requests": requests})).await;
        assert_eq!(skus().await, "ACB", "round in a circle");
        // What goes frees its value for what comes before it, too.
        let writes = json!([{"create_product": {"product_id": "d", "product": {"sku": "C"}}}, {"delete_product": {"name": b}}]);
        ann.ok(COMMIT, json!({"writes": writes})).await;
        assert_eq!(product(&fixture, "d").await["sku"], "C");
        // Two that want one value are refused as ever, and nothing is left of it.
        for writes in [
            json!([sku("a", "B"), sku("c", "B")]), json!([sku("a", "Z"), sku("c", "Z")]), json!([sku("a", "C"), sku("d", "C")]),
        ] {
            assert_eq!(ann.fault(COMMIT, json!({"writes": writes})).await.reason(), Some(Reason::UniqueViolation), "{writes}");
        }
        assert_eq!((product(&fixture, "a").await["sku"].clone(), product(&fixture, "c").await["sku"].clone()), (json!("A"), json!("B")));
    }

    async fn preconditions_are_what_the_caller_sees(engine: Engine) {
        let fixture = with_products(engine, &[("cup", 5)]).await;
        fixture.user("m", &["merchant"]).ok(COMMIT, json!({"writes": [change("cup", json!({"stock": 6}))]})).await;
        let hidden = json!({"create_product": {"product_id": "hidden", "product": {"secret": true}}});
        fixture.user("m", &["merchant"]).ok(COMMIT, json!({"writes": [hidden]})).await;
        let ann = fixture.user("ann", &[]);
        let etag = product(&fixture, "cup").await["etag"].clone();
        let with = |precondition: Json| json!({"writes": [{"create_order": {}}], "preconditions": [precondition]});
        for held in [
            json!({"name": "products/cup", "exists": true}),
            json!({"name": "products/cup", "etag": etag}),
            json!({"name": "products/none", "exists": false}),
            json!({"name": "products/hidden", "exists": false}),
        ] {
            ann.ok(COMMIT, with(held)).await;
        }
        for (broken, reason) in [
            (json!({"name": "products/none", "exists": true}), Reason::FailedPrecondition),
            (json!({"name": "products/cup", "exists": false}), Reason::FailedPrecondition),
            (json!({"name": "products/cup", "etag": "stale"}), Reason::EtagMismatch),
            (json!({"name": "products/none", "etag": etag}), Reason::FailedPrecondition),
        ] {
            let fault = ann.fault(COMMIT, with(broken)).await;
            assert_eq!((fault.reason(), fault.metadata("element")), (Some(reason), Some("preconditions[0]")));
        }
        let seen = |id: &'static str| {
            let ann = ann.clone();
            async move {
                let fault = ann.fault(COMMIT, with(json!({"name": format!("products/{id}"), "exists": true}))).await;
                let (code, message, _) = on_the_wire(fault);
                (code, message.replace(id, "X"))
            }
        };
        assert_eq!(seen("hidden").await, seen("nobody").await);
        for (wrong, field) in [
            (json!({"name": "products/cup"}), "preconditions[0]"),
            (json!({"name": "cups/cup", "exists": true}), "preconditions[0].name"),
        ] {
            let told = ann.refused(COMMIT, with(wrong)).await;
            assert_eq!(told, (Reason::FieldViolation, vec![field.to_owned()]));
        }
        assert_eq!(orders(&ann).await, 4);
    }

    async fn of_many_who_want_a_name_that_is_free_one_gets_it(engine: Engine) {
        let fixture = Fixture::start(engine, &till()).await;
        let ann = fixture.user("ann", &[]);
        let tries = (0..16).map(|n| {
            let writes = json!([{"create_product": {"product": {"sku": format!("SKU-{n}")}}},
                {"create_product": {"product_id": "one"}}]);
            let free = json!([{"name": "products/one", "exists": false}]);
            ann.call(COMMIT, json!({"writes": writes, "preconditions": free}))
        });
        let outcomes = join_all(tries).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for refused in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(refused.reason(), Some(Reason::FailedPrecondition | Reason::AlreadyExists)), "{refused:?}");
        }
    }

    async fn a_commit_with_a_request_id_is_done_once(engine: Engine) {
        let fixture = with_products(engine, &[("cup", 50)]).await;
        let ann = fixture.user("ann", &[]);
        let writes = json!([
            {"label": "o", "create_order": {"order": {"product": "products/cup"}}},
            {"create_line": {"parent": "$o", "line": {}}},
            transform("cup", &json!([{"field": "stock", "add": -1}])),
            {"delete_order": {"name": "orders/none", "allow_missing": true}},
        ]);
        let request = json!({"request_id": ID, "writes": writes});
        let answers = join_all((0..10).map(|_| ann.call(COMMIT, request.clone()))).await;
        let answers: Vec<Json> = answers.into_iter().map(|answer| answer.unwrap_or_else(|fault| panic!("{fault:?}"))).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "ten equal answers");
        assert_eq!(answers[0]["results"].as_array().unwrap().len(), 4);
        assert_eq!(product(&fixture, "cup").await["stock"], 49);
        let other = json!({"request_id": ID, "writes": [{"create_order": {}}]});
        assert_eq!(ann.refused(COMMIT, other).await.0, Reason::RequestIdReused);
        let dry = json!({"validate_only": true, "writes": [transform("cup", &json!([{"field": "stock", "add": -1}]))]});
        assert_eq!(ann.ok(COMMIT, dry).await["results"][0]["product"]["stock"], 48);
        assert_eq!(product(&fixture, "cup").await["stock"], 49);
    }

    async fn who_may_not_do_a_part_learns_nothing_of_the_rest(engine: Engine) {
        let fixture = with_products(engine, &[("cup", 5)]).await;
        let (nobody, ann) = (fixture.anonymous(), fixture.user("ann", &[]));
        for request in [
            json!({"writes": [{"create_order": {"order": {"note": "far too long for it"}}}]}),
            json!({"writes": [{"label": "NO", "create_order": {}}], "request_id": "a b"}),
            json!({"writes": [{"create_order": {}}, {}, {"create_order": {"request_id": "x"}}]}),
        ] {
            let fault = nobody.fault(COMMIT, request).await;
            assert_eq!((fault.reason(), fault.violations().len()), (Some(Reason::Unauthenticated), 0), "{fault:?}");
        }
        let both = json!([{"create_order": {"order": {"note": "far too long for it"}}}, {"create_order": {"order": {"buyer": "bob"}}}]);
        assert_eq!(ann.refused(COMMIT, json!({"writes": both})).await, (Reason::PermissionDenied, vec![]));
        for (request, field) in [
            (json!({}), "writes"),
            (json!({"writes": [{"create_order": {}}, {}]}), "writes[1]"),
            (json!({"writes": vec![json!({"create_order": {}}); 1_001]}), "writes"),
            (json!({"writes": [{"create_order": {"request_id": ID}}]}), "writes[0].create_order.request_id"),
        ] {
            let told = ann.refused(COMMIT, request).await;
            assert_eq!(told, (Reason::FieldViolation, vec![field.to_owned()]));
        }
        for bytes in [&b"\x0a\x7f"[..], b"\x08\x01", b"\xff"] {
            let fault = ann.raw(COMMIT, bytes.to_vec()).await.unwrap_err();
            assert_eq!(fault.reason(), Some(Reason::MalformedRequest), "{bytes:?}");
        }
        assert_eq!(orders(&ann).await, 0);
    }

    async fn two_hundred_buyers_buy_fifty_units(engine: Engine) {
        let fixture = with_products(engine, &[("cup", 50)]).await;
        let buyers: Vec<_> = (0..200).map(|n| fixture.user(&format!("b{n}"), &[])).collect();
        let buy = json!({"writes": [
            transform("cup", &json!([{"field": "stock", "add": -1}])),
            {"create_order": {"order": {"product": "products/cup"}}},
        ]});
        let outcomes = join_all(buyers.iter().map(|buyer| buyer.call(COMMIT, buy.clone()))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 50);
        for refused in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(refused.reason(), Some(Reason::FieldViolation), "{refused:?}");
            assert_eq!(refused.violations()[0].field, "writes[0].update_product.product.stock");
        }
        assert!(product(&fixture, "cup").await.get("stock").is_none(), "none is left");
        let all = fixture.system().ok("till.v1.OrderService/ListOrders", json!({"page_size": 1000})).await;
        assert_eq!(all["orders"].as_array().unwrap().len(), 50);
    }

    async fn transfers_keep_the_sum(engine: Engine) {
        let fixture = Fixture::start(engine, &till()).await;
        let nobody = fixture.anonymous();
        let accounts: Vec<Json> = (0..8).map(|n| json!({
            "create_account": {"account_id": format!("a{n}"), "account": {"balance": 100}},
        })).collect();
        nobody.ok(COMMIT, json!({"writes": accounts})).await;
        let part = |account: usize, amount: i64| json!({"update_account": {
            "account": {"name": format!("accounts/a{account}")}, "transforms": [{"field": "balance", "add": amount}],
        }});
        let transfers = (0..400).map(|n: usize| {
            let (from, to, amount) = (n * 7 % 8, (n * 7 + 1 + n % 7) % 8, i64::try_from(n % 30).unwrap() + 1);
            nobody.call(COMMIT, json!({"writes": [part(from, -amount), part(to, amount)]}))
        });
        let mut done = 0;
        for outcome in join_all(transfers).await {
            match outcome {
                Ok(_) => done += 1,
                Err(fault) => assert_eq!(fault.reason(), Some(Reason::FieldViolation), "{fault:?}"),
            }
        }
        assert!(done > 0);
        let list = nobody.ok("till.v1.AccountService/ListAccounts", json!({})).await;
        let balances = list["accounts"].as_array().unwrap().iter().filter_map(|account| account["balance"].as_str());
        assert_eq!(balances.map(|balance| balance.parse::<i64>().unwrap()).sum::<i64>(), 800);
        assert_eq!(fixture.data.db().counters().retries, 0, "nobody was in a deadlock");
    }

    async fn transforms_change_what_is_there(engine: Engine) {
        let fixture = with_products(engine, &[("cup", 5)]).await;
        let ann = fixture.user("ann", &[]);
        let update = |transforms: Json| json!({"product": {"name": "products/cup"}, "transforms": transforms});
        let method = "till.v1.ProductService/UpdateProduct";
        let changed = ann.ok(method, update(json!([
            {"field": "stock", "add": 3}, {"field": "stock", "max": 7}, {"field": "stock", "add": "-1"},
            {"field": "weight", "add": 0.5}, {"field": "best", "min": "9007199254740993"},
            {"field": "tags", "append_missing": ["a", "b", "a"]}, {"field": "numbers", "append_missing": [1, "2", 1]},
            {"field": "limits.daily", "add": 10},
        ]))).await;
        assert_eq!((&changed["stock"], &changed["weight"]), (&json!(7), &json!(0.5)));
        assert_eq!(changed["best"], "9007199254740993", "exact, where a double is not");
        assert_eq!((&changed["tags"], &changed["numbers"]), (&json!(["a", "b"]), &json!(["1", "2"])));
        assert_eq!(changed["limits"]["daily"], 10);
        let changed = ann.ok(method, update(json!([
            {"field": "stock", "min": 0}, {"field": "best", "add": 1},
            {"field": "tags", "remove_all": ["a", "x"]}, {"field": "tags", "append_missing": ["b", "c"]},
            {"field": "numbers", "remove_all": [1, 2]},
        ]))).await;
        assert!(changed.get("stock").is_none() && changed.get("numbers").is_none(), "{changed}");
        assert_eq!((&changed["best"], &changed["tags"]), (&json!("9007199254740994"), &json!(["b", "c"])));
        let both = json!({"product": {"name": "products/cup", "stock": 10}, "update_mask": "stock",
            "transforms": [{"field": "stock", "add": 1}]});
        assert_eq!(ann.ok(method, both).await["stock"], 11, "after the value that was sent");
        let new = json!({"product": {"name": "products/new"}, "allow_missing": true, "transforms": [{"field": "stock", "add": 2}]});
        assert_eq!(ann.ok(method, new).await["stock"], 2);
    }

    async fn a_transform_that_cannot_be_is_told_where(engine: Engine) {
        let fixture = with_products(engine, &[("cup", 5)]).await;
        let ann = fixture.user("ann", &[]);
        let method = "till.v1.ProductService/UpdateProduct";
        for (transform, field) in [
            (json!({"field": "stock"}), "transforms[0]"),
            (json!({"field": "nothing", "add": 1}), "transforms[0].field"),
            (json!({"field": "limits", "add": 1}), "transforms[0].field"),
            (json!({"field": "*", "add": 1}), "transforms[0].field"),
            (json!({"add": 1}), "transforms[0].field"),
            (json!({"field": "name", "add": 1}), "transforms[0].field"),
            (json!({"field": "sku", "add": 1}), "transforms[0].add"),
            (json!({"field": "sku", "max": "Z"}), "transforms[0].field"),
            (json!({"field": "secret", "min": true}), "transforms[0].field"),
            (json!({"field": "sold", "add": 1}), "transforms[0].field"),
            (json!({"field": "stock", "add": 1.5}), "transforms[0].add"),
            (json!({"field": "stock", "add": "many"}), "transforms[0].add"),
            (json!({"field": "stock", "add": null}), "transforms[0].add"),
            (json!({"field": "stock", "add": 2_147_483_647}), "transforms[0].add"),
            (json!({"field": "stock", "append_missing": [1]}), "transforms[0].append_missing"),
            (json!({"field": "tags", "append_missing": [1]}), "transforms[0].append_missing"),
            (json!({"field": "tags", "append_missing": ["1", "2", "3", "4"]}), "product.tags"),
            (json!({"field": "stock", "add": -6}), "product.stock"),
        ] {
            let request = json!({"product": {"name": "products/cup"}, "transforms": [transform]});
            let told = ann.refused(method, request).await;
            assert_eq!(told, (Reason::FieldViolation, vec![field.to_owned()]), "{transform}");
        }
        assert_eq!(product(&fixture, "cup").await["stock"], 5);
    }

    async fn a_thousand_additions_at_once_are_a_thousand(engine: Engine) {
        let fixture = with_products(engine, &[("cup", 0)]).await;
        let ann = fixture.user("ann", &[]);
        let add = json!({"product": {"name": "products/cup"}, "transforms": [{"field": "stock", "add": 1}]});
        let all = (0..1_000).map(|_| ann.call("till.v1.ProductService/UpdateProduct", add.clone()));
        join_all(all).await.into_iter().for_each(|outcome| drop(outcome.unwrap_or_else(|fault| panic!("{fault:?}"))));
        assert_eq!(product(&fixture, "cup").await["stock"], 1_000);
    }
}
