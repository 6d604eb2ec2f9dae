//! Resources and their messages.

use super::*;

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
