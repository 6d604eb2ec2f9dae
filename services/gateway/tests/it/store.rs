//! The contract that was served last is there at the next start, on both engines.

use http::{Method, StatusCode};
use mainstay_db::Database;
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::{Config, StoredContract};
use mainstay_testkit::both_engines;

use crate::support::{Harness, library};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";

/// Runs a gateway until it has stored the library's contract.
async fn run_once(database: &Database) {
    let gateway = Harness::with(Config::default(), Some(library()), Some(database.clone())).await;
    gateway.stored(database, 1).await;
    gateway.jobs.end().await;
}

both_engines! {
    async fn a_gateway_that_starts_without_data_knows_the_routes_it_had(engine: Engine) {
        let store = mainstay_testkit::database::fresh(engine).await;
        run_once(&store).await;

        let gateway = Harness::with(Config::default(), None, Some(store.clone())).await;
        gateway.data.on(GET_BOOK, |_| Err(Fault::new(Reason::Unavailable)));
        let rest = gateway.get("/library/v1/books/1").await;
        assert_eq!((rest.status, rest.reason().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
        assert_eq!(gateway.get("/library/v1/none").await.status, StatusCode::NOT_FOUND);
        let wrong = gateway.rest(Method::PUT, "/library/v1/books/1", "").await;
        assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    }

    async fn a_stored_contract_that_cannot_be_read_is_passed_over(engine: Engine) {
        let store = mainstay_testkit::database::fresh(engine).await;
        run_once(&store).await;
        let damaged = StoredContract { revision: 7, hash: String::new(), descriptor_set: vec![0xff], fetched_at_us: 0 };
        damaged.clone().save(&store).await.unwrap();
        assert_eq!(StoredContract::load(&store).await.unwrap(), Some(damaged));

        let gateway = Harness::with(Config::default(), None, Some(store.clone())).await;
        assert_eq!(gateway.gateway.snapshot().revision, 0);
        gateway.data.publish(8, library());
        gateway.serves(8).await;
        gateway.stored(&store, 8).await;
    }
}
