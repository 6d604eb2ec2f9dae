//! Etags (AIP-154).

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::support::Fixture;

const CREATE: &str = "shop.v1.ProductService/CreateProduct";
const GET: &str = "shop.v1.ProductService/GetProduct";
const UPDATE: &str = "shop.v1.ProductService/UpdateProduct";
const DELETE: &str = "shop.v1.ProductService/DeleteProduct";

both_engines! {
    async fn every_accepted_write_changes_the_etag(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let mut seen = vec![];
        let made = merchant.ok(CREATE, json!({"product_id": "cup", "product": {"sku": "CUP"}})).await;
        seen.push(made["etag"].clone());
        for title in ["A", "A", "B"] {
            let request = json!({"product": {"name": "products/cup", "title": title}, "update_mask": "title"});
            let changed = merchant.ok(UPDATE, request).await;
            assert!(!seen.contains(&changed["etag"]), "{changed} after {seen:?}");
            seen.push(changed["etag"].clone());
        }
        let read = merchant.ok(GET, json!({"name": "products/cup"})).await;
        assert_eq!(Some(&read["etag"]), seen.last());
    }

    async fn a_stale_etag_aborts_and_changes_nothing(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let made = merchant.ok(CREATE, json!({"product_id": "cup", "product": {"sku": "CUP", "title": "A"}})).await;
        let change = |etag: &serde_json::Value| {
            json!({"product": {"name": "products/cup", "title": "B", "etag": etag}, "update_mask": "title"})
        };
        merchant.ok(UPDATE, change(&made["etag"])).await;
        for etag in [made["etag"].clone(), json!("nonsense"), json!("\"quoted\"")] {
            assert_eq!(merchant.refused(UPDATE, change(&etag)).await.0, Reason::EtagMismatch);
            let request = json!({"name": "products/cup", "etag": etag});
            assert_eq!(merchant.refused(DELETE, request).await.0, Reason::EtagMismatch);
        }
        assert_eq!(merchant.ok(GET, json!({"name": "products/cup"})).await["title"], "B");
        merchant.ok(DELETE, json!({"name": "products/cup", "etag": ""})).await;
    }

    async fn an_etag_is_that_of_no_missing_row(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let product = json!({"name": "products/none", "sku": "CUP", "etag": "0123456789abcdef"});
        let update = json!({"product": product, "allow_missing": true});
        let delete = json!({"name": "products/none", "etag": "0123456789abcdef", "allow_missing": true});
        for (method, request) in [("UpdateProduct", &update), ("DeleteProduct", &delete)] {
            let fault = merchant.fault(&format!("shop.v1.ProductService/{method}"), request.clone()).await;
            assert_eq!(fault.reason(), Some(Reason::EtagMismatch), "{method}: {fault:?}");
        }
        let batch = json!({"requests": [update]});
        let fault = merchant.fault("shop.v1.ProductService/BatchUpdateProducts", batch).await;
        assert_eq!((fault.reason(), fault.metadata("element")), (Some(Reason::EtagMismatch), Some("requests[0]")));
        let without = json!({"name": "products/none", "allow_missing": true});
        merchant.ok("shop.v1.ProductService/DeleteProduct", without).await;
    }

    async fn a_recreated_row_never_has_a_former_etag(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let request = json!({"product_id": "cup", "product": {"sku": "CUP"}});
        let first = merchant.ok(CREATE, request.clone()).await;
        merchant.ok(DELETE, json!({"name": "products/cup"})).await;
        let second = merchant.ok(CREATE, request).await;
        assert_ne!(first["etag"], second["etag"]);
    }

    async fn of_two_writers_with_one_etag_one_wins(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let made = merchant.ok(CREATE, json!({"product_id": "cup", "product": {"sku": "CUP"}})).await;
        let writers = (0..20).map(|n| {
            let product = json!({"name": "products/cup", "title": format!("T{n}"), "etag": made["etag"]});
            merchant.call(UPDATE, json!({"product": product, "update_mask": "title"}))
        });
        let answers = futures_util::future::join_all(writers).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for fault in answers.into_iter().filter_map(Result::err) {
            assert_eq!(fault.reason(), Some(Reason::EtagMismatch));
        }
    }
}
