//! Clients that are pages in a browser.

use mainstay_testkit::server::free_port;
use serde_json::json;

use super::journey::{Shop, assert_seen};

async fn pages_see_the_shop(shop: Shop) {
    let clients = [
        "connect-web connect, protobuf",
        "connect-web connect, JSON",
        "connect-web connect, GET",
        "connect-web gRPC-Web",
        "grpc-web text",
        "grpc-web binary",
    ];
    assert_seen(&shop.workshop.page("page", shop.page), &clients);
}

#[tokio::test]
async fn pages_see_one_process_on_sqlite() {
    pages_see_the_shop(Shop::one().await).await;
}

#[tokio::test]
async fn pages_see_three_processes_on_postgres() {
    pages_see_the_shop(Shop::three().await).await;
}

#[tokio::test]
async fn a_page_of_a_named_origin_calls_and_one_of_another_origin_does_not() {
    let shop = Shop::one().await;
    let seen = shop.workshop.page("rest", shop.page);
    let nobody = json!({"status": 401, "reason": "UNAUTHENTICATED"});
    let expected = json!({
        "cup": "Coffee cup", "review": 4, "changed": 5, "gone": 200, "nobody": nobody, "requestId": true,
    });
    assert_eq!(seen, [expected]);

    let seen = shop.workshop.page("foreign", free_port());
    // What a browser sends without asking is sent; nothing comes of it.
    assert_eq!(
        seen,
        [json!({"read": "kept", "readAsUser": "kept", "write": "kept", "socket": "kept", "signUp": "told"})]
    );
    let reviews = shop.system.http().get("/shop/v1/reviews").await.ok();
    assert_eq!(reviews, json!({}), "nothing was written");
    let mallory = json!({"email": "mallory@example.org", "password": crate::support::PASSWORD});
    let answer = shop.system.http().post("/auth/v1/sessions:signIn", mallory).await;
    assert_eq!(answer.status, 401, "no account was made");
}
