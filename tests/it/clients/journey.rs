//! What every client sees, and the system that it sees it on.

use mainstay_testkit::Engine;
use mainstay_testkit::server::{Launch, free_port};
use serde_json::{Value, json};

use super::workshop::Workshop;
use crate::support::{Folder, System, repository};

/// A shop with its goods, and clients of it.
pub struct Shop {
    pub system: System,
    pub workshop: Workshop,
    pub user: String,
    /// The port of the page that may call.
    pub page: u16,
}

impl Shop {
    /// One process on SQLite.
    pub async fn one() -> Shop {
        let page = free_port();
        let system = System::one_with(Engine::Sqlite, Folder::shop(), |launch| for_pages(launch, page)).await;
        Shop::stocked(system, page).await
    }

    /// Three processes on PostgreSQL.
    pub async fn three() -> Shop {
        let page = free_port();
        let system = System::three_with(Engine::Postgres, Folder::shop(), |launch| for_pages(launch, page)).await;
        Shop::stocked(system, page).await
    }

    async fn stocked(system: System, page: u16) -> Shop {
        let merchant = system.user_with_role("merchant@example.org", "merchant").await;
        let goods = std::fs::read(repository().join("tests/contracts/shop/seed.json")).expect("the shop has goods");
        let goods: Value = serde_json::from_slice(&goods).expect("they are JSON");
        for product in goods["shop.v1.Product"].as_array().expect("a list of products") {
            let id = product["name"].as_str().and_then(|name| name.strip_prefix("products/")).expect("a name");
            merchant.post(&format!("/shop/v1/products?productId={id}"), product.clone()).await.ok();
        }
        let user = system.user("ada@example.org").await.token().to_owned();
        let admin = system.user_with_role("root@example.org", "mainstay.admin").await;
        let workshop = Workshop::of(&system, &user, admin.token());
        Shop { system, workshop, user, page }
    }
}

/// Lets the page in, and writes a line for each request.
fn for_pages(launch: Launch, page: u16) -> Launch {
    launch
        .environment("MAINSTAY__GATEWAY__CORS__ORIGINS", format!("http://127.0.0.1:{page}"))
        .environment("MAINSTAY__TELEMETRY__LOG", "info,mainstay::access=debug")
}

/// Says that each of these clients saw what every client has to see.
pub fn assert_seen(reports: &[Value], clients: &[&str]) {
    let names: Vec<&str> = reports.iter().map(|report| report["name"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, clients);
    for report in reports {
        let (mut seen, mut wanted) = (report.clone(), seen_by_all());
        let name = seen.as_object_mut().and_then(|report| report.remove("name"));
        // It follows no stream.
        if name == Some(json!("grpc-web binary")) {
            wanted.as_object_mut().and_then(|wanted| wanted.remove("watched"));
        }
        assert_eq!(seen, wanted, "{name:?}");
    }
}

fn seen_by_all() -> Value {
    let text = "Grüße ☕";
    json!({
        "cup": {"name": "products/cup", "title": "Coffee cup", "units": 5},
        "page": {"skus": ["GAR-109", "GAR-110", "GAR-111"], "more": true},
        "review": {"stars": 4, "text": text},
        "changed": {"stars": 5, "text": text},
        "committed": {"kinds": ["order", "review"], "stars": 4, "quantity": 2, "lowered": 2, "removed": 2},
        "uncommitted": refusal(3, "FIELD_VIOLATION", &["writes[1].create_review.review.stars"]),
        "gone": refusal(5, "RESOURCE_NOT_FOUND", &[]),
        "missing": refusal(5, "RESOURCE_NOT_FOUND", &[]),
        "nobody": refusal(16, "UNAUTHENTICATED", &[]),
        "forged": refusal(16, "TOKEN_INVALID", &[]),
        "invalid": refusal(3, "FIELD_VIOLATION", &["review.stars"]),
        "watched": {"revision": 1},
        "unwatched": refusal(16, "UNAUTHENTICATED", &[]),
        "requestId": true,
    })
}

/// An error as a client reads it, with its typed details.
fn refusal(code: i32, reason: &str, fields: &[&str]) -> Value {
    json!({"code": code, "reason": reason, "domain": "mainstay.dev", "fields": fields, "said": true})
}
