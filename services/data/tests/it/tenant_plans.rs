//! How rows of one organisation are found among those of all.

use mainstay_contract::Roles;
use mainstay_data::plans::Shape;
use mainstay_data::rights::Caller as Rights;
use mainstay_db::Lane;
use mainstay_record::Value;
use mainstay_testkit::{Engine, both_engines};

use crate::contracts::file;
use crate::rule_plans::{explained, numbers, work};
use crate::support::Fixture;

const PAPERS: &str = r#"
message Paper {
  option (google.api.resource) = {type: "w.example.com/Paper" pattern: "papers/{paper}"};
  option (mainstay.v1.resource) = {
    tenant: true
    access {read: "true" write: "true"}
    index {fields: "owner"}
    index {fields: "title desc"}
    index {fields: "state" fields: "due_time"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  string title = 3;
  google.protobuf.Timestamp due_time = 4;
  State state = 5 [(mainstay.v1.states) = {
    initial: "OPEN"
    transition {name: "Close" from: "OPEN" to: "CLOSED" access: "true" at: "resource.due_time"}
  }];
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; CLOSED = 2; }
}
"#;

/// 400 organisations with 100 papers each.
async fn with_papers(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &file("w.v1", PAPERS)).await;
    let n = numbers(engine, 40_000);
    fixture
        .sql(&format!(
            "INSERT INTO w_v1_paper (_organisation, _id, _revision, owner, title, state) {n} \
             SELECT 'o' || (i % 400), 'p' || i, 1, 'u' || (i % 7), 't' || i, 1 FROM n"
        ))
        .await;
    fixture.sql("ANALYZE").await;
    fixture
}

both_engines! {
    async fn a_list_costs_the_rows_of_its_page_however_many_organisations_there_are(engine: Engine) {
        let fixture = with_papers(engine).await;
        let snapshot = fixture.data.reconciler().served().load();
        let plan = snapshot.resources().iter().find(|plan| plan.resource.plural == "papers").unwrap();
        let caller = Rights::new(fixture.member("ann", "o7", &[]).principal(), 0, &Roles::default());
        for (filter, order_by) in [("", ""), ("", "title desc"), ("owner = \"u3\"", ""), ("name = \"papers/p7\"", "")] {
            let shape = Shape {
                atoms: plan.list_atoms(&caller),
                filter: filter.to_owned(),
                order_by: order_by.to_owned(),
                deleted: false,
                parents: 0,
                after: None,
            };
            let list = plan.list(shape, &caller).unwrap();
            assert_eq!(list.lane(50), Lane::Inline, "{filter} {order_by}");
            let binds = list.statement.values(&caller, &[Value::Int(51)]);
            let lines = explained(&fixture, engine, list.statement.statement.pieces(), binds).await;
            let found = lines.join("\n");
            match engine {
                Engine::Sqlite => assert!(found.contains("(_organisation=?") && !found.contains("SCAN "), "{found}"),
                Engine::Postgres => assert!(work(engine, &lines) <= 250.0, "{found}"),
            }
        }
    }

    async fn the_clock_finds_what_is_due_without_looking_at_the_rest(engine: Engine) {
        let fixture = with_papers(engine).await;
        let snapshot = fixture.data.reconciler().served().load();
        let plan = snapshot.resources().iter().find(|plan| plan.resource.plural == "papers").unwrap();
        let caller = Rights::without_roles(fixture.system().principal(), 1_700_000_000_000_000);
        let due = plan.due_for(0).unwrap();
        let binds = due.first.values(&caller, &[Value::Int(100)]);
        let lines = explained(&fixture, engine, due.first.statement.pieces(), binds).await;
        let found = lines.join("\n");
        match engine {
            Engine::Sqlite => assert!(found.contains("state=? AND due_time") && !found.contains("SCAN "), "{found}"),
            Engine::Postgres => assert!(work(engine, &lines) < 10.0, "{found}"),
        }
    }
}
