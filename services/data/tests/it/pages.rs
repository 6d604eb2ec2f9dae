//! Pages (AIP-132, AIP-158).

use std::collections::BTreeMap;

use base64::Engine as _;
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::{file, notes_with};
use crate::support::Fixture;

const CREATE: &str = "note.v1.NoteService/CreateNote";
const LIST: &str = "note.v1.NoteService/ListNotes";
const DELETE: &str = "note.v1.NoteService/DeleteNote";
const UPDATE: &str = "note.v1.NoteService/UpdateNote";

const FIELDS: &str = "optional int32 rank = 2; optional string title = 3; bool done = 4; double weight = 5;
    google.protobuf.Timestamp due = 6; bytes blob = 7; State state = 8; int32 round = 9;
    enum State { STATE_UNSPECIFIED = 0; OPEN = 1; SHUT = 2; }";
const INDEXES: &str = r#"index {fields: "rank" fields: "title desc"} index {fields: "due"}"#;

async fn notes(engine: Engine) -> Fixture {
    Fixture::start(engine, &notes_with(INDEXES, FIELDS)).await
}

/// Forty notes with many equal and many unset values.
async fn fill(fixture: &Fixture) -> Vec<Json> {
    let mut made = Vec::new();
    for n in 0..40_u8 {
        let pick = usize::from(n);
        let blob = ["", "AA==", "/w=="][pick % 3];
        let mut note = json!({"done": n % 2 == 0, "weight": f64::from(n % 7) / 2.0, "blob": blob});
        if n % 3 != 0 {
            note["rank"] = json!(n % 5);
        }
        if n % 4 != 0 {
            note["title"] = Json::from(["", "a", "b", "ä", "Z"][pick % 5]);
        }
        if n % 5 > 1 {
            note["due"] = json!(format!("20{:02}-01-01T00:00:00.00000{}Z", n % 6 + 10, n % 2));
        }
        note["state"] = Json::from(["STATE_UNSPECIFIED", "OPEN", "SHUT"][pick % 3]);
        let id = format!("n{}", (pick * 17) % 40);
        made.push(fixture.anonymous().ok(CREATE, json!({"note_id": id, "note": note})).await);
    }
    made
}

async fn walk(fixture: &Fixture, order_by: &str, page_size: i32) -> Vec<Json> {
    let (mut rows, mut token) = (Vec::new(), String::new());
    loop {
        let request = json!({"order_by": order_by, "page_size": page_size, "page_token": token});
        let page = fixture.anonymous().ok(LIST, request).await;
        let here = page["notes"].as_array().cloned().unwrap_or_default();
        assert!(here.len() <= usize::try_from(page_size).unwrap());
        rows.extend(here);
        match page["next_page_token"].as_str() {
            Some(next) => token = next.to_owned(),
            None => return rows,
        }
    }
}

/// A value as orders compare it: unset first, then by number or by bytes.
fn rank(value: Option<&Json>) -> (u8, i64, Vec<u8>) {
    match value {
        None | Some(Json::Null) => (0, 0, Vec::new()),
        Some(Json::Bool(b)) => (1, i64::from(*b), Vec::new()),
        #[expect(clippy::cast_possible_truncation, reason = "halves")]
        Some(Json::Number(n)) => (1, (n.as_f64().unwrap() * 2.0) as i64, Vec::new()),
        Some(Json::String(s)) => (1, 0, s.as_bytes().to_vec()),
        Some(other) => panic!("{other}"),
    }
}

fn sorted(mut rows: Vec<Json>, order_by: &str) -> Vec<Json> {
    let keys: Vec<(String, bool)> = order_by
        .split(',')
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .map(|key| (key.trim_end_matches(" desc").to_owned(), key.ends_with(" desc")))
        .collect();
    let last_descends = keys.last().is_some_and(|(_, descending)| *descending);
    rows.sort_by(|a, b| {
        for (field, descending) in &keys {
            let implicit = |row: &Json| match (field.as_str(), row.get(field)) {
                ("done", None) => Some(json!(false)),
                ("weight", None) => Some(json!(0)),
                (_, value) => value.cloned(),
            };
            let order = rank(implicit(a).as_ref()).cmp(&rank(implicit(b).as_ref()));
            let order = if *descending { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        let order = a["name"].as_str().cmp(&b["name"].as_str());
        if last_descends { order.reverse() } else { order }
    });
    rows
}

fn names(rows: &[Json]) -> Vec<&str> {
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

both_engines! {
    async fn pages_put_together_are_the_whole_list_in_every_order(engine: Engine) {
        let fixture = notes(engine).await;
        let made = fill(&fixture).await;
        for order_by in [
            "", "rank", "rank desc", "title", "title desc, rank", "rank, title desc", "rank desc, title", "done, rank desc",
            "weight desc, title", "due", "due desc", "due desc, rank, title desc", "name desc", "rank, name", "done desc",
        ] {
            let expected = sorted(made.clone(), order_by);
            for page_size in [1, 7, 40, 100] {
                let rows = walk(&fixture, order_by, page_size).await;
                assert_eq!(names(&rows), names(&expected), "{order_by} by {page_size}");
            }
        }
    }

    async fn the_size_of_a_page_is_what_is_asked_for_within_bounds(engine: Engine) {
        let fixture = notes(engine).await;
        fixture.sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) \
             INSERT INTO note_v1_note (_id, _revision) SELECT 'n' || CAST(i AS TEXT), i FROM n",
        ).await;
        let count = |page_size: i32| {
            let anonymous = fixture.anonymous();
            async move {
                let page = anonymous.ok(LIST, json!({"page_size": page_size})).await;
                (page["notes"].as_array().unwrap().len(), page.get("next_page_token").is_some())
            }
        };
        assert_eq!(count(0).await, (50, true));
        assert_eq!(count(3).await, (3, true));
        assert_eq!(count(1000).await, (1000, true));
        assert_eq!(count(1_000_000).await, (1000, true), "more than the most is the most");
        assert_eq!(count(i32::MAX).await, (1000, true));
        for negative in [-1, i32::MIN] {
            let refused = fixture.anonymous().refused(LIST, json!({"page_size": negative})).await;
            assert_eq!(refused, (Reason::InvalidArgument, vec!["page_size".to_owned()]));
        }
    }

    async fn a_page_of_large_records_ends_early_and_the_next_one_goes_on(engine: Engine) {
        let fixture = Fixture::start(engine, &notes_with("", "int32 rank = 2; string text = 3;")).await;
        for rank in 0..5 {
            let note = json!({"rank": rank, "text": "x".repeat(900_000)});
            fixture.anonymous().ok(CREATE, json!({"note": note})).await;
        }
        let (mut ranks, mut sizes, mut token) = (Vec::new(), Vec::new(), String::new());
        loop {
            let request = json!({"order_by": "rank desc", "page_token": token});
            let page = fixture.anonymous().ok(LIST, request).await;
            let notes = page["notes"].as_array().unwrap().clone();
            sizes.push(notes.len());
            ranks.extend(notes.iter().map(|note| note["rank"].as_i64().unwrap_or_default()));
            match page["next_page_token"].as_str() {
                Some(next) => token = next.to_owned(),
                None => break,
            }
        }
        assert_eq!((ranks, sizes), (vec![4, 3, 2, 1, 0], vec![2, 2, 1]), "a page has 2 MiB, or one record");
    }

    async fn every_page_is_one_that_a_client_takes_whatever_the_sizes_of_its_records(engine: Engine) {
        let fixture = Fixture::start(engine, &notes_with("", "int32 rank = 2; string text = 3;")).await;
        let sizes = [1, 1_900_000, 3_900_000, 10, 700_000, 700_000, 700_000, 4_100_000, 4_100_000, 20];
        for (rank, size) in sizes.iter().enumerate() {
            let note = json!({"rank": rank, "text": "x".repeat(*size)});
            fixture.anonymous().ok(CREATE, json!({"note": note})).await;
        }
        for (order_by, page_size) in [("rank", 0), ("rank desc", 0), ("rank", 2), ("rank desc", 1)] {
            let (mut ranks, mut token) = (Vec::new(), String::new());
            loop {
                let request = json!({"order_by": order_by, "page_size": page_size, "page_token": token});
                let page = fixture.anonymous().ok(LIST, request.clone()).await;
                let bytes = fixture.anonymous().raw(LIST, fixture.encoded("note.v1.ListNotesRequest", &request)).await;
                assert!(bytes.unwrap().len() <= 4 << 20, "{order_by} by {page_size}, behind {ranks:?}");
                let notes = page["notes"].as_array().unwrap();
                assert!(!notes.is_empty(), "{order_by} by {page_size}, behind {ranks:?}");
                ranks.extend(notes.iter().map(|note| note["rank"].as_u64().unwrap_or_default()));
                match page["next_page_token"].as_str() {
                    Some(next) => token = next.to_owned(),
                    None => break,
                }
            }
            if order_by.ends_with("desc") {
                ranks.reverse();
            }
            assert_eq!(ranks, (0..sizes.len() as u64).collect::<Vec<_>>(), "{order_by} by {page_size}");
        }
    }

    async fn rows_that_stay_appear_once_while_others_come_and_go(engine: Engine) {
        let fixture = notes(engine).await;
        let anonymous = fixture.anonymous();
        for order_by in ["rank, title desc", "due desc, rank", "title", ""] {
            let staying: Vec<String> = {
                let made = fill(&fixture).await;
                made.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
            };
            let (mut seen, mut token, mut round) = (BTreeMap::<String, usize>::new(), String::new(), 0);
            let mut passing: Vec<String> = Vec::new();
            loop {
                let page = anonymous.ok(LIST, json!({"order_by": order_by, "page_size": 3, "page_token": token})).await;
                for row in page["notes"].as_array().into_iter().flatten() {
                    *seen.entry(row["name"].as_str().unwrap().to_owned()).or_default() += 1;
                }
                let Some(next) = page["next_page_token"].as_str() else { break };
                token = next.to_owned();
                if let Some(name) = passing.pop() {
                    anonymous.ok(DELETE, json!({"name": name})).await;
                }
                for n in 0..2 {
                    let title = ["", "a", "zz"][(round + n) % 3];
                    let note = json!({"rank": (round + n) % 6, "title": title});
                    let made = anonymous.ok(CREATE, json!({"note": note})).await;
                    passing.push(made["name"].as_str().unwrap().to_owned());
                }
                // A row that stays may change where the order does not look.
                let touched = &staying[round % staying.len()];
                anonymous.ok(UPDATE, json!({"note": {"name": touched, "round": round}, "update_mask": "round"})).await;
                round += 1;
                assert!(round < 200, "the list ends");
            }
            for name in &staying {
                assert_eq!(seen.get(name), Some(&1), "{name} by `{order_by}`");
            }
            for name in staying.iter().chain(&passing) {
                anonymous.ok(DELETE, json!({"name": name, "allow_missing": true})).await;
            }
            let rest = walk(&fixture, "", 100).await;
            for row in rest {
                anonymous.ok(DELETE, json!({"name": row["name"]})).await;
            }
        }
    }

    async fn an_empty_list_has_no_rows_and_no_token(engine: Engine) {
        let fixture = notes(engine).await;
        assert_eq!(fixture.anonymous().ok(LIST, json!({})).await, json!({}));
    }

    async fn the_last_full_page_has_no_token(engine: Engine) {
        let fixture = notes(engine).await;
        for _ in 0..4 {
            fixture.anonymous().ok(CREATE, json!({"note": {}})).await;
        }
        let first = fixture.anonymous().ok(LIST, json!({"page_size": 2})).await;
        let second = json!({"page_size": 2, "page_token": first["next_page_token"]});
        let second = fixture.anonymous().ok(LIST, second).await;
        assert_eq!(second["notes"].as_array().unwrap().len(), 2);
        assert!(second.get("next_page_token").is_none());
    }
}

/// Letters whose texts are long, alike for long, and different at the end.
async fn letters(engine: Engine) -> Fixture {
    let contract = file(
        "mail.v1",
        r#"
message Letter {
  option (google.api.resource) = {type: "mail.example.com/Letter" pattern: "letters/{letter}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"} index {fields: "subject" fields: "sender"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string subject = 2;
  string body = 3;
  optional string answer = 4;
  bytes seal = 5;
  string sender = 6;
}
"#,
    );
    let fixture = Fixture::start(engine, &contract).await;
    for n in 0..18 {
        let body = format!("{}{}", "ä".repeat(700 * (n % 4)), "z".repeat(40_000 - n * 1_000));
        let seal = vec![u8::try_from(n % 3).unwrap(); 9_000 + n];
        let mut letter = json!({
            "body": body, "subject": "s".repeat(900 + n % 2), "sender": format!("{}{n}", "f".repeat(900)),
            "seal": base64::engine::general_purpose::STANDARD.encode(seal),
        });
        if n % 3 > 0 {
            letter["answer"] = json!("\u{1F375}".repeat(3_000 + n));
        }
        fixture.anonymous().ok(LETTER, json!({"letter_id": format!("l{n:02}"), "letter": letter})).await;
    }
    fixture
}

const LETTER: &str = "mail.v1.LetterService/CreateLetter";
const LETTERS: &str = "mail.v1.LetterService/ListLetters";

/// All letters in small pages; the last letter of each page is handed to `between` before the next is asked for.
async fn all_letters(fixture: &Fixture, order_by: &str, between: impl AsyncFn(usize, &str)) -> Vec<String> {
    let (mut names, mut token, mut pages) = (Vec::new(), json!(""), 0);
    loop {
        let request = json!({"page_size": 2, "order_by": order_by, "page_token": token});
        let page = fixture.anonymous().with_read_mask("letters.name").ok(LETTERS, request).await;
        let letters = page["letters"].as_array().cloned().unwrap_or_default();
        names.extend(letters.iter().map(|letter| letter["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_page_token"].as_str().filter(|next| !next.is_empty()) else { return names };
        assert!(next.len() <= mainstay_data::domain::page_token::MAX_TOKEN_BYTES, "{order_by}: {}", next.len());
        token = json!(next);
        between(pages, names.last().unwrap()).await;
        pages += 1;
    }
}

const LONG_ORDERS: [&str; 10] = [
    "body",
    "body desc",
    "answer",
    "answer desc",
    "seal",
    "answer, body desc",
    "body, answer, seal, sender",
    "subject, body",
    "subject desc, sender desc",
    "sender, seal desc, answer desc, body, subject",
];

both_engines! {
    async fn no_text_is_too_long_to_page_by(engine: Engine) {
        let fixture = letters(engine).await;
        for order_by in LONG_ORDERS {
            let whole = fixture.anonymous().with_read_mask("letters.name").ok(LETTERS, json!({"order_by": order_by})).await;
            let whole: Vec<&str> =
                whole["letters"].as_array().unwrap().iter().map(|letter| letter["name"].as_str().unwrap()).collect();
            assert_eq!(whole.len(), 18);
            assert_eq!(all_letters(&fixture, order_by, async |_, _| ()).await, whole, "{order_by}");
        }
    }

    async fn what_stays_is_listed_once_whatever_becomes_of_the_last_row_of_a_page(engine: Engine) {
        for order_by in LONG_ORDERS {
            let fixture = letters(engine).await;
            let names = all_letters(&fixture, order_by, async |page, last| {
                let anyone = fixture.anonymous();
                if page % 2 == 0 {
                    anyone.ok("mail.v1.LetterService/DeleteLetter", json!({"name": last})).await;
                } else {
                    let letter = json!({"name": last, "sender": "", "subject": "s".repeat(1_000)});
                    anyone.ok("mail.v1.LetterService/UpdateLetter", json!({"letter": letter, "update_mask": "name"})).await;
                    let more = json!({"letter": {"body": "ä".repeat(30_000)}, "letter_id": format!("x{page}")});
                    anyone.ok(LETTER, more).await;
                }
            })
            .await;
            let old: Vec<&String> = names.iter().filter(|name| name.starts_with("letters/l")).collect();
            let distinct: std::collections::BTreeSet<&String> = old.iter().copied().collect();
            assert_eq!((old.len(), distinct.len()), (18, 18), "{order_by}: {names:?}");
        }
    }
}
