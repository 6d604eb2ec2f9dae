//! A client of server-sent events.

use serde_json::json;

use super::journey::Shop;

async fn events_follow_the_contract(mut shop: Shop) {
    let mut events = shop.workshop.follow("events");
    assert_eq!(events.report(), json!({"refused": 401}), "nobody follows it");
    assert_eq!(events.report(), json!({"revision": "1", "lastEventId": "1"}));
    let field = |name: &str, number: u32| format!("string category = 6;\n  string {name} = {number};");
    shop.system.folder.change("v1/product.proto", "string category = 6;", &field("colour", 10));
    assert_eq!(events.report(), json!({"revision": "2", "lastEventId": "2"}));
    // It comes back by itself, and goes on where it was.
    shop.system.gateway.kill().await;
    shop.system.gateway.restart().await;
    shop.system.folder.change("v1/product.proto", "string category = 6;", &field("material", 11));
    assert_eq!(events.report(), json!({"revision": "3", "lastEventId": "3"}));
}

#[tokio::test]
async fn events_follow_one_process_on_sqlite() {
    events_follow_the_contract(Shop::one().await).await;
}

#[tokio::test]
async fn events_follow_three_processes_on_postgres() {
    events_follow_the_contract(Shop::three().await).await;
}
