//! Streams of a browser's own messages, over WebSockets.

use serde_json::json;

use super::python::Catalogue;
use crate::clients::workshop::Workshop;

async fn conversations(catalogue: Catalogue) {
    let token = catalogue.merchant.token();
    let workshop = Workshop::of(&catalogue.system, token, token);
    let mut reports = workshop.program("sockets_node");
    reports.extend(workshop.page("sockets", catalogue.page));
    reports.extend(workshop.script("sockets.py", "sockets.txt"));
    for (report, name) in reports.iter().zip(["Node", "ws", "page", "websockets"]) {
        let seen = json!({
            "name": name,
            "price": ["600"],
            "watched": ["600", "1200", "1800"],
            "sum": [["201000", 200]],
            "haggled": [50, "9", "450"],
            "bargained": ["900", "810", "729"],
            "missing": {"code": 404, "reason": report["missing"]["reason"]},
            "unknown": {"code": 401, "reason": "UNAUTHENTICATED"},
        });
        assert_eq!(report, &seen);
    }
    assert_eq!(reports.len(), 4);
}

#[tokio::test]
async fn one_process_on_sqlite() {
    conversations(Catalogue::one().await).await;
}

#[tokio::test]
async fn three_processes_on_postgres() {
    conversations(Catalogue::three().await).await;
}
