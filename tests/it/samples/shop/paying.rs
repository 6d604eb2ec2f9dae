//! What the payment provider says, and what becomes of it.

use mainstay_testkit::both_engines;
use serde_json::{Value, json};

use super::{Shop, WHITE, does, euros, get, list, pay, placed, told};

both_engines! {
    async fn j6_a_payment_that_is_told_five_times_and_out_of_order_pays_once(engine: Engine) {
        let shop = Shop::with_cups(engine, 5).await;
        let (ann, payments) = (shop.customer("ann").await, shop.staff("payments").await);
        let order = placed(&ann, &[(WHITE, 2)]).await;
        let payment = |id: &str, outcome: &str| json!({"providerId": id, "amount": euros(11, 0), "outcome": outcome});
        let captured = || told(&payments, &order, payment("p-2", "CAPTURED"));
        let (a, b, c, d, e) = tokio::join!(captured(), captured(), captured(), captured(), captured());
        let mut states = [a, b, c, d, e].map(|answer| answer.status);
        states.sort_unstable();
        assert_eq!(states, [200, 409, 409, 409, 409]);
        // It was declined at first, which is heard of last.
        told(&payments, &order, payment("p-1", "DECLINED")).await.ok();
        told(&payments, &order, payment("p-1", "DECLINED")).await.refusal(409, "ALREADY_EXISTS");
        assert_eq!(get(&ann, &order).await.ok()["state"], "PAID");
        assert_eq!(shop.cups().await, [3, 0, 3]);
        assert_eq!(list(&ann, &format!("{order}/payments")).await.len(), 2);
        let past = get(&ann, &format!("{order}:listTransitions")).await.ok();
        let names: Vec<&Value> = past["transitions"].as_array().into_iter().flatten().map(|one| &one["transition"]).collect();
        assert_eq!(names, ["Pay", "Place"]);
    }

    async fn nobody_pays_by_saying_so(engine: Engine) {
        let shop = Shop::with_cups(engine, 5).await;
        let (ann, payments) = (shop.customer("ann").await, shop.staff("payments").await);
        let order = placed(&ann, &[(WHITE, 2)]).await;
        let said = json!({"providerId": "mine", "amount": euros(11, 0), "outcome": "CAPTURED"});
        told(&ann, &order, said).await.refusal(403, "PERMISSION_DENIED");
        for who in [&ann, &payments] {
            assert!(matches!(does(who, &order, "pay", json!({})).await.status, 403 | 404));
        }
        // Too little, in another currency, and what did not come are written down, and pay nothing.
        let dollars = json!({"currencyCode": "USD", "units": "11"});
        for (id, amount, outcome) in
            [("p-1", euros(10, 99), "CAPTURED"), ("p-2", euros(11, 0), "DECLINED"), ("p-3", dollars, "CAPTURED")]
        {
            told(&payments, &order, json!({"providerId": id, "amount": amount, "outcome": outcome})).await.ok();
        }
        assert_eq!((get(&ann, &order).await.ok()["state"].clone(), shop.cups().await), (json!("PLACED"), [5, 2, 3]));
        pay(&payments, &ann, &order, "p-4").await.ok();
        // What is paid is sent, by whoever sends.
        let warehouse = shop.staff("warehouse").await;
        does(&ann, &order, "ship", json!({"tracking": "mine"})).await.refusal(403, "PERMISSION_DENIED");
        assert_eq!(list(&warehouse, "orders").await, [order.as_str()]);
        let sent = does(&warehouse, &order, "ship", json!({"tracking": "1Z999"})).await.ok();
        assert_eq!((&sent["state"], &sent["tracking"]), (&json!("SHIPPED"), &json!("1Z999")));
        does(&ann, &order, "cancel", json!({})).await.refusal(400, "FAILED_PRECONDITION");
        assert_eq!(shop.cups().await, [3, 0, 3]);
        // What is paid too late is written down, and nothing is sold by that.
        let order = placed(&ann, &[(WHITE, 1)]).await;
        does(&ann, &order, "cancel", json!({})).await.ok();
        pay(&payments, &ann, &order, "p-5").await.ok();
        assert_eq!((get(&ann, &order).await.ok()["state"].clone(), shop.cups().await), (json!("CANCELLED"), [3, 0, 3]));
    }
}

#[test]
#[ignore = "waits for (mainstay.v1.webhook)"]
fn j6_the_providers_webhook_with_a_bad_signature_is_refused() {}
