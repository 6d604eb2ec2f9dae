//! How many there are: whatever happens at once, no piece is sold twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use mainstay_testkit::both_engines;
use mainstay_testkit::http::{Answer, Http};
use mainstay_testkit::wait::until;
use serde_json::{Value, json};

use super::{Shop, WHITE, cart, does, euros, get, lines, pay, placed, stock};
use crate::support::Folder;

/// Customers with one cart each, which all place at the same moment. Gives what they were told.
async fn all_place(shop: &Shop, customers: usize, order: impl Fn(usize) -> Value) -> Vec<Answer> {
    let mut carts = Vec::with_capacity(customers);
    for number in 0..customers {
        let who = shop.customer(&format!("c{number}")).await;
        let made = who.post(&format!("/shop/v1/orders?orderId=c{number}"), order(number)).await;
        made.ok();
        carts.push(who);
    }
    let place = carts
        .iter()
        .enumerate()
        .map(|(number, who)| async move { does(who, &format!("orders/c{number}"), "place", json!({})).await });
    join_all(place).await
}

/// Looks at the stock again and again until it is told to stop.
async fn watch(who: Http, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let [on_hand, reserved, available] = stock(&get(&who, WHITE).await.ok());
        assert!(0 <= reserved && reserved <= on_hand && available == on_hand - reserved, "{reserved} of {on_hand}");
    }
}

both_engines! {
    async fn j3_two_hundred_buyers_want_fifty_pieces_and_fifty_are_reserved(engine: Engine) {
        let shop = Shop::with_cups(engine, 50).await;
        let stop = Arc::new(AtomicBool::new(false));
        let watched = tokio::spawn(watch(shop.system.http(), Arc::clone(&stop)));
        // Every fourth wants two, in two lines.
        let wants = |number: usize| if number.is_multiple_of(4) { vec![(WHITE, 1), (WHITE, 1)] } else { vec![(WHITE, 1)] };
        let told = all_place(&shop, 200, |number| json!({"lines": lines(&wants(number))})).await;
        stop.store(true, Ordering::Relaxed);
        watched.await.expect("nobody saw anything wrong");
        let mut sold = 0;
        for (number, answer) in told.iter().enumerate() {
            if answer.status == 200 {
                sold += wants(number).len();
                continue;
            }
            let refused = answer.refusal(400, "FAILED_PRECONDITION").to_string();
            assert!(refused.contains("EFFECT_REFUSED"), "{refused}");
            assert!(refused.contains("order.lines[0].variant") || refused.contains("order.lines[1].variant"), "{refused}");
        }
        assert_eq!((sold, shop.cups().await), (50, [50, 50, 0]));
    }

    async fn j7_a_coupon_is_used_as_often_as_it_may_be(engine: Engine) {
        let shop = Shop::with_cups(engine, 500).await;
        let coupon = json!({"percent": 10, "maxUses": 20, "endTime": "2100-01-01T00:00:00Z"});
        shop.make("coupons?couponId=spring", coupon).await;
        let order = |_| json!({"lines": lines(&[(WHITE, 1)]), "coupon": "coupons/spring"});
        let told = all_place(&shop, 40, order).await;
        let mut states: BTreeMap<u16, usize> = BTreeMap::new();
        for answer in &told {
            *states.entry(answer.status).or_default() += 1;
        }
        assert_eq!(states, BTreeMap::from([(200, 20), (400, 20)]));
        for refused in told.iter().filter(|answer| answer.status == 400) {
            let refused = refused.refusal(400, "FAILED_PRECONDITION").to_string();
            assert!(refused.contains("order.coupon") && !refused.contains("used"), "{refused}");
        }
        let uses = || async { get(&shop.merchant, "coupons/spring").await.ok()["uses"].clone() };
        assert_eq!((uses().await, shop.cups().await), (json!(20), [500, 20, 480]));
        let used = told.iter().position(|answer| answer.status == 200).expect("somebody used it");
        let order = told[used].ok();
        assert_eq!((&order["discountPercent"], &order["total"]), (&json!(10), &euros(4, 95)));
        // Who does not buy gives it back, and another may have it.
        let who = shop.system.sign_in(&format!("c{used}@example.org")).await;
        does(&who, &format!("orders/c{used}"), "cancel", json!({})).await.ok();
        assert_eq!(uses().await, json!(19));
        let late = told.iter().position(|answer| answer.status == 400).expect("somebody did not");
        let who = shop.system.sign_in(&format!("c{late}@example.org")).await;
        does(&who, &format!("orders/c{late}"), "place", json!({})).await.ok();
        assert_eq!(uses().await, json!(20));
    }

    async fn no_way_leads_below_nothing(engine: Engine) {
        let shop = Shop::with_cups(engine, 5).await;
        let (ann, merchant) = (shop.customer("ann").await, &shop.merchant);
        // More than there is, in one line, in several, and beside something of which there is enough.
        let blue = shop.variant("cup", "blue", &json!({"sku": "CUP-2", "onHand": 100})).await;
        let order = cart(&ann, &[]).await;
        for (wanted, line) in [
            (vec![(WHITE, 6)], 0),
            (vec![(WHITE, 3), (WHITE, 3)], 1),
            (vec![(blue.as_str(), 7), (WHITE, 1000)], 1),
            (vec![(WHITE, 1); 6], 5),
        ] {
            ann.patch(&format!("/shop/v1/{order}"), json!({"lines": lines(&wanted)})).await.ok();
            let refused = does(&ann, &order, "place", json!({})).await.refusal(400, "FAILED_PRECONDITION").to_string();
            assert!(refused.contains(&format!("order.lines[{line}].variant")), "{wanted:?}: {refused}");
        }
        assert_eq!(stock(&get(merchant, &blue).await.ok()), [100, 0, 100], "all of it or nothing");
        ann.delete(&format!("/shop/v1/{order}")).await.ok();

        placed(&ann, &[(WHITE, 4)]).await;
        // Merchants do not say how many are reserved, nor that there are fewer.
        let path = format!("/shop/v1/{WHITE}");
        merchant.patch(&path, json!({"reserved": 0, "available": 5})).await;
        merchant.patch(&path, json!({"onHand": 3})).await.refusal(400, "INVALID_ARGUMENT");
        merchant.patch(&path, json!({"onHand": -1})).await.refusal(400, "INVALID_ARGUMENT");
        let fewer = |field: &str, add: i64| json!({"writes": [{"updateVariant": {
            "variant": {"name": WHITE}, "transforms": [{"field": field, "add": add}],
        }}]});
        for (field, add) in [("on_hand", -2), ("reserved", -4), ("available", 9), ("on_hand", -6)] {
            let told = merchant.post("/shop/v1:commit", fewer(field, add)).await;
            assert!(matches!(told.status, 400 | 403), "{field}: {}", told.text());
        }
        assert_eq!(shop.cups().await, [5, 4, 1]);
        merchant.post("/shop/v1:commit", fewer("on_hand", 10)).await.ok();
        assert_eq!(shop.cups().await, [15, 4, 11]);
    }

    async fn what_comes_to_nothing_comes_back_once(engine: Engine) {
        let shop = Shop::with_cups(engine, 5).await;
        let (ann, support) = (shop.customer("ann").await, shop.staff("support").await);
        let order = placed(&ann, &[(WHITE, 2), (WHITE, 2)]).await;
        assert_eq!(shop.cups().await, [5, 4, 1]);
        let (one, other) = tokio::join!(does(&ann, &order, "cancel", json!({})), does(&support, &order, "cancel", json!({})));
        let mut states = [one.status, other.status];
        states.sort_unstable();
        assert_eq!(states, [200, 400], "{} {}", one.text(), other.text());
        assert_eq!(shop.cups().await, [5, 0, 5]);
        // Nobody says that the time is over.
        let order = placed(&ann, &[(WHITE, 1)]).await;
        does(&support, &order, "expire", json!({})).await.refusal(403, "PERMISSION_DENIED");
        assert_eq!(shop.cups().await, [5, 1, 4]);
    }

    async fn j5_what_is_not_paid_in_time_comes_back_by_itself_and_once(engine: Engine) {
        let folder = Folder::of("shop");
        folder.change("v1/order.proto", "duration('15m')", "duration('5s')");
        let shop = Shop::with(engine, folder, 5).await;
        let (ann, payments) = (shop.customer("ann").await, shop.staff("payments").await);
        let paid = placed(&ann, &[(WHITE, 1)]).await;
        pay(&payments, &ann, &paid, "p-1").await.ok();
        let order = placed(&ann, &[(WHITE, 1), (WHITE, 2)]).await;
        assert_eq!(shop.cups().await, [4, 3, 1]);
        let over = until("the order expires", || async {
            let order = get(&ann, &order).await.ok();
            (order["state"] == "EXPIRED").then_some(order)
        });
        assert!(over.await["total"].is_object());
        assert_eq!(shop.cups().await, [4, 0, 4]);
        // It is too late, and what was in time stays.
        does(&ann, &order, "cancel", json!({})).await.refusal(400, "FAILED_PRECONDITION");
        pay(&payments, &ann, &order, "p-2").await.ok();
        assert_eq!(get(&ann, &order).await.ok()["state"], "EXPIRED");
        assert_eq!(get(&ann, &paid).await.ok()["state"], "PAID");
        let past = get(&ann, &format!("{order}:listTransitions")).await.ok();
        let names: Vec<&Value> = past["transitions"].as_array().into_iter().flatten().map(|one| &one["transition"]).collect();
        assert_eq!(names, ["Expire", "Place"]);
        assert_eq!(shop.cups().await, [4, 0, 4]);
    }
}
