//! Several processes of each service on one store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mainstay_testkit::Engine;
use mainstay_testkit::database::Place;
use mainstay_testkit::http::{Answer, Http, NoAnswer, found_nobody};
use mainstay_testkit::server::{Launch, Server, free_port};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{Folder, PASSWORD, stores};

/// Two of each, on PostgreSQL.
struct Replicas {
    auths: Vec<Server>,
    datas: Vec<Server>,
    gateways: Vec<Server>,
    _folder: Folder,
    _places: Vec<Place>,
}

impl Replicas {
    async fn start() -> Replicas {
        let folder = Folder::shop();
        let (places, base) = stores(Engine::Postgres, Launch::new(folder.path())).await;
        let ports: [u16; 4] = std::array::from_fn(|_| free_port());
        let both = |a: u16, b: u16| format!("http://127.0.0.1:{a},http://127.0.0.1:{b}");
        // What one process makes up in its folder, another one does not know.
        let base = base
            .environment("MAINSTAY__SERVICES__AUTH__URL", both(ports[0], ports[1]))
            .environment("MAINSTAY__SERVICES__DATA__URL", both(ports[2], ports[3]))
            .environment("MAINSTAY__SERVICES__KEYS__GATEWAY", "0123456789abcdef0123456789abcdef")
            .environment("MAINSTAY__SERVICES__KEYS__DATA", "fedcba9876543210fedcba9876543210")
            .environment("MAINSTAY__AUTH__KEY_ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
            .environment("MAINSTAY__DATA__KEY_ENCRYPTION_KEY", "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=");
        let place = |number: usize| {
            let own = folder.path().join(format!("data-{number}"));
            base.clone().environment("MAINSTAY__DATA_DIR", own.to_string_lossy())
        };
        let (mut auths, mut datas, mut gateways) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..2 {
            // One after the other: the first makes the tables.
            let mut auth = place(number).role("auth").port(ports[number]).spawn();
            let mut data = place(number).role("data").port(ports[2 + number]).contracts(&folder.contracts()).spawn();
            auth.ready().await;
            data.ready().await;
            auths.push(auth);
            datas.push(data);
        }
        for number in 0..2 {
            let mut gateway = place(number).role("gateway").port(free_port()).spawn();
            gateway.ready().await;
            gateways.push(gateway);
        }
        Replicas { auths, datas, gateways, _folder: folder, _places: places }
    }
}

/// Asks as whoever stands before several gateways does: the next one where nobody is to be found.
async fn ask(gateways: &[Http], path: &str) -> Result<Answer, NoAnswer> {
    let mut asked = Err("there is no gateway".into());
    for gateway in gateways {
        asked = gateway.try_get(path).await;
        if !asked.as_ref().is_err_and(found_nobody) {
            break;
        }
    }
    asked
}

/// Asks the same again and again. Ends with how often it was answered, and what was not.
fn load(gateways: Vec<Http>, goes_on: Arc<AtomicBool>, answered: Arc<AtomicUsize>) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut failed = Vec::new();
        while goes_on.load(Ordering::Relaxed) {
            for path in ["/shop/v1/products/cup", "/shop/v1/products", "/auth/v1/accounts/me"] {
                match ask(&gateways, path).await {
                    Ok(answer) if answer.status == 200 => {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    other => failed.push(format!("{path}: {other:?}")),
                }
            }
        }
        failed
    })
}

#[tokio::test]
async fn a_rolling_restart_loses_no_call_that_may_be_made_twice() {
    let mut replicas = Replicas::start().await;
    let http = replicas.gateways[0].http();
    http.post("/auth/v1/accounts:signUp", json!({"email": "ada@example.org", "password": PASSWORD})).await.ok();
    replicas.auths[0].command(&["admin", "grant", "ada@example.org", "merchant"]);
    let session = http.post("/auth/v1/sessions:signIn", json!({"email": "ada@example.org", "password": PASSWORD}));
    let session = session.await.ok();
    let token = session["accessToken"].as_str().expect("a session has an access token").to_owned();
    let http = http.with_token(&token);
    let cup = json!({"title": "Cup", "sku": "CUP-1", "price": {"currencyCode": "EUR", "units": "5"}});
    http.post("/shop/v1/products?productId=cup", cup).await.ok();

    let (goes_on, answered) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let loads: Vec<_> = (0..4)
        .map(|number| {
            let mut gateways: Vec<Http> =
                replicas.gateways.iter().map(|gateway| gateway.http().with_token(&token)).collect();
            gateways.rotate_left(number % 2);
            load(gateways, Arc::clone(&goes_on), Arc::clone(&answered))
        })
        .collect();
    for number in 0..2 {
        for server in [&mut replicas.auths[number], &mut replicas.datas[number], &mut replicas.gateways[number]] {
            let before = answered.load(Ordering::Relaxed);
            server.stop().await;
            server.respawn();
            server.ready().await;
            assert!(answered.load(Ordering::Relaxed) > before, "calls go on while one is away");
        }
    }
    goes_on.store(false, Ordering::Relaxed);
    for load in loads {
        let failed = load.await.expect("it ends");
        assert!(failed.is_empty(), "of {}: {failed:#?}", answered.load(Ordering::Relaxed));
    }
}
