//! S10 and S13 of every method that the contract has: requests that the table of methods gives rise to are answered alike in
//! two worlds that differ in what is hidden, show nothing of it, and change nothing of it.

use std::collections::BTreeMap;

use futures_util::future::join;
use futures_util::stream::{self, StreamExt as _};
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::derived::{ETAG, Request, Words, requests};
use crate::relations::method;
use crate::s10_two_worlds::{Place, Worlds, walked};
use crate::support::{Caller, Fixture};

/// What hidden rows hold begins with this, and nothing else does.
const CANARY: &str = "hush";

const WORDS: Words = Words {
    names: &[
        (
            "Store",
            &["stores/own", "stores/main", "stores/dark", "stores/extra", "stores/gone", "stores/none", "no name"],
        ),
        ("Product", &["products/mine", "products/cup", "products/pot", "products/safe", "products/none"]),
        (
            "Line",
            &[
                "products/mine/lines/l1",
                "products/cup/lines/l4",
                "products/pot/lines/l2",
                "products/pot/lines/l3",
                "products/none/lines/l1",
                "products/safe/lines/l5",
            ],
        ),
    ],
    texts: &[
        ("code", &["N1", "M1", "D1"]),
        ("owner", &["dora", "ben"]),
        ("motto", &["loud"]),
        ("cost", &["cheap"]),
        ("city", &["hill"]),
    ],
    ids: &["new", "own", "dark", "NO"],
};

/// Hidden from everybody who is asked for, in both worlds or where they are.
const HIDDEN: [&str; 6] =
    ["stores/dark", "stores/extra", "stores/gone", "products/safe", "products/pot/lines/l2", "products/pot/lines/l3"];

fn vault() -> String {
    file("m.v1", VAULT)
}

const VAULT: &str = r#"
message Store {
  option (google.api.resource) = {type: "m.example.com/Store" pattern: "stores/{store}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.open || resource.owner == auth.uid"
      write: "resource.owner == auth.uid || 'staff' in auth.roles"
    }
    index {fields: "code" unique: true}
    soft_delete: true
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  bool open = 3;
  optional string code = 4;
  string branch_of = 5 [(google.api.resource_reference).type = "m.example.com/Store"];
  optional string motto = 6;
  repeated string tags = 7;
  int32 stock = 8 [(buf.validate.field).int32.gte = 0];
  string etag = 9;
  google.protobuf.Timestamp delete_time = 10;
  string cost = 11 [(mainstay.v1.field) = {read: "resource.owner == auth.uid" aliases: "price"}];
  int64 margin = 12 [(mainstay.v1.field) = {read: "'auditor' in auth.roles" write: "resource.owner == auth.uid"}];
  string supplier = 13 [
    (mainstay.v1.field).read = "resource.owner == auth.uid",
    (google.api.resource_reference).type = "m.example.com/Store"
  ];
  repeated string offers = 14 [(mainstay.v1.field) = {read: "false"}];
  Address address = 15 [(mainstay.v1.field).read = "resource.owner == auth.uid"];
  State state = 16 [(mainstay.v1.states) = {
    initial: "OPEN"
    transition {
      name: "Close" from: "OPEN" to: "CLOSED" access: "resource.owner == auth.uid || 'staff' in auth.roles"
      guard: "!has(resource.branch_of) || resource.branch_of.stock < 6" input: "motto" input: "branch_of"
    }
    transition {name: "Reopen" from: "CLOSED" to: "OPEN" access: "resource.owner == auth.uid"}
  }];
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; CLOSED = 2; }
  repeated string partners = 17 [
    (mainstay.v1.field) = {read: "'auditor' in auth.roles" on_delete: SET_NULL},
    (google.api.resource_reference).type = "m.example.com/Store"
  ];
  string terms = 18 [(mainstay.v1.field).read = "resource.branch_of.owner == auth.uid"];
}
message Address {
  string city = 1;
  int32 floor = 2;
}
message Product {
  option (google.api.resource) = {type: "m.example.com/Product" pattern: "products/{product}"};
  option (mainstay.v1.resource) = {
    access {
      read: "!resource.secret || resource.store.owner == auth.uid"
      create: "resource.store.owner == auth.uid || 'staff' in auth.roles"
      update: "old.store.owner == auth.uid && new.store.owner == auth.uid || 'staff' in auth.roles"
      delete: "resource.store.owner == auth.uid || 'staff' in auth.roles"
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string store = 2 [(google.api.resource_reference).type = "m.example.com/Store"];
  Shipping shipping = 3;
  bool secret = 4;
  int64 sold = 5;
  string etag = 6;
  repeated string stores = 7 [(google.api.resource_reference).type = "m.example.com/Store"];
  repeated Shipping ways = 8;
  string formula = 9 [
    (mainstay.v1.field).read = "resource.store.owner == auth.uid && resource.lines.exists(l, l.text != '')"
  ];
}
message Shipping {
  string depot = 1 [(google.api.resource_reference).type = "m.example.com/Store"];
  int32 days = 2;
}
message Line {
  option (google.api.resource) = {type: "m.example.com/Line" pattern: "products/{product}/lines/{line}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.shown || product.store.owner == auth.uid"
      write: "product.store.owner == auth.uid || 'staff' in auth.roles"
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string text = 2;
  bool shown = 3;
  string depot = 4 [(google.api.resource_reference).type = "m.example.com/Store"];
  string memo = 5 [
    (mainstay.v1.field) = {read: "product.store.owner == auth.uid" write: "product.store.owner == auth.uid"},
    (buf.validate.field).string.max_len = 20
  ];
}
"#;

/// A row, and what it is in either world.
type Sown = (Place<'static>, (Json, Json));

/// The stores, of which what differs is seen by nobody who is asked for.
fn stores() -> Vec<Sown> {
    let same = |body: Json| (body.clone(), body);
    vec![
        // What differs of it are fields that none of the callers sees.
        (
            ("Store", "", "main"),
            (
                json!({
                    "owner": "ann", "open": true, "code": "M1", "stock": 5, "tags": ["a"], "cost": "hush-10", "margin": 31,
                    "supplier": "stores/main", "partners": ["stores/main"], "offers": ["hush-11"], "address": {"city": "hush-12", "floor": 3},
                    "terms": "hush-16"
                }),
                json!({
                    "owner": "ann", "open": true, "code": "M1", "stock": 5, "tags": ["a"], "cost": "hush-13", "margin": 37, "partners": [],
                    "offers": ["hush-14", "hush-15"], "address": {"floor": 4}, "terms": "hush-17"
                }),
            ),
        ),
        (("Store", "", "own"), same(json!({"owner": "dora", "code": "O1", "stock": 3}))),
        (
            ("Store", "", "dark"),
            (
                json!({"owner": "ben", "code": "D1", "motto": "hush-1", "branch_of": "stores/main", "tags": ["hush-2"], "stock": 7}),
                json!({"owner": "eve", "code": "D1", "motto": "hush-3", "stock": 9}),
            ),
        ),
        (("Store", "", "extra"), (json!({"owner": "ben", "motto": "hush-4"}), Json::Null)),
        (
            ("Store", "", "gone"),
            (json!({"owner": "ben", "motto": "hush-5"}), json!({"owner": "eve", "motto": "hush-6"})),
        ),
    ]
}

/// The products, and the lines below them.
fn products() -> Vec<Sown> {
    let same = |body: Json| (body.clone(), body);
    let shipping = json!({"depot": "stores/own", "days": 2});
    vec![
        // Of these the fields that other rows decide about differ.
        (
            ("Product", "", "cup"),
            (
                json!({"store": "stores/main", "shipping": shipping, "formula": "hush-18"}),
                json!({"store": "stores/main", "shipping": shipping}),
            ),
        ),
        (
            ("Product", "", "mine"),
            same(
                json!({"store": "stores/own", "stores": ["stores/own", "stores/dark"], "ways": [{"depot": "stores/dark"}]}),
            ),
        ),
        (("Product", "", "pot"), same(json!({"store": "stores/dark"}))),
        (
            ("Product", "", "safe"),
            (
                json!({"store": "stores/dark", "secret": true, "sold": 5, "stores": ["stores/main"]}),
                json!({"store": "stores/main", "secret": true, "sold": 6, "ways": [{"depot": "stores/main"}]}),
            ),
        ),
        (("Product", "", "book"), same(json!({}))),
        (("Line", "products/mine", "l1"), same(json!({"text": "t"}))),
        (
            ("Line", "products/cup", "l4"),
            (
                json!({"text": "t", "shown": true, "memo": "hush-19"}),
                json!({"text": "t", "shown": true, "memo": "hush-20"}),
            ),
        ),
        (
            ("Line", "products/pot", "l2"),
            (json!({"text": "hush-7"}), json!({"text": "hush-8", "depot": "stores/main"})),
        ),
        (("Line", "products/pot", "l3"), (json!({"text": "hush-9"}), Json::Null)),
        // What lies below is seen, and what is above is not.
        (
            ("Line", "products/safe", "l5"),
            (json!({"text": "t", "shown": true, "memo": "hush-21"}), json!({"text": "t", "shown": true})),
        ),
    ]
}

async fn vaults(engine: Engine) -> Worlds {
    let rows = stores().into_iter().chain(products());
    let rows: Vec<_> = rows.map(|(place, (one, other))| (place, one, other)).collect();
    let worlds = Worlds::of(engine, &vault(), &rows).await;
    worlds.one.system().ok(&method("Delete", "Store"), json!({"name": "stores/gone"})).await;
    worlds
}

fn derived(worlds: &Worlds, dry: bool) -> Vec<Request> {
    let world = &worlds.one;
    requests(&world.data.reconciler().served().load().contract, &world.pool(), &WORDS, dry)
}

/// Says that a request tells of a hidden row by design: who may make a row learns that its name is taken (AIP-133).
fn tells_by_design(message: &Json) -> bool {
    match message {
        Json::Object(fields) => {
            let makes = fields.get("allow_missing") == Some(&json!(true)) && fields.get("name").is_none();
            let text = message.to_string();
            let tells = |name: &&str| text.contains(&format!("/{name}\""));
            makes && ["extra", "l3"].iter().any(tells) || fields.values().any(tells_by_design)
        }
        Json::Array(elements) => elements.iter().any(tells_by_design),
        _ => false,
    }
}

/// The rows as the system sees them, by their names.
async fn rows(world: &Fixture) -> BTreeMap<String, Json> {
    let system = world.system();
    let mut rows = BTreeMap::new();
    for (message, names) in WORDS.names {
        for name in *names {
            if let Ok(row) = system.call(&method("Get", message), json!({"name": name})).await {
                rows.insert((*name).to_owned(), row);
            }
        }
    }
    rows
}

/// Puts the etags of rows in their places.
fn with_etags(message: &Json, rows: &BTreeMap<String, Json>) -> Json {
    let mut message = message.clone();
    put_etags(&mut message, rows);
    message
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

/// Asks in both worlds, and checks that what comes back is the same and shows nothing.
async fn agree(callers: [&Caller<'_>; 2], rows: [&BTreeMap<String, Json>; 2], request: &Request) {
    let messages = rows.map(|rows| with_etags(&request.message, rows));
    let seen =
        join(walked(callers[0], &request.method, &messages[0]), walked(callers[1], &request.method, &messages[1]));
    let (one, other) = seen.await;
    assert_eq!(one, other, "{} {}", request.method, request.message);
    let text = format!("{one:?}");
    assert!(!text.contains(CANARY), "{} {}: {text}", request.method, request.message);
}

fn callers(world: &Fixture) -> [Caller<'_>; 3] {
    [world.anonymous(), world.user("dora", &[]), world.user("stan", &["staff"])]
}

both_engines! {
    async fn s10_every_method_answers_alike_whatever_is_hidden(engine: Engine) {
        let worlds = vaults(engine).await;
        let dry = derived(&worlds, true);
        let (first, second) = (rows(&worlds.one).await, rows(&worlds.other).await);
        for (one, other) in callers(&worlds.one).iter().zip(&callers(&worlds.other)) {
            let harmless = dry.iter().filter(|request| request.is_dry && !tells_by_design(&request.message));
            stream::iter(harmless)
                .for_each_concurrent(8, |request| agree([one, other], [&first, &second], request))
                .await;
        }
        assert_eq!([rows(&worlds.one).await, rows(&worlds.other).await], [first, second], "nothing was done");
    }

    async fn s12_who_may_not_write_is_told_so_and_nothing_of_what_is_wrong(engine: Engine) {
        let worlds = vaults(engine).await;
        let (first, nobody) = (rows(&worlds.one).await, worlds.one.anonymous());
        let dry = derived(&worlds, true);
        let writes = dry.iter().filter(|request| request.message.get("validate_only") == Some(&json!(true)));
        let mut asked = 0;
        for request in writes {
            let fault = nobody.fault(&request.method, with_etags(&request.message, &first)).await;
            let told = (fault.reason(), fault.violations().len());
            assert_eq!(told, (Some(Reason::Unauthenticated), 0), "{} {}", request.method, request.message);
            asked += 1;
        }
        assert!(asked > 500, "only {asked} writes were tried");
    }

    async fn s13_no_method_changes_or_shows_what_is_somebody_elses(engine: Engine) {
        let worlds = vaults(engine).await;
        let before = [rows(&worlds.one).await, rows(&worlds.other).await];
        let (one, other) = (worlds.one.user("dora", &[]), worlds.other.user("dora", &[]));
        for request in derived(&worlds, false).iter().filter(|it| !tells_by_design(&it.message)) {
            agree([&one, &other], [&before[0], &before[1]], request).await;
        }
        let after = [rows(&worlds.one).await, rows(&worlds.other).await];
        for (before, after) in before.iter().zip(&after) {
            for name in HIDDEN.iter().chain(&["stores/main", "products/cup", "products/pot"]) {
                assert_eq!(before.get(*name), after.get(*name), "{name}");
            }
        }
        assert_ne!(before[0].get("stores/own"), after[0].get("stores/own"), "dora's own is hers to change");
    }
}
