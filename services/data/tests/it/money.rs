//! Money is stored only where its parts agree, however it came about.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::{kinds, notes};
use crate::support::Fixture;

const CREATE: &str = "kinds.v1.ThingService/CreateThing";
const UPDATE: &str = "kinds.v1.ThingService/UpdateThing";
const GET: &str = "kinds.v1.ThingService/GetThing";

fn refused(fields: &[&str]) -> (Reason, Vec<String>) {
    (Reason::FieldViolation, fields.iter().map(|field| (*field).to_owned()).collect())
}

fn money(currency_code: &str, units: i64, nanos: i64) -> Json {
    json!({"currency_code": currency_code, "units": units.to_string(), "nanos": nanos})
}

both_engines! {
    async fn a_create_is_refused_with_the_part_that_is_wrong(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        for (money, fields) in [
            (money("", 1, -1), &["thing.money.currency_code", "thing.money.nanos"][..]),
            (money("eur1", 0, 1_000_000_000), &["thing.money.currency_code", "thing.money.nanos"]),
            (money("EUR", 0, -2_000_000_000), &["thing.money.nanos"]),
            (json!({"units": "1"}), &["thing.money.currency_code"]),
        ] {
            let request = json!({"thing": {"money": money}});
            assert_eq!(fixture.anonymous().refused(CREATE, request).await, refused(fields), "{money}");
        }
        fixture.anonymous().ok(CREATE, json!({"thing": {"money": {}}})).await;
    }

    async fn an_update_is_checked_on_the_row_that_it_would_leave(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        let anonymous = fixture.anonymous();
        let owed = json!({"money": money("USD", -3, -250_000_000), "a_string": "owed"});
        let made = anonymous.ok(CREATE, json!({"thing": owed})).await;
        let update = |mask: Option<&str>, money: Json| {
            let mut request = json!({"thing": {"name": made["name"], "money": money}});
            if let Some(mask) = mask {
                request["update_mask"] = json!(mask);
            }
            request
        };
        for (mask, money, fields) in [
            (Some("money.units"), json!({"units": "1"}), &["thing.money.nanos"][..]),
            (Some("money.nanos"), json!({"nanos": 1}), &["thing.money.nanos"]),
            (Some("money.currencyCode"), json!({}), &["thing.money.currency_code"]),
            (Some("money"), money("usd", 1, 0), &["thing.money.currency_code"]),
            (Some("*"), money("USD", 1, -1), &["thing.money.nanos"]),
            (None, json!({"units": "1"}), &["thing.money.nanos"]),
        ] {
            let request = update(mask, money.clone());
            assert_eq!(anonymous.refused(UPDATE, request).await, refused(fields), "{mask:?} {money}");
        }
        let read = anonymous.ok(GET, json!({"name": made["name"]})).await;
        assert_eq!(read["money"], json!({"currency_code": "USD", "units": "-3", "nanos": -250_000_000}));
        let paid = anonymous.ok(UPDATE, update(Some("money.units,money.nanos"), json!({"units": "1"}))).await;
        assert_eq!(paid["money"], json!({"currency_code": "USD", "units": "1"}));
    }

    async fn money_in_lists_is_checked_too(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("repeated google.type.Money prices = 2;")).await;
        let prices = json!([money("EUR", 1, 5), money("EUR", 1, -5), {}]);
        let request = json!({"note": {"prices": prices}});
        let fields = ["note.prices[1].nanos"];
        assert_eq!(fixture.anonymous().refused("note.v1.NoteService/CreateNote", request).await, refused(&fields));
    }
}
