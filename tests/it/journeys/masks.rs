//! A part of each answer (AIP-157), over REST and over gRPC, on one process and on three.

use serde_json::json;

use crate::support::{System, notes};

mainstay_testkit::both_engines! {
    async fn a_part_of_a_list_has_the_token_of_the_next_page_on_one_process(engine: Engine) {
        Box::pin(journey(System::one(engine, notes::folder()).await)).await;
    }

    async fn a_part_of_a_list_has_the_token_of_the_next_page_on_three_processes(engine: Engine) {
        Box::pin(journey(System::three(engine, notes::folder()).await)).await;
    }
}

async fn journey(system: System) {
    let http = system.http();
    // Three of them fill a page of whole rows; all of them fit on one by their titles.
    let body = "b".repeat(900 << 10);
    for number in 0..5 {
        let note = json!({"title_0": format!("Big {number}"), "body": body, "weight": number});
        http.post(&format!("/notes/v1/notes?noteId=big-{number}"), note).await.ok();
    }
    let expected: Vec<_> = (0..5).map(|number| json!({"title0": format!("Big {number}")})).collect();
    let list = "/notes/v1/notes?orderBy=weight";

    let whole = http.get(list).await.ok();
    assert!(whole["notes"].as_array().is_some_and(|page| page.len() < 5), "whole rows do not fit on a page");
    let titles = http.get(&format!("{list}&$fields=notes.title_0")).await.ok();
    assert_eq!(titles, json!({"notes": expected}), "rows are cut before they fill the page");
    let first = http.get(&format!("{list}&pageSize=2&$fields=notes.title_0")).await.ok();
    assert_eq!(first["notes"], json!(expected[..2]));
    let token = first["nextPageToken"].as_str().expect("there is a next page");
    let second = http.get(&format!("{list}&pageSize=3&pageToken={token}&$fields=notes.title_0")).await.ok();
    assert_eq!(second, json!({"notes": expected[2..]}));

    let grpc = system.grpc().with_header("x-goog-fieldmask: notes.title_0").with_header("x-goog-fieldmask: notes.name");
    let request = json!({"order_by": "weight", "page_size": 1});
    let page = grpc.call("notes.v1.NoteService/ListNotes", &request).expect("everybody may read");
    assert_eq!(page["notes"], json!([{"name": "notes/big-0", "title0": "Big 0"}]), "several headers are one list");
    assert!(page["nextPageToken"].is_string(), "{page}");
}
