use crate::desk::{bench, get};
use mainstay_layers::MAX_REQUEST_ID_BYTES;

#[tokio::test]
async fn a_callers_id_is_taken_over_and_given_back() {
    let bench = bench(10);
    let response = bench.send(get("/t.S/Open").header("x-request-id", "order-42")).await;
    assert_eq!(response.headers()["x-request-id"], "order-42");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(response.body()).unwrap()["request_id"], "order-42");
}

#[tokio::test]
async fn an_id_that_could_harm_a_log_is_replaced() {
    let bench = bench(10);
    for bad in ["", "a b", "a\"b", "<x>", &"x".repeat(MAX_REQUEST_ID_BYTES + 1)] {
        let response = bench.send(get("/t.S/Open").header("x-request-id", bad)).await;
        assert_ne!(response.headers()["x-request-id"], bad);
    }
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own_refusals_too() {
    let bench = bench(10);
    let first = bench.send(get("/t.S/Open")).await.headers()["x-request-id"].clone();
    let second = bench.send(get("/nowhere")).await.headers()["x-request-id"].clone();
    assert_ne!(first, second);
}
