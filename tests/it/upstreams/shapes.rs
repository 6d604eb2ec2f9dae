//! Every shape of method, over every protocol that has it.

use mainstay_testkit::tools::Grpcurl;
use serde_json::{Value, json};

use super::python::{Catalogue, Language};

const SERVICE: &str = "catalog.v1.PricingService";

async fn every_shape(catalogue: Catalogue) {
    let grpc = catalogue.system.grpc().with_token(catalogue.merchant.token());
    over_grpc(&grpc);
    over_sse(&catalogue).await;
    over_ndjson(&catalogue).await;
    over_connect(&catalogue).await;
    let file = catalogue.system.http().get("/catalog/v1/rates.csv").await;
    assert_eq!((file.status, file.text().as_str()), (200, "rate,percent\nmargin,50\n"));
    assert_eq!(file.headers["content-type"], "text/csv");
    // Reflection shows it like every other service.
    assert!(grpc.list().contains(&SERVICE.to_owned()));
    assert!(grpc.describe(&format!("{SERVICE}.Haggle")).contains("stream .catalog.v1.Price"));
}

#[tokio::test]
async fn one_process_on_sqlite() {
    every_shape(Catalogue::one().await).await;
}

#[tokio::test]
async fn a_service_in_rust() {
    every_shape(Catalogue::priced_by(Language::Rust).await).await;
}

#[tokio::test]
async fn three_processes_on_postgres() {
    every_shape(Catalogue::three().await).await;
}

fn over_grpc(grpc: &Grpcurl) {
    let call = |method: &str, requests: &[Value]| grpc.converse(&format!("{SERVICE}/{method}"), requests);
    let price = call("PriceProduct", &[json!({"name": "products/cup"})]);
    assert_eq!(price, Ok(vec![json!({"product": "products/cup", "cents": "600", "pieces": 1})]));
    let missing = call("PriceProduct", &[json!({"name": "products/nowhere"})]).expect_err("it is refused");
    assert_eq!(missing.code, "NotFound");
    let watched = call("WatchPrices", &[json!({"name": "products/cup"})]).expect("it is answered");
    let cents: Vec<&str> = watched.iter().filter_map(|price| price["cents"].as_str()).collect();
    assert_eq!(cents, ["600", "1200", "1800"]);
    let offers: Vec<Value> = (1..=100).map(|cents| json!({"cents": cents})).collect();
    assert_eq!(call("AddUp", &offers), Ok(vec![json!({"cents": "5050", "pieces": 100})]));
    let answers = call("Haggle", &[json!({"cents": 100}), json!({"cents": 1000})]).expect("it is answered");
    assert_eq!(answers, [json!({"cents": "90"}), json!({"cents": "900"})]);
}

async fn over_sse(catalogue: &Catalogue) {
    let stream = catalogue.merchant.with_header("accept", "text/event-stream");
    let mut events =
        stream.open(http::Method::GET, "/catalog/v1/products/cup:watchPrices", None).await.expect("it is answered");
    for cents in ["600", "1200", "1800"] {
        let line = events.line("data:").await;
        assert!(line.contains(&format!(r#""cents":"{cents}""#)), "{line}");
    }
    // Before the first message, the status is the answer's.
    let refused = stream.get("/catalog/v1/products/nowhere:watchPrices").await;
    refused.refusal(404, "NOT_FOUND");
}

async fn over_ndjson(catalogue: &Catalogue) {
    let stream = catalogue.merchant.with_header("accept", "application/x-ndjson");
    let answer = stream.get("/catalog/v1/products/cup:watchPrices").await;
    assert_eq!((answer.status, answer.text().lines().count()), (200, 3), "{}", answer.text());
}

async fn over_connect(catalogue: &Catalogue) {
    let price = catalogue.merchant.post(&format!("/{SERVICE}/PriceProduct"), json!({"name": "products/cup"})).await;
    assert_eq!(price.ok()["cents"], "600");
    let message = "%7B%22name%22%3A%22products%2Fcup%22%7D";
    let path = format!("/{SERVICE}/PriceProduct?connect=v1&encoding=json&message={message}");
    assert_eq!(catalogue.merchant.get(&path).await.ok()["cents"], "600", "it says that it changes nothing");
}
