//! Filters that look at the rows below a row: as far as the caller may read those, and at nothing that is hidden.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const LEAGUE: &str = r#"
message Team {
  option (google.api.resource) = {type: "l.example.com/Team" pattern: "teams/{team}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string city = 2;
}
message Player {
  option (google.api.resource) = {type: "l.example.com/Player" pattern: "teams/{team}/players/{player}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.account == auth.uid || resource.shown || team.awards.exists(a, a.by == auth.uid)" write: "true"}
    soft_delete: true
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2;
  bool shown = 3;
  optional string sponsor = 4;
  string notes = 5 [(mainstay.v1.field).read = "'coach' in auth.roles"];
  repeated string tags = 6;
  google.protobuf.Timestamp delete_time = 7;
}
message Award {
  option (google.api.resource) = {type: "l.example.com/Award" pattern: "teams/{team}/awards/{award}"};
  option (mainstay.v1.resource) = {access {read: "'jury' in auth.roles" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string by = 2;
}
"#;

fn method(verb: &str, message: &str) -> String {
    format!("l.v1.{message}Service/{verb}{message}")
}

/// `reds` have ann, who is hidden, and ben; `blues` have cleo, who is hidden; `greens` have dan, who left.
async fn started(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &file("l.v1", LEAGUE)).await;
    let system = fixture.system();
    for team in ["reds", "blues", "greens"] {
        system.ok(&method("Create", "Team"), json!({"team_id": team, "team": {"city": team}})).await;
    }
    for (team, id, player) in [
        ("reds", "ann", json!({"account": "ann", "sponsor": "acme", "notes": "fast", "tags": ["old"]})),
        ("reds", "ben", json!({"account": "ben", "shown": true, "tags": ["new"]})),
        ("blues", "cleo", json!({"account": "cleo", "notes": "slow"})),
        ("greens", "dan", json!({"account": "dan", "shown": true})),
    ] {
        let request = json!({"parent": format!("teams/{team}"), "player_id": id, "player": player});
        system.ok(&method("Create", "Player"), request).await;
    }
    system.ok(&method("Delete", "Player"), json!({"name": "teams/greens/players/dan"})).await;
    fixture
}

async fn teams(caller: &Caller<'_>, filter: &str) -> String {
    let answer = caller.call("l.v1.TeamService/ListTeams", json!({"filter": filter})).await;
    let answer = answer.unwrap_or_else(|fault| panic!("{filter}: {fault:?}"));
    let rows = answer["teams"].as_array().into_iter().flatten();
    rows.map(|row: &Json| row["city"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

both_engines! {
    async fn a_filter_finds_by_rows_below_as_far_as_the_caller_may_read_them(engine: Engine) {
        let fixture = started(engine).await;
        let (nobody, ann, system) = (fixture.anonymous(), fixture.user("ann", &[]), fixture.system());
        for (filter, by_nobody, by_ann, by_system) in [
            ("players:*", "reds", "reds", "blues reds"),
            ("NOT players:*", "blues greens", "blues greens", "greens"),
            ("players.account:ben", "reds", "reds", "reds"),
            ("players.account:ann", "", "reds", "reds"),
            ("players.account:cleo", "", "", "blues"),
            ("-players.account:cleo", "blues greens reds", "blues greens reds", "greens reds"),
            ("players.sponsor:*", "", "reds", "reds"),
            ("NOT players.sponsor:*", "blues greens reds", "blues greens", "blues greens"),
            ("players.tags:old", "", "reds", "reds"),
            ("players.tags:new AND city = reds", "reds", "reds", "reds"),
            ("players.team.city:blues", "", "", "blues"),
            ("players.account:\"b*\" OR players.account:cleo", "reds", "reds", "blues reds"),
        ] {
            assert_eq!(teams(&nobody, filter).await, by_nobody, "{filter} by nobody");
            assert_eq!(teams(&ann, filter).await, by_ann, "{filter} by ann");
            assert_eq!(teams(&system, filter).await, by_system, "{filter} by the system");
        }
    }

    async fn what_is_hidden_is_told_by_no_answer_and_by_no_error(engine: Engine) {
        let fixture = started(engine).await;
        let (ann, coach) = (fixture.user("ann", &[]), fixture.user("eve", &["coach"]));
        let by_notes = json!({"filter": "players.notes:fast"});
        // A field that the caller does not see in every row is compared by nothing.
        let (reason, _) = ann.refused("l.v1.TeamService/ListTeams", by_notes).await;
        assert_eq!(reason, Reason::InvalidFilter);
        assert_eq!(teams(&coach, "players.notes:fast").await, "", "the player is hidden");
        assert_eq!(teams(&fixture.system(), "players.notes:fast").await, "reds");
        // Nobody but the jury reads awards, whatever there are.
        let award = json!({"parent": "teams/blues", "award": {"by": "ann"}});
        fixture.system().ok(&method("Create", "Award"), award).await;
        assert_eq!(teams(&ann, "awards:*").await, "");
        assert_eq!(teams(&ann, "NOT awards:*").await, "blues greens reds");
        assert_eq!(teams(&fixture.user("fay", &["jury"]), "awards:*").await, "blues");
        // The rule of a row below looks further by itself.
        assert_eq!(teams(&ann, "players.account:cleo").await, "blues");
    }
}
