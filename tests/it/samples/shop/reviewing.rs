//! What buyers think.

use futures_util::future::join_all;
use mainstay_testkit::both_engines;
use mainstay_testkit::http::{Answer, Http};
use serde_json::{Value, json};

use super::{Shop, WHITE, cart, does, get, named, pay, placed};

async fn review(who: &Http, stars: i64) -> Answer {
    who.post("/shop/v1/products/cup/reviews", json!({"stars": stars, "text": "Holds coffee."})).await
}

/// How many reviews the cup has, how many stars all together, and on average.
fn counted(product: &Value) -> [i64; 3] {
    ["reviewCount", "starCount", "rating"].map(|field| product[field].as_i64().unwrap_or(0))
}

both_engines! {
    async fn j9_only_who_bought_it_and_was_sent_it_reviews_it_once(engine: Engine) {
        let shop = Shop::with_cups(engine, 50).await;
        let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
        let (payments, warehouse) = (shop.staff("payments").await, shop.staff("warehouse").await);
        shop.make("products?productId=pot", json!({"title": "Pot"})).await;
        does(&shop.merchant, "products/pot", "publish", json!({})).await.ok();
        let red = shop.variant("pot", "red", &json!({"sku": "POT-1", "onHand": 10})).await;
        // Bob bought a pot, and no cup.
        let order = placed(&bob, &[(&red, 1)]).await;
        pay(&payments, &bob, &order, "p-0").await.ok();
        does(&warehouse, &order, "ship", json!({})).await.ok();
        // Not from what lies in a cart, was placed or was paid.
        let refused = |answer: Answer| answer.refusal(403, "PERMISSION_DENIED");
        let order = cart(&ann, &[(WHITE, 1)]).await;
        refused(review(&ann, 5).await);
        does(&ann, &order, "place", json!({})).await.ok();
        refused(review(&ann, 5).await);
        pay(&payments, &ann, &order, "p-1").await.ok();
        refused(review(&ann, 5).await);
        does(&warehouse, &order, "ship", json!({})).await.ok();
        let made = review(&ann, 4).await.ok();
        for who in [&bob, &shop.merchant, &payments] {
            refused(review(who, 1).await);
        }
        shop.system.http().post("/shop/v1/products/cup/reviews", json!({"stars": 1})).await.refusal(401, "UNAUTHENTICATED");
        refused(ann.post("/shop/v1/products/pot/reviews", json!({"stars": 1})).await);
        review(&ann, 1).await.refusal(409, "ALREADY_EXISTS");
        // In nobody else's name, and no other's.
        let author = made["author"].clone();
        refused(bob.post("/shop/v1/products/cup/reviews", json!({"stars": 1, "author": author})).await);
        let path = format!("/shop/v1/{}", named(&made));
        refused(bob.patch(&path, json!({"stars": 1})).await);
        refused(bob.delete(&path).await);
        for stars in [0, 6, -1] {
            ann.patch(&path, json!({"stars": stars})).await.refusal(400, "INVALID_ARGUMENT");
        }
        assert_eq!(counted(&get(&bob, "products/cup").await.ok()), [1, 4, 400]);
        // Nobody counts by hand.
        shop.merchant.patch("/shop/v1/products/cup", json!({"rating": 500, "reviewCount": 9, "starCount": 45, "title": "C"})).await;
        assert_eq!(counted(&get(&bob, "products/cup").await.ok()), [1, 4, 400]);
        ann.patch(&path, json!({"stars": 1})).await.ok();
        assert_eq!(counted(&get(&bob, "products/cup").await.ok()), [1, 1, 100]);
        ann.delete(&path).await.ok();
        assert_eq!(counted(&get(&bob, "products/cup").await.ok()), [0, 0, 0]);
    }

    async fn j9_a_rating_is_exact_whatever_happens_at_once(engine: Engine) {
        let shop = Shop::with_cups(engine, 50).await;
        let (payments, warehouse) = (shop.staff("payments").await, shop.staff("warehouse").await);
        let mut buyers = Vec::new();
        for number in 0..12 {
            let who = shop.customer(&format!("r{number}")).await;
            let order = placed(&who, &[(WHITE, 1)]).await;
            pay(&payments, &who, &order, &order).await.ok();
            does(&warehouse, &order, "ship", json!({})).await.ok();
            buyers.push(who);
        }
        let made = join_all(buyers.iter().zip(0..).map(|(who, number)| review(who, 1 + number % 5))).await;
        let names: Vec<String> = made.iter().map(|answer| named(&answer.ok())).collect();
        // 1 2 3 4 5 1 2 3 4 5 1 2
        assert_eq!(counted(&get(&shop.merchant, "products/cup").await.ok()), [12, 33, 275]);
        // A third changes its mind, and a third takes it back.
        let other = buyers.iter().zip(&names).enumerate().map(|(number, (who, name))| async move {
            let path = format!("/shop/v1/{name}");
            match number % 3 {
                0 => who.patch(&path, json!({"stars": 5})).await.ok(),
                1 => who.delete(&path).await.ok(),
                _ => get(who, name).await.ok(),
            }
        });
        join_all(other).await;
        // 5 - 3 5 - 1 5 - 4 5 - 2
        assert_eq!(counted(&get(&shop.merchant, "products/cup").await.ok()), [8, 30, 375]);
    }
}
