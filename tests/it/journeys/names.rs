//! Every name of a field, in everything that names fields: bodies, masks, wanted fields, filters, orders.

use mainstay_testkit::http::Http;
use serde_json::{Value, json};

use crate::support::{Folder, System};

const FILE: &str = "place/v1/place.proto";

const CONTRACT: &str = r#"syntax = "proto3";

package place.v1;

import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

message Place {
  option (google.api.resource) = {type: "place.example.org/Place" pattern: "places/{place}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};

  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string address_line_1 = 2;
  int64 list_price = 3 [(mainstay.v1.field) = {aliases: "unit_price"}];
  string web = 4 [json_name = "URL", (mainstay.v1.field) = {aliases: "home_page" aliases: "site"}];
  Home home = 5 [(mainstay.v1.field) = {aliases: "old_home"}];
  repeated Home homes = 6;
  map<string, Home> by_key = 7;
  Tree family_tree = 8;

  message Home {
    string post_code_2 = 1 [(mainstay.v1.field) = {aliases: "zip_code"}];
    string town = 2;
  }
  message Tree {
    string the_label = 1 [(mainstay.v1.field) = {aliases: "old_label"}];
    Tree only_child = 2;
  }
}
"#;

/// The names of each field: the contract's first.
const ADDRESS: &[&str] = &["address_line_1", "addressLine1"];
const PRICE: &[&str] = &["list_price", "listPrice", "unit_price", "unitPrice"];
const WEB: &[&str] = &["web", "URL", "home_page", "homePage", "site"];
const HOME: &[&str] = &["home", "old_home", "oldHome"];
const CODE: &[&str] = &["post_code_2", "postCode2", "zip_code", "zipCode"];
const LABEL: &[&str] = &["the_label", "theLabel", "old_label", "oldLabel"];

mainstay_testkit::both_engines! {
    async fn every_name_of_a_field_names_it_everywhere_on_one_process(engine: Engine) {
        Box::pin(journey(System::one(engine, Folder::with(FILE, CONTRACT)).await)).await;
    }

    async fn every_name_of_a_field_names_it_everywhere_on_three_processes(engine: Engine) {
        Box::pin(journey(System::three(engine, Folder::with(FILE, CONTRACT)).await)).await;
    }
}

async fn journey(system: System) {
    let http = system.http();
    bodies(&http).await;
    masks_of_updates(&http).await;
    masks_over_grpc(&system, &http).await;
    wanted_fields(&http).await;
    filters_and_orders(&http).await;
    what_names_nothing(&http).await;
}

/// A place with one of the names of each field, and what it is answered as.
fn place(pick: usize) -> (Value, Value) {
    let of = |names: &[&'static str]| names[pick % names.len()];
    let home = json!({of(CODE): "2", "town": "T"});
    let sent = json!({
        of(ADDRESS): "A", of(PRICE): "7", of(WEB): "W", of(HOME): home, "homes": [home], "by_key": {"k": home},
        "familyTree": {of(LABEL): "L", "only_child": {of(LABEL): "M"}},
    });
    let home = json!({"postCode2": "2", "town": "T"});
    let answered = json!({
        "addressLine1": "A", "listPrice": "7", "URL": "W", "home": home, "homes": [home], "byKey": {"k": home},
        "familyTree": {"theLabel": "L", "onlyChild": {"theLabel": "M"}},
    });
    (sent, answered)
}

async fn bodies(http: &Http) {
    for pick in 0..5 {
        let (sent, mut answered) = place(pick);
        let made = http.post(&format!("/place/v1/places?placeId=p-{pick}"), sent.clone()).await.ok();
        answered["name"] = json!(format!("places/p-{pick}"));
        assert_eq!(made, answered, "{sent}");
        http.patch(&format!("/place/v1/places/p-{pick}"), json!({"listPrice": "8", "home": {"postCode2": "3"}}))
            .await
            .ok();
        let changed = http.patch(&format!("/place/v1/places/p-{pick}"), sent.clone()).await.ok();
        assert_eq!(changed, answered, "{sent}");
    }
    let twice = http.post("/place/v1/places", json!({"unitPrice": "1", "list_price": "1"})).await;
    assert!(
        twice.refusal(400, "INVALID_ARGUMENT").to_string().contains("list_price"),
        "one field, whatever it is called"
    );
}

async fn masks_of_updates(http: &Http) {
    let path = "/place/v1/places/p-0";
    let whole = http.get(path).await.ok();
    let other = json!({
        "addressLine1": "B", "listPrice": "9", "URL": "V", "home": {"postCode2": "4", "town": "U"},
        "familyTree": {"theLabel": "N"},
    });
    let homes = HOME.iter().flat_map(|home| CODE.iter().map(move |code| format!("{home}.{code}")));
    let flat = [(ADDRESS, "/addressLine1"), (PRICE, "/listPrice"), (WEB, "/URL"), (HOME, "/home")];
    let flat = flat.into_iter().flat_map(|(names, at)| names.iter().map(move |name| ((*name).to_owned(), at)));
    let cases: Vec<(String, &str)> = flat.chain(homes.map(|path| (path, "/home/postCode2"))).collect();
    for (mask, at) in cases {
        for parameter in ["updateMask", "update_mask"] {
            let changed = http.patch(&format!("{path}?{parameter}={mask}"), other.clone()).await.ok();
            let mut expected = whole.clone();
            *expected.pointer_mut(at).expect("it is there") = other.pointer(at).expect("it is there").clone();
            assert_eq!(changed, expected, "{parameter}={mask}");
            http.patch(path, whole.clone()).await.ok();
        }
    }
    let both = http.patch(&format!("{path}?updateMask=unitPrice,oldHome.zip_code"), other.clone()).await.ok();
    assert_eq!((&both["listPrice"], &both["home"]), (&json!("9"), &json!({"postCode2": "4", "town": "T"})));
    http.patch(path, whole).await.ok();
}

async fn masks_over_grpc(system: &System, http: &Http) {
    let whole = http.get("/place/v1/places/p-0").await.ok();
    let update = |mask: Value| {
        let place = json!({"name": "places/p-0", "addressLine1": "B", "listPrice": "9", "URL": "V", "home": {"postCode2": "4"}});
        system.grpc().call("place.v1.PlaceService/UpdatePlace", &json!({"place": place, "update_mask": mask}))
    };
    for (names, at, value) in [(ADDRESS, "addressLine1", "B"), (PRICE, "listPrice", "9"), (WEB, "URL", "V")] {
        for name in names {
            let changed = update(json!({"paths": [name]})).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
            let mut expected = whole.clone();
            expected[at] = json!(value);
            assert_eq!(changed, expected, "{name}");
            http.patch("/place/v1/places/p-0", whole.clone()).await.ok();
        }
    }
    // As libraries send the JSON `addressLine1`, knowing nothing of the message.
    let changed = update(json!({"paths": ["address_line1", "home.post_code2"]})).expect("it names fields");
    assert_eq!((&changed["addressLine1"], &changed["home"]["postCode2"]), (&json!("B"), &json!("4")));
    http.patch("/place/v1/places/p-0", whole).await.ok();
}

async fn wanted_fields(http: &Http) {
    let path = "/place/v1/places/p-0";
    let inner = |outer: &str, names: &[&str]| names.iter().map(|name| format!("{outer}.{name}")).collect::<Vec<_>>();
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let cases = [
        (own(ADDRESS), json!({"addressLine1": "A"})),
        (own(PRICE), json!({"listPrice": "7"})),
        (own(WEB), json!({"URL": "W"})),
        (inner("oldHome", CODE), json!({"home": {"postCode2": "2"}})),
        (inner("homes", CODE), json!({"homes": [{"postCode2": "2"}]})),
        (inner("family_tree", LABEL), json!({"familyTree": {"theLabel": "L"}})),
        (inner("familyTree.onlyChild", LABEL), json!({"familyTree": {"onlyChild": {"theLabel": "M"}}})),
        (vec!["byKey".to_owned(), "by_key".to_owned()], json!({"byKey": {"k": {"postCode2": "2", "town": "T"}}})),
    ];
    for (masks, expected) in cases {
        for mask in masks {
            assert_eq!(http.get(&format!("{path}?$fields={mask}")).await.ok(), expected, "{mask}");
            let header = http.with_header("x-goog-fieldmask", &mask);
            assert_eq!(header.get(path).await.ok(), expected, "{mask}");
            let list = header_of_list(http, &mask).await;
            assert_eq!(list["places"][0], expected, "{mask}");
        }
    }
}

async fn header_of_list(http: &Http, mask: &str) -> Value {
    let header = http.with_header("x-goog-fieldmask", &format!("places.{mask}"));
    header.get("/place/v1/places?pageSize=1").await.ok()
}

async fn filters_and_orders(http: &Http) {
    let other = json!({"addressLine1": "Z", "listPrice": "1", "URL": "Z", "home": {"postCode2": "Z"}});
    http.post("/place/v1/places?placeId=z", other).await.ok();
    let filters = ADDRESS.iter().map(|name| format!("{name}=\"Z\""));
    let filters = filters.chain(PRICE.iter().map(|name| format!("{name}<2")));
    let filters = filters.chain(WEB.iter().map(|name| format!("{name}:Z")));
    let filters = filters.chain(HOME.iter().flat_map(|home| CODE.iter().map(move |code| format!("{home}.{code}=Z"))));
    let filters = filters.chain(CODE.iter().map(|code| format!("NOT homes.{code}:2")));
    let filters = filters
        .chain(LABEL.iter().map(|label| format!("NOT familyTree:* AND -family_tree.{label}:L OR NOT family_tree:*")));
    for filter in filters {
        let page = http.get(&format!("/place/v1/places?filter={}", encoded(&filter))).await.ok();
        let names: Vec<&Value> = page["places"].as_array().into_iter().flatten().map(|place| &place["name"]).collect();
        assert_eq!(names, ["places/z"], "{filter}");
    }
    for code in CODE {
        let filter = encoded(&format!("byKey.k.{code}=2 AND by_key.k.{code}:*"));
        let page = http.get(&format!("/place/v1/places?filter={filter}")).await.ok();
        assert_eq!(page["places"].as_array().map(Vec::len), Some(5), "{code}");
    }
    let homes = HOME.iter().flat_map(|home| CODE.iter().map(move |code| format!("{home}.{code}")));
    let own = [ADDRESS, PRICE, WEB].concat();
    for name in own.iter().map(|name| (*name).to_owned()).chain(homes) {
        for parameter in ["orderBy", "order_by"] {
            let first = |page: Value| page["places"][0]["name"].clone();
            let page = http.get(&format!("/place/v1/places?{parameter}={name}&pageSize=1")).await.ok();
            let last = http.get(&format!("/place/v1/places?{parameter}={name}%20desc&pageSize=1")).await.ok();
            assert_ne!(first(page), first(last), "{name}");
        }
    }
}

async fn what_names_nothing(http: &Http) {
    for name in ["AddressLine1", "addressline1", "Unit_Price", "unitprice", "url", "Web", "zipCode", "home_Page"] {
        let body = http.post("/place/v1/places", json!({name: "1"})).await.refusal(400, "INVALID_ARGUMENT");
        assert!(body.to_string().contains("UNKNOWN_FIELD"), "{name}: {body}");
        for query in ["$fields", "filter", "orderBy"] {
            let value = if query == "filter" { format!("{name}%3D1") } else { name.to_owned() };
            http.get(&format!("/place/v1/places?{query}={value}")).await.refusal(400, "INVALID_ARGUMENT");
        }
        let mask = format!("/place/v1/places/p-0?updateMask={name}");
        let refused = http.patch(&mask, json!({"URL": "x"})).await.refusal(400, "INVALID_ARGUMENT");
        assert!(refused.to_string().contains(name), "as the client wrote it: {refused}");
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
