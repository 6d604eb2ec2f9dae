use futures_util::StreamExt as _;
use mainstay_runtime::{Health, Readiness, Shutdown};
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{self, NotServing, ServiceUnknown, Serving};
use tonic_health::pb::health_client::HealthClient;

/// A client in this process, without a port.
fn client(
    health: &Health,
) -> HealthClient<tonic_health::pb::health_server::HealthServer<mainstay_runtime::health::Rpc>> {
    HealthClient::new(health.service())
}

fn ask(service: &str) -> Request<HealthCheckRequest> {
    Request::new(HealthCheckRequest { service: service.to_owned() })
}

async fn check(health: &Health, service: &str) -> Result<ServingStatus, Code> {
    let answer = client(health).check(ask(service)).await.map_err(|status| status.code())?;
    Ok(answer.into_inner().status())
}

#[tokio::test]
async fn names_come_and_go_at_run_time() {
    let health = Health::new(Shutdown::new());
    assert_eq!(check(&health, "shop.v1.ProductService").await, Err(Code::NotFound));
    health.replace(["shop.v1.ProductService", "shop.v1.OrderService"]);
    assert_eq!(check(&health, "shop.v1.ProductService").await, Ok(Serving));
    health.set("shop.v1.ProductService", false);
    assert_eq!(check(&health, "shop.v1.ProductService").await, Ok(NotServing));
    health.replace(["shop.v1.OrderService"]);
    assert_eq!(check(&health, "shop.v1.ProductService").await, Err(Code::NotFound));
    health.remove("shop.v1.OrderService");
    assert_eq!(check(&health, "shop.v1.OrderService").await, Err(Code::NotFound));
    assert_eq!(check(&health, "").await, Ok(NotServing), "the whole server stays known");
}

#[tokio::test]
async fn a_watch_sees_every_change_and_ends_with_the_server() {
    let shutdown = Shutdown::new();
    let health = Health::new(shutdown.clone());
    let mut watch = client(&health).watch(ask("shop.v1.ProductService")).await.unwrap().into_inner();
    let mut expect = async |status| {
        assert_eq!(watch.next().await.unwrap().unwrap().status(), status);
    };
    expect(ServiceUnknown).await;
    health.set("shop.v1.ProductService", true);
    expect(Serving).await;
    health.set("another", true);
    health.set("shop.v1.ProductService", false);
    expect(NotServing).await;
    health.remove("shop.v1.ProductService");
    expect(ServiceUnknown).await;
    shutdown.begin();
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn the_whole_server_answers_when_every_check_is_ready() {
    let shutdown = Shutdown::new();
    let health = Health::new(shutdown.clone());
    let readiness = Readiness::new(health.clone(), shutdown.clone());
    assert!(readiness.is_ready(), "nothing is needed");
    let (database, contract) = (readiness.check("database"), readiness.check("contract"));
    assert_eq!(check(&health, "").await, Ok(NotServing));
    database.ready();
    assert!(!readiness.is_ready());
    contract.ready();
    assert_eq!(check(&health, "").await, Ok(Serving));
    database.not_ready("the connection was refused");
    assert_eq!(check(&health, "").await, Ok(NotServing));
    let report = readiness.report();
    assert_eq!(report[0], ("contract".to_owned(), None));
    assert_eq!(report[1], ("database".to_owned(), Some("the connection was refused".to_owned())));
    database.ready();
    shutdown.begin();
    assert!(!readiness.is_ready(), "a server that ends should get no more requests");
}
