//! Calls that come inside of a request.

use crate::desk::{bench, get};
use serde_json::{Value, json};

/// S16: what comes in one request is let in, limited and counted as what it is.
#[tokio::test]
async fn s16_each_call_inside_of_a_request_passes_every_layer() {
    let bench = bench(8);
    let paths = "/t.S/Open /t.S/Admins /t.S/Panic /t.S/Nowhere /t.S/Open";
    let ends = bench.json(get("/t.S/Inside").header("inside", paths).header("x-request-id", "quiet")).await;
    assert_eq!(ends, json!([200, 401, 500, 404, 200]));
    for (route, status, count) in
        [("/t.S/Inside", 200, 1), ("/t.S/Open", 200, 2), ("/t.S/Admins", 401, 1), ("/t.S/Panic", 500, 1)]
    {
        assert_eq!(bench.count(route, status), count, "{route}");
    }
}

/// Whoever brings many calls has no more of them let through, nor more places.
#[tokio::test]
async fn s16_calls_inside_of_a_request_are_limited_as_others_are() {
    let inside = |places: usize, id: &'static str| async move {
        let bench = bench(places);
        let request = get("/t.S/Inside").header("inside", "/t.S/Open /t.S/Open").header("x-request-id", id);
        let answer = bench.send(request).await;
        (answer.status().as_u16(), serde_json::from_slice::<Value>(answer.body()).unwrap())
    };
    assert_eq!(inside(1, "quiet").await, (200, json!([503, 503])));
    assert_eq!(inside(2, "quiet").await, (200, json!([200, 200])));
    assert_eq!(inside(2, "loud").await, (200, json!([429, 429])), "each of them is one too many");
}
