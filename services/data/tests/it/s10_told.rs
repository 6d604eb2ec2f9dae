//! S10, where it has an end: a value that is taken and a row that is needed are told, and nothing else of whoever has it.
//! The front page of `crates/contract` says why.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Fixture, on_the_wire};

fn contract() -> String {
    file(
        "club.v1",
        r#"
        message Member {
          option (google.api.resource) = {type: "club.example.com/Member" pattern: "members/{member}"};
          option (mainstay.v1.resource) = {
            access {read: "resource.owner == auth.uid || resource.open" write: "true"}
            index {fields: "email" unique: true}
          };
          string name = 1 [(google.api.field_behavior) = IDENTIFIER];
          string owner = 2;
          string email = 3;
          string motto = 4;
          bool open = 5;
          string etag = 6;
        }
        message Badge {
          option (google.api.resource) = {type: "club.example.com/Badge" pattern: "badges/{badge}"};
          option (mainstay.v1.resource) = {access {read: "resource.owner == auth.uid" write: "true"}};
          string name = 1 [(google.api.field_behavior) = IDENTIFIER];
          string owner = 2;
          string member = 3 [(google.api.resource_reference).type = "club.example.com/Member"];
        }"#,
    )
}

/// A club in which somebody whom nobody sees has an address, and whose badges nobody sees are of an open member.
async fn club(engine: Engine, hidden: Json, badges: &[Json]) -> Fixture {
    let fixture = Fixture::start(engine, &contract()).await;
    let system = fixture.system();
    let open = json!({"member_id": "open", "member": {"owner": "dora", "email": "o@x", "open": true}});
    system.ok("club.v1.MemberService/CreateMember", open).await;
    system.ok("club.v1.MemberService/CreateMember", hidden).await;
    for badge in badges {
        system.ok("club.v1.BadgeService/CreateBadge", json!({"badge": badge})).await;
    }
    fixture
}

fn writes() -> Vec<(&'static str, Json, Reason)> {
    let member = json!({"owner": "dora", "email": "taken@x"});
    let named = json!({"name": "members/open", "email": "taken@x"});
    let mut all = vec![
        ("club.v1.MemberService/CreateMember", json!({"member": member}), Reason::UniqueViolation),
        (
            "club.v1.MemberService/UpdateMember",
            json!({"member": named, "update_mask": "email"}),
            Reason::UniqueViolation,
        ),
        (
            "club.v1.MemberService/BatchCreateMembers",
            json!({"requests": [{"member": {"email": "free@x"}}, {"member": member}]}),
            Reason::UniqueViolation,
        ),
        (
            "club.v1.CommitService/Commit",
            json!({"writes": [{"create_member": {"member": member}}]}),
            Reason::UniqueViolation,
        ),
        ("club.v1.MemberService/DeleteMember", json!({"name": "members/open"}), Reason::StillReferenced),
    ];
    let dry: Vec<_> = all
        .iter()
        .map(|(method, request, reason)| {
            let mut request = request.clone();
            request["validate_only"] = json!(true);
            (*method, request, *reason)
        })
        .collect();
    all.extend(dry);
    all
}

both_engines! {
    async fn that_a_value_is_taken_or_a_row_is_needed_is_told_and_nothing_of_the_hidden_row(engine: Engine) {
        let badge = |owner: &str| json!({"owner": owner, "member": "members/open"});
        let one = club(
            engine,
            json!({"member_id": "ann", "member": {"owner": "ann", "email": "taken@x", "motto": "hush"}}),
            &[badge("ann")],
        )
        .await;
        let other = club(
            engine,
            json!({"member_id": "benedikt-the-second", "member": {"owner": "ben", "email": "taken@x", "motto": "shout"}}),
            &[badge("ben"), badge("eve")],
        )
        .await;
        for (method, request, reason) in writes() {
            let mut told = Vec::new();
            for world in [&one, &other] {
                let fault = world.user("dora", &[]).fault(method, request.clone()).await;
                assert_eq!(fault.reason(), Some(reason), "{method} {request}");
                let (code, text, mut details) = on_the_wire(fault);
                // The entries of a map come in any order.
                details.sort_unstable();
                told.push((code, text, details));
            }
            assert_eq!(told[0], told[1], "{method} {request}");
        }
    }

    /// A name is another matter (AIP-133): it is the client's to choose, and a denied create says no more than that.
    async fn that_a_hidden_name_is_taken_is_a_denied_create(engine: Engine) {
        let hidden = json!({"member_id": "ann", "member": {"owner": "ann", "email": "taken@x"}});
        let fixture = club(engine, hidden, &[]).await;
        let dora = fixture.user("dora", &[]);
        for dry in [true, false] {
            let taken = json!({"member_id": "ann", "member": {"email": "free@x"}, "validate_only": dry});
            let refused = dora.refused("club.v1.MemberService/CreateMember", taken).await;
            assert_eq!(refused, (Reason::PermissionDenied, vec![]));
        }
    }

    /// What the warning advises: nobody meets the rows of others.
    async fn an_index_that_begins_with_its_owner_tells_nothing_of_others(engine: Engine) {
        let contract = contract().replace(r#"index {fields: "email""#, r#"index {fields: "owner" fields: "email""#);
        let fixture = Fixture::start(engine, &contract).await;
        let member = |owner: &str| json!({"member": {"owner": owner, "email": "taken@x"}});
        let create = "club.v1.MemberService/CreateMember";
        fixture.system().ok(create, member("ann")).await;
        fixture.user("dora", &[]).ok(create, member("dora")).await;
        assert_eq!(fixture.user("dora", &[]).refused(create, member("dora")).await.0, Reason::UniqueViolation);
    }
}
