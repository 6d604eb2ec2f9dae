//! Get, List, Create, Update, Delete of the sample shop.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::support::Fixture;

const GET: &str = "shop.v1.ProductService/GetProduct";
const LIST: &str = "shop.v1.ProductService/ListProducts";
const CREATE: &str = "shop.v1.ProductService/CreateProduct";
const UPDATE: &str = "shop.v1.ProductService/UpdateProduct";
const DELETE: &str = "shop.v1.ProductService/DeleteProduct";

both_engines! {
    async fn what_was_created_can_be_read_changed_and_deleted(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let product = json!({
            "sku": "CUP-1", "title": "Cup", "stock": 3, "category": "kitchen",
            "price": {"currency_code": "EUR", "units": "5", "nanos": 500_000_000},
        });
        let made = merchant.ok(CREATE, json!({"product_id": "cup", "product": product})).await;
        assert_eq!(made["name"], "products/cup");
        assert_eq!(made["price"]["units"], "5");
        let read = fixture.anonymous().ok(GET, json!({"name": "products/cup"})).await;
        assert_eq!(read, made, "what Create answers is what Get answers");
        assert_eq!(fixture.anonymous().ok(LIST, json!({})).await["products"], json!([made]), "and List, too");
        let change = json!({"product": {"name": "products/cup", "title": "Mug"}, "update_mask": "title"});
        let changed = merchant.ok(UPDATE, change).await;
        assert_eq!((&changed["title"], &changed["sku"], &changed["stock"]), (&json!("Mug"), &json!("CUP-1"), &json!(3)));
        assert_ne!(changed["etag"], made["etag"]);
        assert!(changed["update_time"].as_str() > made["update_time"].as_str());
        assert_eq!(changed["create_time"], made["create_time"]);
        merchant.ok(DELETE, json!({"name": "products/cup", "etag": changed["etag"]})).await;
        let (reason, _) = fixture.anonymous().refused(GET, json!({"name": "products/cup"})).await;
        assert_eq!(reason, Reason::ResourceNotFound);
    }
}
