//! What roles are worth (`mainstay.v1.roles`): whoever has several sees and does what each of them lets him.

use std::collections::BTreeSet;

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const CREATE: &str = "desk.v1.TicketService/CreateTicket";
const GET: &str = "desk.v1.TicketService/GetTicket";
const LIST: &str = "desk.v1.TicketService/ListTickets";
const UPDATE: &str = "desk.v1.TicketService/UpdateTicket";

/// Two roles that see disjoint columns, one that includes both, and one of organisations.
fn contract() -> String {
    file(
        "desk.v1",
        r#"
option (mainstay.v1.roles) = {
  role {name: "clerk" title: "Clerk" permissions: "tickets.read" permissions: "notes.read"}
  role {name: "cashier" permissions: "tickets.read" permissions: "prices.read" permissions: "prices.write"}
  role {name: "chief" includes: "clerk" includes: "cashier" permissions: "tickets.create"}
  role {name: "guest" scope: ORGANISATION permissions: "tickets.read"}
};
message Ticket {
  option (google.api.resource) = {type: "desk.example.com/Ticket" pattern: "tickets/{ticket}"};
  option (mainstay.v1.resource) = {
    access {
      read: "'tickets.read' in auth.permissions && ('clerk' in auth.roles || !resource.sealed || auth.org != null)"
      create: "'tickets.create' in auth.permissions"
      update: "'prices.write' in auth.permissions"
      delete: "false"
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string note = 2 [(mainstay.v1.field).read = "'notes.read' in auth.permissions"];
  int64 price = 3 [(mainstay.v1.field) = {read: "'prices.read' in auth.permissions" write: "'prices.write' in auth.permissions"}];
  bool sealed = 4;
}
"#,
    )
}

async fn desk(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &contract()).await;
    for (id, sealed) in [("open", false), ("sealed", true)] {
        let ticket = json!({"note": "n", "price": "5", "sealed": sealed});
        fixture.system().ok(CREATE, json!({"ticket_id": id, "ticket": ticket})).await;
    }
    fixture
}

both_engines! {
    async fn whoever_has_two_roles_sees_the_columns_of_both(engine: Engine) {
        let fixture = desk(engine).await;
        let open = json!({"name": "tickets/open"});
        let clerk = fixture.user("ann", &["clerk"]).ok(GET, open.clone()).await;
        assert_eq!((&clerk["note"], &clerk["price"]), (&json!("n"), &json!(null)));
        let cashier = fixture.user("ann", &["cashier"]);
        let seen = cashier.ok(GET, open.clone()).await;
        assert_eq!((&seen["note"], &seen["price"]), (&json!(null), &json!("5")));
        assert_eq!(cashier.refused(GET, json!({"name": "tickets/sealed"})).await.0, Reason::ResourceNotFound);
        for roles in [&["clerk", "cashier"][..], &["chief", "clerk"]] {
            let both = fixture.user("ann", roles);
            let seen = both.ok(GET, json!({"name": "tickets/sealed"})).await;
            assert_eq!((&seen["note"], &seen["price"]), (&json!("n"), &json!("5")), "{roles:?}");
            both.ok(UPDATE, json!({"ticket": {"name": "tickets/sealed", "price": "5"}, "update_mask": "price"})).await;
        }
        fixture.end().await;
    }

    async fn a_role_grants_what_it_includes_and_is_not_what_it_includes(engine: Engine) {
        let fixture = desk(engine).await;
        let chief = fixture.user("ann", &["chief"]);
        chief.ok(CREATE, json!({"ticket": {}})).await;
        assert_eq!(chief.ok(GET, json!({"name": "tickets/open"})).await["note"], "n");
        assert_eq!(chief.refused(GET, json!({"name": "tickets/sealed"})).await.0, Reason::ResourceNotFound);
        let clerk = fixture.user("ann", &["clerk"]);
        assert_eq!(clerk.refused(CREATE, json!({"ticket": {}})).await.0, Reason::PermissionDenied);
        fixture.end().await;
    }

    async fn an_organisation_gives_no_role_but_its_own(engine: Engine) {
        let fixture = desk(engine).await;
        let open = json!({"name": "tickets/open"});
        for role in ["clerk", "chief", "stranger", "mainstay.admin", "mainstay.owner"] {
            let member = fixture.member("ann", "acme", &[role]);
            assert_eq!(member.refused(GET, open.clone()).await.0, Reason::ResourceNotFound, "{role}");
            assert_eq!(member.ok(LIST, json!({})).await["tickets"], json!(null), "{role}");
        }
        let guest = fixture.member("ann", "acme", &["clerk", "guest"]);
        let seen = guest.ok(GET, json!({"name": "tickets/sealed"})).await;
        assert_eq!((&seen["note"], &seen["price"]), (&json!(null), &json!(null)), "{seen}");
        // As an account's it is worth nothing.
        assert_eq!(fixture.user("ann", &["guest"]).refused(GET, open).await.0, Reason::ResourceNotFound);
        fixture.end().await;
    }

    async fn what_a_role_loses_is_gone_at_once_for_everybody(engine: Engine) {
        let fixture = desk(engine).await;
        let clerk = fixture.user("ann", &["clerk"]);
        assert_eq!(clerk.ok(GET, json!({"name": "tickets/open"})).await["note"], "n");
        fixture.rewrite(&contract().replacen(r#" permissions: "notes.read""#, "", 1).replacen(
            r#"includes: "clerk""#, r#"includes: "clerk" permissions: "notes.read""#, 1)).await;
        assert_eq!(clerk.ok(GET, json!({"name": "tickets/open"})).await["note"], json!(null));
        assert_eq!(fixture.user("bob", &["chief"]).ok(GET, json!({"name": "tickets/open"})).await["note"], "n");
        fixture.end().await;
    }

    /// A15's check, on rules that are made up.
    async fn several_roles_let_in_whom_each_of_them_does(engine: Engine) {
        for seed in 1..=4_u64 {
            let fixture = Fixture::start(engine, &made_up(seed)).await;
            for (place, kind) in KINDS.iter().enumerate() {
                let ticket = json!({"kind": kind, "a": "1", "b": "2", "c": "3", "d": "4"});
                let request = json!({"ticket_id": format!("t{place}"), "ticket": ticket});
                fixture.system().ok(CREATE, request).await;
            }
            let mut may: Vec<BTreeSet<String>> = Vec::new();
            for held in 0..1_usize << ROLES.len() {
                let held: Vec<&str> = chosen(held).collect();
                may.push(everything(&fixture.member("ann", "acme", &held)).await);
            }
            for one in 0..may.len() {
                for other in 0..one {
                    let lost: Vec<_> = may[one].union(&may[other]).filter(|act| !may[one | other].contains(*act)).collect();
                    let names = |held| chosen(held).collect::<Vec<_>>();
                    assert!(lost.is_empty(), "{seed}: {:?} with {:?} loses {lost:?}", names(one), names(other));
                }
            }
            assert!(may.iter().any(|one| *one != may[0]), "{seed}: no role is worth anything");
            fixture.end().await;
        }
    }
}

const ROLES: [&str; 4] = ["red", "green", "blue", "white"];
const PERMISSIONS: [&str; 5] = ["p0", "p1", "p2", "p3", "p4"];
const KINDS: [&str; 3] = ["x", "y", "z"];
const FIELDS: [&str; 4] = ["a", "b", "c", "d"];

fn chosen(held: usize) -> impl Iterator<Item = &'static str> {
    ROLES.iter().enumerate().filter(move |(place, _)| held & (1 << place) != 0).map(|(_, role)| *role)
}

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % 1_000_003).unwrap() % sides
    }

    /// A rule that no role makes narrower.
    fn rule(&mut self, record: &str, depth: usize) -> String {
        match self.roll(if depth == 0 { 3 } else { 5 }) {
            0 => format!("'{}' in auth.roles", ROLES[self.roll(ROLES.len())]),
            1 => format!("'{}' in auth.permissions", PERMISSIONS[self.roll(PERMISSIONS.len())]),
            2 => format!("{record}.kind == '{}'", KINDS[self.roll(KINDS.len())]),
            3 => format!("({} && {})", self.rule(record, depth - 1), self.rule(record, depth - 1)),
            _ => format!("({} || {})", self.rule(record, depth - 1), self.rule(record, depth - 1)),
        }
    }
}

/// Roles, and rules for rows and fields, both at random.
fn made_up(seed: u64) -> String {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut roles = String::new();
    for (place, role) in ROLES.iter().enumerate() {
        let more = if place > 0 { format!(" includes: \"{}\"", ROLES[dice.roll(place)]) } else { String::new() };
        let more = if dice.roll(2) == 0 { more } else { String::new() };
        let own = PERMISSIONS[dice.roll(PERMISSIONS.len())];
        roles += &format!("  role {{name: \"{role}\" scope: ORGANISATION permissions: \"{own}\"{more}}}\n");
    }
    // Each is somebody's, so that rules may ask for it.
    let all = PERMISSIONS.map(|name| format!("permissions: \"{name}\"")).join(" ");
    roles += &format!("  role {{name: \"nobodys\" {all}}}\n");
    let [read, create, delete] = [0; 3].map(|_| dice.rule("resource", 2));
    let update = dice.rule("old", 2);
    let mut fields = String::new();
    for (place, name) in FIELDS.iter().enumerate() {
        let (seen, set) = (dice.rule("resource", 1), dice.rule("resource", 1));
        fields += &format!(
            "  string {name} = {} [(mainstay.v1.field) = {{read: \"{seen}\" write: \"{set}\"}}];\n",
            place + 3
        );
    }
    file(
        "desk.v1",
        &format!(
            r#"
option (mainstay.v1.roles) = {{
{roles}}};
message Ticket {{
  option (google.api.resource) = {{type: "desk.example.com/Ticket" pattern: "tickets/{{ticket}}"}};
  option (mainstay.v1.resource) = {{
    access {{read: "{read}" create: "{create}" update: "{update}" delete: "{delete}"}}
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string kind = 2;
{fields}}}
"#
        ),
    )
}

/// All that a caller sees and may do.
async fn everything(caller: &Caller<'_>) -> BTreeSet<String> {
    let mut may = BTreeSet::new();
    let list = caller.ok(LIST, json!({})).await;
    for row in list["tickets"].as_array().into_iter().flatten() {
        may.extend(row.as_object().unwrap().keys().map(|field| format!("sees {field} of {}", row["name"])));
    }
    for (place, kind) in KINDS.iter().enumerate() {
        let name = format!("tickets/t{place}");
        if let Ok(row) = caller.call(GET, json!({"name": name})).await {
            may.extend(row.as_object().unwrap().keys().map(|field| format!("gets {field} of {name}")));
        }
        let mut calls: Vec<(&str, String, Json)> = vec![
            ("desk.v1.TicketService/DeleteTicket", "deletes".to_owned(), json!({"name": name})),
            (CREATE, "creates".to_owned(), json!({"ticket_id": "new", "ticket": {"kind": kind}})),
        ];
        for field in FIELDS {
            let create = json!({"ticket_id": "new", "ticket": {"kind": kind, field: "new"}});
            calls.push((CREATE, format!("creates with {field}"), create));
            let update = json!({"ticket": {"name": name, field: "new"}, "update_mask": field});
            calls.push((UPDATE, format!("sets {field} of"), update));
        }
        for (method, words, mut request) in calls {
            request["validate_only"] = json!(true);
            if caller.call(method, request).await.is_ok() {
                may.insert(format!("{words} {name}"));
            }
        }
    }
    may
}
