//! Three processes on PostgreSQL under load, one of which is away at a time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mainstay_testkit::cluster::Cluster;
use mainstay_testkit::http::{Answer, Http};
use mainstay_testkit::server::Launch;
use mainstay_testkit::tools::curl;
use mainstay_testkit::wait::until;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Folder, PASSWORD, System};

mod each_process_and_the_database_may_be_away_for_a_while {
    use super::*;

    #[tokio::test]
    async fn on_postgres() {
        let cluster = Cluster::with(&["auth", "data", "gateway"]).await;
        let folder = Folder::shop();
        let mut base = Launch::new(folder.path());
        for (section, database) in [("AUTH", "auth"), ("DATA", "data"), ("GATEWAY", "gateway")] {
            base = base.environment(format!("MAINSTAY__{section}__DATABASE_URL"), cluster.url(database));
        }
        let mut system = System::three_from(base, folder).await;
        let merchant = system.user_with_role("merchant@example.org", "merchant").await;
        merchant.post("/shop/v1/products?productId=cup", json!({"sku": "KIT-100"})).await.ok();
        let load = Load::start(&merchant);
        load.goes_well().await;

        data_is_away(&mut system, &merchant, &load).await;
        auth_is_away(&mut system, &merchant, &load).await;
        gateway_is_away(&mut system, &merchant, &load).await;
        gateway_comes_back_before_data(&mut system, &merchant, &load).await;
        database_is_away(&mut system, &cluster, &merchant, &load).await;
        load.finish().await;
    }
}

const CUP: &str = "/shop/v1/products/cup";

async fn sign_in(http: &Http) -> Answer {
    let session = json!({"email": "merchant@example.org", "password": PASSWORD});
    http.post("/auth/v1/sessions:signIn", session).await
}

/// Waits until a call gets this status, whatever comes before.
async fn becomes(http: &Http, path: &str, status: u16) -> Answer {
    until(&format!("{path} answers {status}"), || async {
        http.try_get(path).await.ok().filter(|answer| answer.status == status)
    })
    .await
}

/// UNAVAILABLE, typed, over both protocols.
fn is_unavailable(system: &System, answer: &Answer) {
    answer.refusal(503, "UNAVAILABLE");
    let grpc = system.grpc_without_reflection("shop.v1.ProductService/GetProduct");
    assert_eq!(grpc, "14", "grpc-status");
}

impl System {
    /// Calls a method with an empty message over plain HTTP/2. Returns the trailer `grpc-status`: reflection may be away.
    fn grpc_without_reflection(&self, method: &str) -> String {
        let url = format!("{}/{method}", self.gateway.url());
        let file = self.folder.path().join("empty.grpc");
        std::fs::write(&file, [0, 0, 0, 0, 0]).expect("a file can be written");
        let (_, output) = curl(&[
            "--http2-prior-knowledge",
            "--data-binary",
            &format!("@{}", file.display()),
            "-H",
            "content-type: application/grpc",
            "-H",
            "te: trailers",
            "-o",
            "/dev/null",
            "-D",
            "-",
            &url,
        ]);
        let headers = output.as_str().unwrap_or_default().to_lowercase();
        let status = headers.lines().find_map(|line| line.strip_prefix("grpc-status:"));
        status.unwrap_or_else(|| panic!("no grpc-status in {headers}")).trim().to_owned()
    }
}

async fn data_is_away(system: &mut System, merchant: &Http, load: &Load) {
    system.data().kill().await;
    let answer = becomes(merchant, CUP, 503).await;
    is_unavailable(system, &answer);
    sign_in(merchant).await.ok();
    merchant.get("/auth/v1/accounts/me").await.ok();
    becomes(merchant, "/readyz", 503).await;
    system.data().restart().await;
    becomes(merchant, CUP, 200).await;
    load.goes_well().await;
    becomes(merchant, "/readyz", 200).await;
}

async fn auth_is_away(system: &mut System, merchant: &Http, load: &Load) {
    system.auth().kill().await;
    until("sign-in says that it is unavailable", || async {
        let answer = sign_in(merchant).await;
        (answer.word() == "UNAVAILABLE").then_some(())
    })
    .await;
    sign_in(merchant).await.refusal(503, "UNAVAILABLE");
    // Known tokens need nobody: the processes that check them have the keys.
    merchant.get(CUP).await.ok();
    merchant.patch(CUP, json!({"stock": 3})).await.ok();
    system.auth().restart().await;
    until("sign-in works again", || async { (sign_in(merchant).await.status == 200).then_some(()) }).await;
    load.goes_well().await;
}

async fn gateway_is_away(system: &mut System, merchant: &Http, load: &Load) {
    system.gateway.kill().await;
    assert!(merchant.try_get(CUP).await.is_err(), "nobody listens");
    system.gateway.restart().await;
    merchant.get(CUP).await.ok();
    merchant.patch(CUP, json!({"stock": 4})).await.ok();
    load.goes_well().await;
}

/// A gateway that starts while data is away knows the routes that it had, and says that they are away for now.
async fn gateway_comes_back_before_data(system: &mut System, merchant: &Http, load: &Load) {
    system.data().kill().await;
    system.gateway.kill().await;
    system.gateway.respawn();
    system.gateway.alive().await;
    let answer = becomes(merchant, CUP, 503).await;
    is_unavailable(system, &answer);
    merchant.get("/shop/v1/nothing").await.refusal(404, "NOT_FOUND");
    merchant.get("/auth/v1/accounts/me").await.ok();
    system.data().restart().await;
    becomes(merchant, CUP, 200).await;
    load.goes_well().await;
}

async fn database_is_away(system: &mut System, cluster: &Cluster, merchant: &Http, load: &Load) {
    cluster.stop();
    let answer = becomes(merchant, CUP, 503).await;
    answer.refusal(503, "UNAVAILABLE");
    until("sign-in is unavailable", || async { (sign_in(merchant).await.word() == "UNAVAILABLE").then_some(()) }).await;
    for http in [system.auth().http(), system.data().http(), merchant.clone()] {
        let not_ready = becomes(&http, "/readyz", 503).await;
        assert_eq!(not_ready.json()["ready"], Value::Bool(false));
        assert_eq!(http.get("/healthz").await.status, 200, "a process without its database lives");
    }
    cluster.resume();
    becomes(merchant, CUP, 200).await;
    until("sign-in works again", || async { (sign_in(merchant).await.status == 200).then_some(()) }).await;
    for http in [system.auth().http(), system.data().http(), merchant.clone()] {
        becomes(&http, "/readyz", 200).await;
    }
    load.goes_well().await;
    for server in [system.auth.as_mut(), system.data.as_mut(), Some(&mut system.gateway)].into_iter().flatten() {
        assert!(server.has_ended().is_none(), "{}", server.log());
    }
}

/// Clients that read and write all the time, and what they were answered beside success.
struct Load {
    stop: Arc<AtomicBool>,
    well: Arc<AtomicUsize>,
    others: Arc<Mutex<BTreeSet<String>>>,
    clients: JoinSet<()>,
}

impl Load {
    fn start(http: &Http) -> Load {
        let mut load =
            Load { stop: Arc::default(), well: Arc::default(), others: Arc::default(), clients: JoinSet::new() };
        for client in 0..6 {
            let (http, stop) = (http.clone(), Arc::clone(&load.stop));
            let (well, others) = (Arc::clone(&load.well), Arc::clone(&load.others));
            load.clients.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    match call(&http, client).await {
                        Some(answer) if answer.status == 200 => {
                            well.fetch_add(1, Ordering::Relaxed);
                        }
                        Some(answer) => {
                            let text = format!("{} {}", answer.status, answer.word());
                            others.lock().expect("no client panicked with the lock").insert(text);
                            tokio::time::sleep(mainstay_testkit::wait::PAUSE).await;
                        }
                        None => tokio::time::sleep(mainstay_testkit::wait::PAUSE).await,
                    }
                }
            });
        }
        load
    }

    /// Waits until many calls in a row have gone well.
    async fn goes_well(&self) {
        let before = self.well.load(Ordering::Relaxed);
        let enough = || async { (self.well.load(Ordering::Relaxed) >= before + 60).then_some(()) };
        until("the load goes well again", enough).await;
    }

    /// Ends the clients. Whatever they were refused with was UNAVAILABLE.
    async fn finish(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("a client does not panic");
        }
        let others = self.others.lock().expect("no client panicked with the lock").clone();
        assert_eq!(others, BTreeSet::from(["503 UNAVAILABLE".to_owned()]));
    }
}

/// One call; nothing where there is no gateway to answer.
async fn call(http: &Http, client: usize) -> Option<Answer> {
    match client % 3 {
        0 => http.try_get(CUP).await.ok(),
        1 => http.try_get("/shop/v1/products?pageSize=5").await.ok(),
        _ => {
            let review = json!({"product": "products/cup", "stars": 5});
            http.send(http::Method::POST, "/shop/v1/reviews", Some(&review)).await.ok()
        }
    }
}
