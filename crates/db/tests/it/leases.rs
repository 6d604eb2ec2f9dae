//! What only one of several processes does.

use std::time::Duration;

use mainstay_db::leases;
use mainstay_testkit::{both_engines, database};

use crate::support::batch;

const TABLE: &str =
    "CREATE TABLE mainstay_leases (job TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL)";

const A_WHILE: Duration = Duration::from_secs(60);

both_engines! {
    async fn a_lease_is_one_holders_until_it_is_given_back(engine: Engine) {
        let db = database::fresh(engine).await;
        batch(&db, TABLE).await;
        assert!(leases::take(&db, "sweep", "a", A_WHILE).await.unwrap());
        assert!(!leases::take(&db, "sweep", "b", A_WHILE).await.unwrap());
        assert!(leases::take(&db, "other", "b", A_WHILE).await.unwrap(), "each job has its own");
        assert!(leases::take(&db, "sweep", "a", A_WHILE).await.unwrap(), "who has it may keep it");
        leases::release(&db, "sweep", "b").await.unwrap();
        assert!(!leases::take(&db, "sweep", "b", A_WHILE).await.unwrap(), "what is not one's own cannot be given back");
        leases::release(&db, "sweep", "a").await.unwrap();
        assert!(leases::take(&db, "sweep", "b", A_WHILE).await.unwrap());
        assert!(!leases::take(&db, "sweep", "a", A_WHILE).await.unwrap());
    }

    async fn a_lease_of_somebody_who_is_gone_ends_with_time(engine: Engine) {
        let db = database::fresh(engine).await;
        batch(&db, TABLE).await;
        assert!(leases::take(&db, "sweep", "gone", Duration::from_millis(1)).await.unwrap());
        let taken = || async { leases::take(&db, "sweep", "here", A_WHILE).await.unwrap().then_some(()) };
        mainstay_testkit::wait::until("the lease is over", taken).await;
        assert!(!leases::take(&db, "sweep", "gone", A_WHILE).await.unwrap());
    }

    async fn of_many_who_ask_at_once_one_gets_it(engine: Engine) {
        let db = database::fresh(engine).await;
        batch(&db, TABLE).await;
        let asked = (0..16).map(|who| {
            let db = db.clone();
            tokio::spawn(async move { leases::take(&db, "sweep", &who.to_string(), A_WHILE).await.unwrap() })
        });
        let mut got = 0;
        for asked in asked.collect::<Vec<_>>() {
            got += usize::from(asked.await.unwrap());
        }
        assert_eq!(got, 1);
    }
}
