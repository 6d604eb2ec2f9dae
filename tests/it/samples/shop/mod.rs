//! The shop, as its customers, its merchants and those who wish it ill use it.

mod buying;
mod catalogue;
mod paying;
mod reviewing;
mod stock;

use mainstay_testkit::Engine;
use mainstay_testkit::http::{Answer, Http};
use mainstay_testkit::server::Launch;
use serde_json::{Value, json};

use crate::support::{Folder, System};

/// The white cup, which costs 5.50 and was bought for 2.
const WHITE: &str = "products/cup/variants/white";

/// A shop that sells white cups.
struct Shop {
    system: System,
    merchant: Http,
}

impl Shop {
    /// With so many of them.
    async fn with_cups(engine: Engine, cups: i64) -> Shop {
        Shop::with(engine, Folder::of("shop"), cups).await
    }

    /// With a contract that was changed.
    async fn with(engine: Engine, folder: Folder, cups: i64) -> Shop {
        // More customers come from one address than usual.
        let change = |launch: Launch| launch.environment("MAINSTAY__AUTH__LIMITS__SIGN_UP_BURST", "1000");
        let system = System::one_with(engine, folder, change).await;
        let merchant = system.user_with_role("merchant@example.org", "merchant").await;
        let shop = Shop { system, merchant };
        shop.make("categories?categoryId=kitchen", json!({"title": {"en": "Kitchen"}})).await;
        shop.make("products?productId=cup", json!({"title": "Cup", "category": "categories/kitchen"})).await;
        shop.variant("cup", "white", &json!({"sku": "CUP-1", "onHand": cups, "cost": euros(2, 0)})).await;
        does(&shop.merchant, "products/cup", "publish", json!({})).await.ok();
        shop
    }

    /// The merchant makes something.
    async fn make(&self, collection: &str, what: Value) -> Value {
        self.merchant.post(&format!("/shop/v1/{collection}"), what).await.ok()
    }

    /// A variant at 5.50, unless it is said otherwise.
    async fn variant(&self, product: &str, id: &str, what: &Value) -> String {
        let mut variant = json!({"price": euros(5, 50)});
        for (key, value) in what.as_object().into_iter().flatten() {
            variant[key] = value.clone();
        }
        named(&self.make(&format!("products/{product}/variants?variantId={id}"), variant).await)
    }

    async fn customer(&self, name: &str) -> Http {
        self.system.user(&format!("{name}@example.org")).await
    }

    async fn staff(&self, role: &str) -> Http {
        self.system.user_with_role(&format!("{role}@example.org"), role).await
    }

    /// How many white cups there are, how many are reserved, and how many can be ordered.
    async fn cups(&self) -> [i64; 3] {
        stock(&get(&self.merchant, WHITE).await.ok())
    }
}

fn euros(units: i64, cents: i64) -> Value {
    let mut money = json!({"currencyCode": "EUR"});
    if units != 0 {
        money["units"] = json!(units.to_string());
    }
    if cents != 0 {
        money["nanos"] = json!(cents * 10_000_000);
    }
    money
}

fn stock(variant: &Value) -> [i64; 3] {
    ["onHand", "reserved", "available"].map(|field| variant[field].as_i64().unwrap_or(0))
}

fn named(row: &Value) -> String {
    row["name"].as_str().expect("a name").to_owned()
}

fn lines(lines: &[(&str, i64)]) -> Value {
    lines.iter().map(|(variant, quantity)| json!({"variant": variant, "quantity": quantity})).collect()
}

async fn get(who: &Http, name: &str) -> Answer {
    who.get(&format!("/shop/v1/{name}")).await
}

async fn does(who: &Http, name: &str, transition: &str, with: Value) -> Answer {
    who.post(&format!("/shop/v1/{name}:{transition}"), with).await
}

/// A cart with this in it.
async fn cart(who: &Http, wanted: &[(&str, i64)]) -> String {
    named(&who.post("/shop/v1/orders", json!({"lines": lines(wanted)})).await.ok())
}

/// An order of this.
async fn placed(who: &Http, wanted: &[(&str, i64)]) -> String {
    let order = cart(who, wanted).await;
    does(who, &order, "place", json!({})).await.ok();
    order
}

/// What is to be paid for an order is paid, and the provider calls it so.
async fn pay(payments: &Http, buyer: &Http, order: &str, provider_id: &str) -> Answer {
    let total = get(buyer, order).await.ok()["total"].clone();
    told(payments, order, json!({"providerId": provider_id, "amount": total, "outcome": "CAPTURED"})).await
}

/// What the provider says of an order is written down.
async fn told(payments: &Http, order: &str, payment: Value) -> Answer {
    payments.post(&format!("/shop/v1/{order}/payments"), payment).await
}

/// The names of what a list finds.
async fn list(who: &Http, collection: &str) -> Vec<String> {
    let answer = get(who, collection).await.ok();
    let last = collection.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    answer[last].as_array().map(|rows| rows.iter().map(named).collect()).unwrap_or_default()
}
