//! What rules that look around cost, beside the same SQL written by hand: on PostgreSQL by how many rows are touched, on
//! SQLite by what is scanned. No clock is asked.

use std::sync::Arc;

use mainstay_contract::Roles;
use mainstay_data::plans::{Compiled, Shape};
use mainstay_data::rights::Caller as Rights;
use mainstay_db::{Lane, Rows, Statement};
use mainstay_record::{Kind, Piece, Value};
use mainstay_testkit::{Engine, both_engines};

use crate::contracts::file;
use crate::support::Fixture;

const PROJECTS: &str = r#"
message Project {
  option (google.api.resource) = {type: "w.example.com/Project" pattern: "projects/{project}"};
  option (mainstay.v1.resource) = {access {read: "resource.members.exists(m, m.account == auth.uid)" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
}
message Member {
  option (google.api.resource) = {type: "w.example.com/Member" pattern: "projects/{project}/members/{member}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"} index {fields: "account"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2;
}
message City {
  option (google.api.resource) = {type: "w.example.com/City" pattern: "cities/{city}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string mayor = 2;
}
message Street {
  option (google.api.resource) = {type: "w.example.com/Street" pattern: "streets/{street}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string city = 2 [(google.api.resource_reference).type = "w.example.com/City"];
}
message House {
  option (google.api.resource) = {type: "w.example.com/House" pattern: "houses/{house}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string street = 2 [(google.api.resource_reference).type = "w.example.com/Street"];
}
message Flat {
  option (google.api.resource) = {type: "w.example.com/Flat" pattern: "flats/{flat}"};
  option (mainstay.v1.resource) = {access {read: "resource.house.street.city.mayor == auth.uid" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string house = 2 [(google.api.resource_reference).type = "w.example.com/House"];
}
"#;

const MEMBERS_BY_HAND: &str = "SELECT t._id, t._revision, t.title FROM w_v1_project AS t \
    WHERE t._id IN (SELECT m._project_id FROM w_v1_member AS m WHERE m.account = 'ann') ORDER BY t._id LIMIT 51";

const FLATS_BY_HAND: &str = "SELECT t._id, t._revision, t.house FROM w_v1_flat AS t JOIN w_v1_house AS h ON h._id = t.house \
    JOIN w_v1_street AS s ON s._id = h.street JOIN w_v1_city AS c ON c._id = s.city \
    WHERE c.mayor = 'ann' ORDER BY t._id LIMIT 51";

/// Numbers from 1 on.
pub fn numbers(engine: Engine, count: usize) -> String {
    match engine {
        Engine::Sqlite => {
            format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})")
        }
        Engine::Postgres => format!("WITH n(i) AS (SELECT * FROM generate_series(1, {count}))"),
    }
}

/// So many projects; ann is a member of 200 of them, wherever they are.
async fn with_projects(engine: Engine, count: usize) -> Fixture {
    let fixture = Fixture::start(engine, &file("w.v1", PROJECTS)).await;
    let (n, every) = (numbers(engine, count), count / 200);
    fixture.sql(&format!("INSERT INTO w_v1_project (_id, _revision, title) {n} SELECT 'p' || i, 1, 't' FROM n")).await;
    fixture
        .sql(&format!(
            "INSERT INTO w_v1_member (_project_id, _id, _revision, account) {n} \
             SELECT 'p' || i, 'm', 1, CASE WHEN i % {every} = 0 THEN 'ann' ELSE 'u' || i END FROM n"
        ))
        .await;
    fixture.sql("ANALYZE").await;
    fixture
}

async fn with_flats(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &file("w.v1", PROJECTS)).await;
    let n = numbers(engine, 4_000);
    for statement in [
        "INSERT INTO w_v1_city (_id, _revision, mayor) {n} SELECT 'c' || i, 1, CASE WHEN i % 20 = 0 THEN 'ann' ELSE 'u' END FROM n",
        "INSERT INTO w_v1_street (_id, _revision, city) {n} SELECT 's' || i, 1, 'c' || i FROM n",
        "INSERT INTO w_v1_house (_id, _revision, street) {n} SELECT 'h' || i, 1, 's' || i FROM n",
        "INSERT INTO w_v1_flat (_id, _revision, house) {n} SELECT 'f' || i, 1, 'h' || i FROM n",
    ] {
        fixture.sql(&statement.replace("{n}", &n)).await;
    }
    fixture.sql("ANALYZE").await;
    fixture
}

/// What the engine did for a page of 50 that ann lists.
pub async fn listed(fixture: &Fixture, engine: Engine, plural: &str) -> Vec<String> {
    let (_, (statement, binds)) = list(fixture, plural);
    explained(fixture, engine, statement.statement.pieces(), binds).await
}

/// A statement with its values.
type Asked = (Arc<Compiled>, Vec<Value>);

/// What answers a page of 50 that ann lists: what is asked first, if anything is, and the statement with its values.
pub fn list(fixture: &Fixture, plural: &str) -> (Option<Asked>, Asked) {
    let snapshot = fixture.data.reconciler().served().load();
    let plan = snapshot.resources().iter().find(|plan| plan.resource.plural == plural).unwrap();
    let caller = Rights::new(fixture.user("ann", &[]).principal(), 0, &Roles::default());
    let shape = Shape {
        atoms: plan.list_atoms(&caller),
        filter: String::new(),
        order_by: String::new(),
        deleted: false,
        parents: 0,
        after: None,
    };
    let list = plan.list(shape, &caller).unwrap();
    let statement: &Arc<Compiled> = list.from_above.as_ref().map_or(&list.statement, |list| &list.statement);
    let binds = statement.values(&caller, &[Value::Int(51)]);
    let count = list.from_above.as_ref().map(|list| (Arc::clone(&list.count), list.count.values(&caller, &[])));
    (count, (Arc::clone(statement), binds))
}

pub async fn by_hand(fixture: &Fixture, engine: Engine, sql: &str) -> Vec<String> {
    explained(fixture, engine, &[Piece::Text(sql.to_owned())], Vec::new()).await
}

pub async fn explained(fixture: &Fixture, engine: Engine, pieces: &[Piece], binds: Vec<Value>) -> Vec<String> {
    let (words, kinds) = match engine {
        Engine::Sqlite => ("EXPLAIN QUERY PLAN ", vec![Kind::Int, Kind::Int, Kind::Int, Kind::Text]),
        Engine::Postgres => ("EXPLAIN (ANALYZE, TIMING OFF) ", vec![Kind::Text]),
    };
    let pieces = std::iter::once(Piece::Text(words.to_owned())).chain(pieces.iter().cloned()).collect();
    let rows = fixture.data.db().fetch(Lane::Heavy, &Statement::new(pieces, false), binds, Rows::of(&kinds)).await;
    let line = |row: &Vec<Value>| if let Some(Value::Text(text)) = row.last() { text.clone() } else { String::new() };
    rows.unwrap().rows.iter().map(line).collect()
}

/// How many rows were touched (PostgreSQL), or how many tables are scanned without an index (SQLite).
pub fn work(engine: Engine, plan: &[String]) -> f64 {
    let number = |line: &str, of: &str| -> Option<f64> {
        let (_, rest) = line.split_once("(actual ")?.1.split_once(of)?;
        rest.split([' ', ')']).next()?.parse().ok()
    };
    match engine {
        Engine::Sqlite => {
            let scans = plan.iter().filter(|line| line.contains("SCAN ") && !line.contains(" USING "));
            f64::from(u32::try_from(scans.count()).unwrap())
        }
        Engine::Postgres => {
            let touched = plan.iter().filter_map(|line| Some(number(line, "rows=")? * number(line, "loops=")?));
            let filtered =
                plan.iter().filter_map(|line| line.split_once("Rows Removed by Filter: ")?.1.parse::<f64>().ok());
            touched.sum::<f64>() + filtered.sum::<f64>()
        }
    }
}

both_engines! {
    async fn a_list_of_what_one_is_a_member_of_costs_what_it_would_by_hand(engine: Engine) {
        for count in [4_000, 40_000] {
            let fixture = with_projects(engine, count).await;
            let (ours, theirs) = (listed(&fixture, engine, "projects").await, by_hand(&fixture, engine, MEMBERS_BY_HAND).await);
            let (own, other) = (work(engine, &ours), work(engine, &theirs));
            assert!(own <= other * 1.5, "{own} beside {other}\n{}\nby hand\n{}", ours.join("\n"), theirs.join("\n"));
        }
    }

    async fn a_rule_over_three_references_costs_what_a_join_by_hand_does(engine: Engine) {
        let fixture = with_flats(engine).await;
        let (ours, theirs) = (listed(&fixture, engine, "flats").await, by_hand(&fixture, engine, FLATS_BY_HAND).await);
        let (own, other) = (work(engine, &ours), work(engine, &theirs));
        assert!(own <= other * 1.5, "{own} beside {other}\n{}\nby hand\n{}", ours.join("\n"), theirs.join("\n"));
    }
}

/// The median of how long a statement takes, in microseconds.
async fn median_us(fixture: &Fixture, statement: &Arc<Statement>, binds: &[Value], kinds: &[Kind]) -> u128 {
    let mut all = Vec::new();
    for _ in 0..60 {
        let begin = std::time::Instant::now();
        fixture.data.db().fetch(Lane::Heavy, statement, binds.to_vec(), Rows::of(kinds)).await.unwrap();
        all.push(begin.elapsed().as_micros());
    }
    all.sort_unstable();
    all[all.len() / 2]
}

/// Prints how long ann's list takes beside what somebody wrote by hand.
#[expect(clippy::cast_precision_loss, reason = "it is shown")]
async fn compare(fixture: &Fixture, name: &str, plural: &str, kinds: &[Kind], by_hand: &str) {
    let (count, (statement, binds)) = list(fixture, plural);
    let mut own = median_us(fixture, &statement.statement, &binds, kinds).await;
    if let Some((count, binds)) = count {
        own += median_us(fixture, &count.statement, &binds, &[Kind::Int]).await;
    }
    let by_hand = Statement::new(vec![Piece::Text(by_hand.to_owned())], true);
    let other = median_us(fixture, &by_hand, &[], kinds).await;
    println!("{name}: {own} µs, by hand {other} µs: {:.2}", own as f64 / other.max(1) as f64);
}

#[tokio::test]
#[ignore = "shows how long lists under rules that look around take beside statements by hand"]
async fn lists_under_rules_beside_the_same_by_hand() {
    use crate::from_above::{FOLDERS_BY_HAND, with_folders};
    let own = [Kind::Text, Kind::Int, Kind::Text];
    for engine in [Engine::Sqlite, Engine::Postgres] {
        for count in [40_000, 400_000] {
            let fixture = with_projects(engine, count).await;
            compare(&fixture, &format!("{engine:?}, members, {count} rows"), "projects", &own, MEMBERS_BY_HAND).await;
        }
        let fixture = with_flats(engine).await;
        compare(&fixture, &format!("{engine:?}, three references"), "flats", &own, FLATS_BY_HAND).await;
        for count in [10_000, 100_000] {
            let fixture = with_folders(engine, count).await;
            let kinds = [Kind::Text, Kind::Int, Kind::Text, Kind::Text];
            let name = format!("{engine:?}, ten levels, {count} folders");
            compare(&fixture, &name, "folders", &kinds, FOLDERS_BY_HAND).await;
        }
    }
}
