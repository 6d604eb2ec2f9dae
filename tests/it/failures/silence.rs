//! Three processes on a network on which everything gets lost, and that closes nothing.

use std::time::Instant;

use mainstay_testkit::both_engines;
use mainstay_testkit::proxy::Proxy;
use mainstay_testkit::wait::until;

use crate::support::{System, notes};

both_engines! {
    async fn calls_find_another_way_when_a_connection_between_services_is_lost(engine: Engine) {
        let mut system = System::three(engine, notes::folder()).await;
        let data = system.data().address().parse().expect("a server has an address");
        let proxy = Proxy::to(data).await;
        let way = format!("http://{}", proxy.address());
        system.gateway.stop().await;
        system.gateway.relaunch(|launch| launch.environment("MAINSTAY__SERVICES__DATA__URL", way));
        system.gateway.restart().await;
        let http = system.http();
        until("readiness says so", || async { (http.get("/readyz").await.status == 200).then_some(()) }).await;
        notes::create(&http, "before").await;

        proxy.lose_connections();
        let lost = Instant::now();
        until("reads are answered", || async { (http.get("/notes/v1/notes/before").await.status == 200).then_some(()) }).await;
        notes::create(&http, "after").await;
        println!("recovered after {:?}", lost.elapsed());

        proxy.lose_everything();
        until("readiness says so", || async { (http.get("/readyz").await.status == 503).then_some(()) }).await;
        http.get("/notes/v1/notes/before").await.refusal(503, "UNAVAILABLE");
        proxy.heal();
        let healed = Instant::now();
        until("readiness says so", || async { (http.get("/readyz").await.status == 200).then_some(()) }).await;
        http.get("/notes/v1/notes/before").await.ok();
        notes::create(&http, "last").await;
        println!("recovered after {:?}", healed.elapsed());
    }
}
