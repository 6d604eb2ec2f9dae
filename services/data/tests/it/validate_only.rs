//! Trying without doing (AIP-163).

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::support::Fixture;

const CREATE: &str = "shop.v1.ProductService/CreateProduct";
const GET: &str = "shop.v1.ProductService/GetProduct";
const UPDATE: &str = "shop.v1.ProductService/UpdateProduct";
const DELETE: &str = "shop.v1.ProductService/DeleteProduct";
const LIST: &str = "shop.v1.ProductService/ListProducts";

fn dry(request: &Json) -> Json {
    let mut request = request.clone();
    request["validate_only"] = json!(true);
    request
}

both_engines! {
    async fn a_trial_answers_and_stores_nothing(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let create = json!({"product_id": "cup", "product": {"sku": "CUP", "title": "A"}});
        let tried = merchant.ok(CREATE, dry(&create)).await;
        assert_eq!((&tried["name"], &tried["title"]), (&json!("products/cup"), &json!("A")));
        assert_eq!(merchant.ok(LIST, json!({})).await, json!({}));
        let made = merchant.ok(CREATE, create).await;
        let update = json!({"product": {"name": "products/cup", "title": "B"}, "update_mask": "title"});
        assert_eq!(merchant.ok(UPDATE, dry(&update)).await["title"], "B");
        merchant.ok(DELETE, dry(&json!({"name": "products/cup"}))).await;
        assert_eq!(merchant.ok(GET, json!({"name": "products/cup"})).await, made, "as it was, etag and all");
    }

    async fn a_trial_fails_exactly_where_the_call_would(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        merchant.ok(CREATE, json!({"product_id": "cup", "product": {"sku": "CUP"}})).await;
        let review = json!({"review": {"product": "products/cup", "stars": 3}});
        fixture.user("r", &[]).ok("shop.v1.ReviewService/CreateReview", review).await;
        let cases = [
            (CREATE, json!({"product_id": "cup", "product": {"sku": "MUG"}}), Reason::AlreadyExists),
            (CREATE, json!({"product": {"sku": "CUP"}}), Reason::UniqueViolation),
            (CREATE, json!({"product": {"sku": "no"}}), Reason::FieldViolation),
            (CREATE, json!({"product_id": "A", "product": {"sku": "MUG"}}), Reason::InvalidName),
            (UPDATE, json!({"product": {"name": "products/none", "title": "A"}}), Reason::ResourceNotFound),
            (UPDATE, json!({"product": {"name": "products/cup", "etag": "x", "title": "A"}}), Reason::EtagMismatch),
            (UPDATE, json!({"product": {"name": "products/cup", "stock": -1}}), Reason::FieldViolation),
            (DELETE, json!({"name": "products/none"}), Reason::ResourceNotFound),
            (DELETE, json!({"name": "products/cup"}), Reason::StillReferenced),
        ];
        for (method, request, reason) in cases {
            assert_eq!(merchant.refused(method, dry(&request)).await.0, reason, "{method} {request}, tried");
            assert_eq!(merchant.refused(method, request.clone()).await.0, reason, "{method} {request}");
        }
        let nobody = fixture.anonymous();
        let create = json!({"product": {"sku": "MUG"}});
        assert_eq!(nobody.refused(CREATE, dry(&create)).await.0, Reason::Unauthenticated);
    }

    async fn a_trial_does_not_use_up_its_request_id(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        let request = json!({"product_id": "cup", "product": {"sku": "CUP"}, "request_id": "r1"});
        merchant.ok(CREATE, dry(&request)).await;
        let made = merchant.ok(CREATE, request.clone()).await;
        assert_eq!(merchant.ok(CREATE, dry(&request)).await, made, "the real call would be replayed");
    }
}
