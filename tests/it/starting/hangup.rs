//! SIGHUP to a server without a certificate.

use mainstay_testkit::Engine;

use crate::support::{System, notes};

#[tokio::test]
async fn a_hangup_never_ends_a_server_that_has_no_certificate() {
    for system in
        [System::one(Engine::Sqlite, notes::folder()).await, System::three(Engine::Sqlite, notes::folder()).await]
    {
        let mut servers: Vec<_> = [system.auth, system.data, Some(system.gateway)].into_iter().flatten().collect();
        for server in &mut servers {
            server.hang_up();
            server.logged("SIGHUP").await;
            server.hang_up();
            assert_eq!(server.has_ended(), None, "{}", server.log());
            server.ready().await;
        }
        for mut server in servers {
            assert_eq!(server.stop().await, Some(0), "{}", server.log());
        }
    }
}
