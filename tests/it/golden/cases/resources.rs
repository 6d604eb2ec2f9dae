//! Resources and their messages.

use super::*;

/// Whose rows belong to organisations, with what lies below; and the same with nothing said of that.
const DESK: &str = "message Desk { option (google.api.resource) = {type: \"golden.example.com/Desk\" pattern: \"desks/{desk}\"};
    option (mainstay.v1.resource) = {tenant: true access {read: \"true\" write: \"true\"} index {fields: \"seat\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    string seat = 2; }
    message Drawer { option (google.api.resource) = {type: \"golden.example.com/Drawer\" pattern: \"desks/{desk}/drawers/{drawer}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER]; }\nmessage Owner {";
const NOBODYS_DESK: &str = "message Desk { option (google.api.resource) = {type: \"golden.example.com/Desk\" pattern: \"desks/{desk}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"} index {fields: \"seat\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    string seat = 2; }
    message Drawer { option (google.api.resource) = {type: \"golden.example.com/Drawer\" pattern: \"desks/{desk}/drawers/{drawer}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER]; }\nmessage Owner {";
const MATED_DESK: &str = "message Desk { option (google.api.resource) = {type: \"golden.example.com/Desk\" pattern: \"desks/{desk}\"};
    option (mainstay.v1.resource) = {tenant: true access {read: \"true\" write: \"true\"} index {fields: \"seat\" unique: true}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    string seat = 2; string drawer = 3 [(google.api.resource_reference).type = \"golden.example.com/Drawer\"]; }
    message Drawer { option (google.api.resource) = {type: \"golden.example.com/Drawer\" pattern: \"desks/{desk}/drawers/{drawer}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER]; }\nmessage Owner {";
const DESKS: &str = "INSERT INTO golden_v1_desk (_organisation, _id, _revision, seat) VALUES ('acme', 'a', 1, 's1'), ('zeta', 'a', 1, 's1');
    INSERT INTO golden_v1_drawer (_organisation, _desk_id, _id, _revision) VALUES ('acme', 'a', 'top', 1), ('zeta', 'a', 'top', 1);";
const SEATS: &str = "SELECT _organisation || _id || seat FROM golden_v1_desk ORDER BY _organisation, _id";
const ITEMS: &str = "SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item";

golden! {
    a_new_resource: Case {
        after: &[("message Owner {", "message Tag { option (google.api.resource) = {type: \"golden.example.com/Tag\" pattern: \"tags/{tag}\"};
            option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"} index {fields: \"text\" unique: true}};
            string name = 1 [(google.api.field_behavior) = IDENTIFIER]; string text = 2; }\nmessage Owner {")],
        gives: &[(ITEMS, "10000"), ("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_tag", "0")],
        ..Case::NONE
    };
    a_singleton_below_rows_that_stand: Case {
        after: &[("message Owner {", "message Profile { option (google.api.resource) = {type: \"golden.example.com/Profile\" pattern: \"items/{item}/profile\"};
            option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"} index {fields: \"text\"}};
            string name = 1 [(google.api.field_behavior) = IDENTIFIER]; string text = 2 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field).default = \"'new'\"];
            optional int32 size = 3; google.protobuf.Timestamp create_time = 4; }\nmessage Owner {")],
        same: &[("SELECT _id || 'new' FROM golden_v1_item ORDER BY _id", "SELECT _item_id || text FROM golden_v1_profile WHERE size IS NULL AND create_time IS NOT NULL AND _revision = 1 ORDER BY _item_id")],
        ..Case::NONE
    };
    a_message_renamed_with_references_to_it: Case {
        after: &[("message Owner {", "message Keeper {")],
        same: &[("SELECT i._id || o.title FROM golden_v1_item i JOIN golden_v1_owner o ON o._id = i.owner ORDER BY i._id",
                 "SELECT i._id || o.title FROM golden_v1_item i JOIN golden_v1_keeper o ON o._id = i.owner ORDER BY i._id")],
        ..Case::NONE
    };
    a_parent_renamed_with_children_and_indexes: Case {
        after: &[("message Item {", "message Thing {")],
        same: &[(OLD_TITLES, "SELECT _id || title FROM golden_v1_thing ORDER BY _id"),
                ("SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id", "SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id")],
        ..Case::NONE
    };
    a_package_moved: Case {
        after: &[("package golden.v1;", "package silver.v2;")],
        same: &[(OLD_TITLES, "SELECT _id || title FROM silver_v2_item ORDER BY _id")],
        ..Case::NONE
    };
    two_messages_that_swap_their_names: Case {
        after: &[("message Owner {", "message Swapped {"), ("message Part {", "message Owner {"), ("message Swapped {", "message Part {")],
        same: &[("SELECT title FROM golden_v1_owner ORDER BY _id", "SELECT title FROM golden_v1_part_2 ORDER BY _id"),
                ("SELECT title FROM golden_v1_part ORDER BY _item_id", "SELECT title FROM golden_v1_owner_2 ORDER BY _item_id")],
        ..Case::NONE
    };
    a_message_renamed_with_a_field_and_an_index: Case {
        after: &[("message Item {", "message Thing {"), ("string code = 2;", "string sign = 2;"), ("index {fields: \"code\"}", "index {fields: \"sign\"} index {fields: \"title\"}")],
        same: &[("SELECT _id || code FROM golden_v1_item ORDER BY _id", "SELECT _id || sign FROM golden_v1_thing ORDER BY _id")],
        ..Case::NONE
    };
    a_resource_removed: Case {
        after: &[("message Part {\n  option (google.api.resource) = {type: \"golden.example.com/Part\" pattern: \"items/{item}/parts/{part}\"};\n  option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}};", "message Part {")],
        accept: &["hide:resource:golden.example.com/Part"],
        same: &[("SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id", "SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id")],
        ..Case::NONE
    };
    a_resource_that_comes_back: Case {
        before: &[&[], &[("message Part {\n  option (google.api.resource) = {type: \"golden.example.com/Part\" pattern: \"items/{item}/parts/{part}\"};\n  option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}};", "message Part {")]],
        same: &[("SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id", "SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id")],
        ..Case::NONE
    };
    a_resource_that_comes_back_and_names_what_is_gone: Case {
        before: &[&[("message Owner {", BASKET)], &[]],
        after: &[("message Owner {", BASKET)],
        rows: "INSERT INTO golden_v1_basket (_id, _revision, owners) VALUES ('a', 1, '[\"owners/o1\"]'), ('b', 1, '[\"owners/o2\", \"owners/gone\"]');",
        refused: Some("owners would refer to golden.example.com/Owner, and names what is none"),
        same: &[("SELECT _id FROM golden_v1_basket ORDER BY _id", "")],
        ..Case::NONE
    };
    a_resource_that_comes_back_and_names_what_is_there: Case {
        before: &[&[("message Owner {", BASKET)], &[]],
        after: &[("message Owner {", BASKET)],
        rows: "INSERT INTO golden_v1_basket (_id, _revision, owners) VALUES ('a', 1, '[\"owners/o1\"]'), ('b', 1, '[\"owners/o2\"]');",
        same: &[("SELECT _id FROM golden_v1_basket ORDER BY _id", "SELECT _id FROM golden_v1_basket ORDER BY _id")],
        ..Case::NONE
    };
    another_pattern: Case {
        after: &[("owners/{owner}", "keepers/{keeper}")],
        same: &[("SELECT title FROM golden_v1_owner ORDER BY _id", "SELECT title FROM golden_v1_owner ORDER BY _id")],
        ..Case::NONE
    };
    another_name_of_a_variable: Case {
        after: &[("items/{item}", "items/{thing}")],
        same: &[("SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id", "SELECT _thing_id || title FROM golden_v1_part ORDER BY _thing_id")],
        ..Case::NONE
    };
    rows_that_come_to_belong_to_organisations: Case {
        after: &[(WRITERS, "tenant: true access {read: \"true\" write: \"'writer' in auth.roles\"}")],
        refused: Some("nothing says to which"),
        same: &[(OLD_TITLES, "")],
        ..Case::NONE
    };
    rows_that_belong_to_organisations_no_more: Case {
        before: &[&[], &[("message Owner {", DESK)]],
        after: &[("message Owner {", NOBODYS_DESK)],
        meanwhile: DESKS,
        refused: Some("for everybody whom the rules let in"),
        same: &[(SEATS, "")],
        ..Case::NONE
    };
    rows_of_organisations_that_refer_to_one_another: Case {
        before: &[&[], &[("message Owner {", DESK)]],
        after: &[("message Owner {", MATED_DESK)],
        meanwhile: DESKS,
        same: &[(SEATS, SEATS)],
        ..Case::NONE
    };
    a_key_of_more_parts: Case {
        after: &[("owners/{owner}", "items/{item}/owners/{owner}")],
        refused: Some("the rows' keys would have another form"),
        same: &[("SELECT title FROM golden_v1_owner ORDER BY _id", "")],
        ..Case::NONE
    };
    deleted_rows_kept_from_now_on: Case {
        after: &[("access {read: \"true\" write: \"'writer' in auth.roles\"}", "access {read: \"true\" write: \"'writer' in auth.roles\"} soft_delete: true"),
                 ("bool hot = 15;", "bool hot = 15; google.protobuf.Timestamp delete_time = 30;")],
        same: &[(OLD_TITLES, OLD_TITLES)],
        gives: &[("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item WHERE delete_time IS NULL", "10000")],
        ..Case::NONE
    };
}
