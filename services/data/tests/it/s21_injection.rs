//! No text of a client becomes part of a statement.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::file;
use crate::support::Fixture;

const CREATE: &str = "shop.v1.ProductService/CreateProduct";
const GET: &str = "shop.v1.ProductService/GetProduct";
const UPDATE: &str = "shop.v1.ProductService/UpdateProduct";
const LIST: &str = "shop.v1.ProductService/ListProducts";

const NASTY: [&str; 14] = [
    "'",
    "\"",
    "';--",
    "' OR '1'='1",
    "\" OR \"1\"=\"1",
    "x'); DROP TABLE shop_v1_product; --",
    "$1",
    "?1",
    ":a",
    "@a",
    "\\",
    "%",
    "_%_",
    "/* */",
];

both_engines! {
    async fn values_come_back_as_they_were(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        for (n, text) in NASTY.iter().enumerate() {
            let product = json!({"sku": format!("SKU-{n}"), "title": text, "category": text});
            let made = merchant.ok(CREATE, json!({"product": product})).await;
            assert_eq!(made["title"], *text);
            if text.contains('*') {
                continue; // a wildcard, also inside quotes (AIP-160)
            }
            let quoted = json!(text).to_string();
            for filter in [format!("title = {quoted}"), format!("category = {quoted} AND title = {quoted}")] {
                let found = merchant.ok(LIST, json!({"filter": filter})).await;
                assert_eq!(found["products"].as_array().unwrap().len(), 1, "{filter}");
            }
            let none = merchant.ok(LIST, json!({"filter": format!("title = {}", json!(format!("{text}x")))})).await;
            assert_eq!(none, json!({}));
        }
        assert_eq!(merchant.ok(LIST, json!({"page_size": 100})).await["products"].as_array().unwrap().len(), NASTY.len());
    }

    async fn names_orders_masks_and_tokens_are_refused_not_run(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        merchant.ok(CREATE, json!({"product_id": "cup", "product": {"sku": "CUP"}})).await;
        for text in NASTY {
            let order = merchant.refused(LIST, json!({"order_by": format!("title{text}")})).await.0;
            assert_eq!(order, Reason::InvalidOrderBy, "{text}");
            let order = merchant.refused(LIST, json!({"order_by": text})).await.0;
            assert_eq!(order, Reason::InvalidOrderBy, "{text}");
            let token = merchant.refused(LIST, json!({"page_token": text})).await.0;
            assert_eq!(token, Reason::InvalidPageToken, "{text}");
            let id = merchant.refused(CREATE, json!({"product_id": text, "product": {"sku": "MUG"}})).await.0;
            assert_eq!(id, Reason::InvalidName, "{text}");
            let name = merchant.refused(GET, json!({"name": format!("products/{text}")})).await.0;
            assert!(matches!(name, Reason::ResourceNotFound | Reason::InvalidName), "{text}: {name:?}");
            let masked = merchant.with_read_mask(text).refused(GET, json!({"name": "products/cup"})).await.0;
            assert_eq!(masked, Reason::InvalidMask, "{text}");
            let update = json!({"product": {"name": "products/cup", "etag": text}, "update_mask": "title"});
            assert_eq!(merchant.refused(UPDATE, update).await.0, Reason::EtagMismatch, "{text}");
            let reused = json!({"product_id": format!("p{}", text.len()), "request_id": text, "product": {"sku": "NEW"}});
            let _ = merchant.call(CREATE, reused).await;
        }
        for name in ["_id", "_revision", "title; DROP TABLE x", "title\"", "t.title", "shop_v1_product.title", "rowid", "ctid"] {
            let by_name = merchant.refused(LIST, json!({"order_by": name})).await.0;
            assert_eq!(by_name, Reason::InvalidOrderBy, "only what the contract names has a name: {name}");
            let by_name = merchant.refused(LIST, json!({"filter": format!("{name} = 1")})).await.0;
            assert_eq!(by_name, Reason::InvalidFilter, "{name}");
        }
        merchant.ok(GET, json!({"name": "products/cup"})).await;
    }

    async fn a_contract_may_name_its_fields_like_words_of_sql(engine: Engine) {
        let contract = file("select.v1", r#"
message Table {
  option (google.api.resource) = {type: "select.example.com/Table" pattern: "tables/{table}"};
  option (mainstay.v1.resource) = {access {read: "resource.order != 'x'" write: "true"} index {fields: "group" fields: "order desc"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string order = 2;
  string group = 3;
  int32 select = 4;
  string where = 5;
  string user = 6;
  string rowid = 7;
  string oid = 8;
  string ctid = 9;
  string xmin = 10;
  string t = 11;
}
"#);
        let fixture = Fixture::start(engine, &contract).await;
        let table = json!({
            "order": "o", "group": "g", "select": 1, "where": "w", "user": "u", "rowid": "r", "oid": "i", "ctid": "c",
            "xmin": "x", "t": "t",
        });
        let anonymous = fixture.anonymous();
        let mut made = anonymous.ok("select.v1.TableService/CreateTable", json!({"table_id": "a", "table": table})).await;
        let request = json!({"filter": "rowid = r AND order = o AND ctid = c", "order_by": "group, order desc, oid, xmin, rowid, t"});
        let listed = anonymous.ok("select.v1.TableService/ListTables", request).await;
        assert_eq!(listed["tables"][0], made);
        made.as_object_mut().unwrap().remove("name");
        assert_eq!(made, table);
    }
}
