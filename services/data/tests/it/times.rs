//! Times, durations and dates as text: what a body stores, a filter and a rule find, to the ends of what protobuf allows.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::{file, notes};
use crate::support::Fixture;

const CREATE: &str = "note.v1.NoteService/CreateNote";
const LIST: &str = "note.v1.NoteService/ListNotes";

/// Moments in their order, some of them twice; each as it is answered.
const TIMES: [(&str, &str); 9] = [
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ("0001-01-01T00:00:00.000001Z", "0001-01-01T00:00:00.000001Z"),
    ("1582-10-10T12:00:00Z", "1582-10-10T12:00:00Z"),
    ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
    ("1970-01-01T01:30:00+01:30", "1970-01-01T00:00:00Z"),
    ("2024-02-29T23:59:59.123456789-00:30", "2024-03-01T00:29:59.123456Z"),
    ("9999-12-30T22:00:00.999999999Z", "9999-12-30T22:00:00.999999Z"),
    ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z"),
];

/// Durations in their order.
const DURATIONS: [&str; 7] = ["-315576000000s", "-1.500s", "-0.000001s", "0s", "0.000001s", "90s", "315576000000s"];

fn ids(page: &Json) -> Vec<String> {
    let notes = page["notes"].as_array().into_iter().flatten();
    notes.map(|note| note["name"].as_str().unwrap().trim_start_matches("notes/").to_owned()).collect()
}

async fn found(fixture: &Fixture, filter: &str) -> Vec<String> {
    ids(&fixture.anonymous().ok(LIST, json!({"filter": filter, "page_size": 100})).await)
}

both_engines! {
    async fn a_filter_finds_every_moment_that_a_body_stores(engine: Engine) {
        let contract = notes("google.protobuf.Timestamp at = 2; repeated google.protobuf.Timestamp moments = 3;");
        let fixture = Fixture::start(engine, &contract).await;
        for (index, (time, answered)) in TIMES.iter().enumerate() {
            let note = json!({"at": time, "moments": [time]});
            let made = fixture.anonymous().ok(CREATE, json!({"note_id": format!("n{index}"), "note": note})).await;
            assert_eq!((&made["at"], &made["moments"][0]), (&json!(answered), &json!(answered)));
        }
        for (index, (time, answered)) in TIMES.iter().enumerate() {
            for time in [time, answered] {
                let id = format!("n{index}");
                assert_eq!(found(&fixture, &format!("at = \"{time}\"")).await, [id.as_str()], "{time}");
                assert_eq!(found(&fixture, &format!("moments:\"{time}\"")).await, [id.as_str()], "{time}");
                let until: Vec<String> = (0..=index).map(|index| format!("n{index}")).collect();
                assert_eq!(found(&fixture, &format!("at <= \"{time}\"")).await, until, "{time}");
                assert_eq!(found(&fixture, &format!("NOT at > \"{time}\"")).await, until, "{time}");
            }
        }
        let mut request = json!({"order_by": "at desc", "page_size": 1});
        let mut seen = Vec::new();
        loop {
            let page = fixture.anonymous().ok(LIST, request.clone()).await;
            seen.extend(ids(&page));
            let Some(token) = page.get("next_page_token") else { break };
            request["page_token"] = token.clone();
        }
        assert_eq!(seen, (0..TIMES.len()).rev().map(|index| format!("n{index}")).collect::<Vec<_>>(), "tokens carry them");
    }

    async fn a_filter_finds_every_duration_that_a_body_stores(engine: Engine) {
        let contract = notes("google.protobuf.Duration lasts = 2; repeated google.protobuf.Duration parts = 3;");
        let fixture = Fixture::start(engine, &contract).await;
        for (index, duration) in DURATIONS.iter().enumerate() {
            let note = json!({"lasts": duration, "parts": [duration]});
            let made = fixture.anonymous().ok(CREATE, json!({"note_id": format!("n{index}"), "note": note})).await;
            assert_eq!((&made["lasts"], &made["parts"][0]), (&json!(duration), &json!(duration)));
        }
        for (index, duration) in DURATIONS.iter().enumerate() {
            let until: Vec<String> = (0..=index).map(|index| format!("n{index}")).collect();
            assert_eq!(found(&fixture, &format!("lasts <= {duration}")).await, until, "{duration}");
            assert_eq!(found(&fixture, &format!("parts:\"{duration}\"")).await, [format!("n{index}")], "{duration}");
        }
    }

    async fn a_rule_knows_the_same_moments_and_durations(engine: Engine) {
        let body = r#"
message Note {
  option (google.api.resource) = {type: "note.example.com/Note" pattern: "notes/{note}"};
  option (mainstay.v1.resource) = {access {
    read: "resource.at == timestamp('9999-12-31T23:59:59.999999999Z') || resource.at == timestamp('0001-01-01T00:00:00Z')"
          " || resource.lasts == duration('87660000h') || resource.lasts == duration('-1.5s')"
    write: "true"
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  google.protobuf.Timestamp at = 2;
  google.protobuf.Duration lasts = 3;
}"#;
        let fixture = Fixture::start(engine, &file("note.v1", body)).await;
        for (index, (time, _)) in TIMES.iter().enumerate() {
            fixture.anonymous().ok(CREATE, json!({"note_id": format!("t{index}"), "note": {"at": time}})).await;
        }
        for (index, duration) in DURATIONS.iter().enumerate() {
            fixture.anonymous().ok(CREATE, json!({"note_id": format!("z{index}"), "note": {"at": TIMES[2].0, "lasts": duration}})).await;
        }
        assert_eq!(found(&fixture, "").await, ["t0", "t8", "z1", "z6"], "in SQL");
        for (id, readable) in [("t0", true), ("t8", true), ("t7", false), ("z1", true), ("z6", true), ("z0", false)] {
            let update = json!({"note": {"name": format!("notes/{id}")}, "update_mask": "name"});
            let answer = fixture.anonymous().call("note.v1.NoteService/UpdateNote", update).await;
            assert_eq!(answer.is_ok(), readable, "{id}: in memory");
        }
    }

    async fn what_is_no_time_is_none_in_a_filter_either(engine: Engine) {
        let contract = notes("google.protobuf.Timestamp at = 2; google.protobuf.Duration lasts = 3; google.type.Date day = 4;");
        let fixture = Fixture::start(engine, &contract).await;
        for filter in [
            r#"at > "2024-05-01t12:00:00Z""#,
            r#"at > "2024-05-01T12:00:00z""#,
            r#"at > "2016-12-31T23:59:60Z""#,
            r#"at > "9999-12-31T23:59:59-00:01""#,
            r#"at > "10000-01-01T00:00:00Z""#,
            r#"at > "0000-12-31T23:59:59Z""#,
            r#"at > "2024-05-01""#,
            "lasts > 315576000001s",
            "lasts > 1h",
            r#"day > "2024-02-30""#,
            r#"day > "2024-2-1""#,
        ] {
            assert_eq!(fixture.anonymous().refused(LIST, json!({"filter": filter})).await.0, Reason::InvalidFilter, "{filter}");
        }
        fixture.anonymous().ok(CREATE, json!({"note": {"day": {"year": 2024, "month": 2, "day": 29}}})).await;
        assert_eq!(found(&fixture, r#"day = "2024-02-29" AND day > "2024-02-28" AND day <= "9999-12-31""#).await.len(), 1);
    }
}
